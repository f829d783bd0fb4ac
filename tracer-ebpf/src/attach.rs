//! Makes several programs from one body. Programs for fentry, kprobes and tracepoints differ only in where the
//! arguments come from and how fields are read.

use aya_ebpf::{
    macros::map,
    maps::ProgramArray,
    programs::{BtfTracePointContext, FEntryContext, FExitContext, ProbeContext, RawTracePointContext},
};
use tracer_common::{HOOKS, HookId};

use crate::read::{Probed, Read, Trusted, Typed};

/// The arguments of a hooked function or tracepoint.
pub trait Args {
    /// How to read what the arguments point to.
    type Read: Read;
    /// Whether this is a kprobe program, which the kernel skips whenever it skips the other kprobe programs.
    const OF_KPROBE: bool = false;

    /// Returns argument `n`, counted from 0.
    fn arg(&self, n: usize) -> *const u8;
}

macro_rules! args {
    ($context:ty, $read:ty) => {
        impl Args for $context {
            type Read = $read;

            #[inline(always)]
            fn arg(&self, n: usize) -> *const u8 {
                <$context>::arg(self, n)
            }
        }
    };
}

args!(FEntryContext, Typed);
args!(FExitContext, Typed);
args!(BtfTracePointContext, Trusted);
args!(RawTracePointContext, Probed);

impl Args for ProbeContext {
    type Read = Probed;
    const OF_KPROBE: bool = true;

    #[inline(always)]
    fn arg(&self, n: usize) -> *const u8 {
        ProbeContext::arg(self, n).unwrap_or(core::ptr::null())
    }
}

/// Defines programs that run when a function is entered: `fentry_NAME` and `kprobe_NAME`.
macro_rules! on_entry {
    ($($name:ident => $body:expr;)+) => {$(
        const _: () = {
            #[unsafe(export_name = concat!("fentry_", stringify!($name)))]
            #[unsafe(link_section = concat!("fentry/", stringify!($name)))]
            extern "C" fn fentry(ctx: *mut core::ffi::c_void) -> i32 {
                $body(&aya_ebpf::programs::FEntryContext::new(ctx));
                0
            }

            #[unsafe(export_name = concat!("kprobe_", stringify!($name)))]
            #[unsafe(link_section = concat!("kprobe/", stringify!($name)))]
            extern "C" fn kprobe(ctx: *mut core::ffi::c_void) -> i32 {
                $body(&aya_ebpf::programs::ProbeContext::new(ctx));
                0
            }
        };
    )+};
}
pub(crate) use on_entry;

/// Defines programs that several hooks of one body share within `kprobe.multi`: `shared_NAME`. The cookie
/// identifies the hook that was hit.
macro_rules! on_entry_shared {
    ($($name:ident => $body:expr;)+) => {$(
        const _: () = {
            #[unsafe(export_name = concat!("shared_", stringify!($name)))]
            #[unsafe(link_section = concat!("kprobe/shared_", stringify!($name)))]
            extern "C" fn shared(ctx: *mut core::ffi::c_void) -> i32 {
                $body($crate::attach::hook(ctx), &aya_ebpf::programs::ProbeContext::new(ctx));
                0
            }
        };
    )+};
}
pub(crate) use on_entry_shared;

/// Returns the hook that was hit, within `kprobe.multi`.
#[inline(always)]
pub fn hook(ctx: *mut core::ffi::c_void) -> HookId {
    // SAFETY: the context is the one that the kernel passed.
    HookId::from_cookie(unsafe { aya_ebpf::helpers::generated::bpf_get_attach_cookie(ctx) })
}

/// The kprobe programs of the hooks that share one `kprobe.multi`, by id.
#[map]
static BY_HOOK: ProgramArray = ProgramArray::with_max_entries(HOOKS.len() as u32 + 1, 0);

/// The program that `kprobe.multi` attaches to all its functions. This program calls the hook's own program; the
/// cookie is the id of the hook.
#[unsafe(no_mangle)]
#[unsafe(link_section = "kprobe/dispatch")]
extern "C" fn dispatch(ctx: *mut core::ffi::c_void) -> i32 {
    let args = ProbeContext::new(ctx);
    // The tail call returns only if there is no program of that id, because the hook could not be loaded.
    // SAFETY: the array holds only kprobe programs.
    let _missing = unsafe { BY_HOOK.tail_call(&args, hook(ctx).0.into()) };
    0
}

/// Defines programs that run when a tracepoint is hit: `tp_btf_NAME` and `raw_tp_NAME`.
macro_rules! on_tracepoint {
    ($($name:ident => $body:expr;)+) => {$(
        const _: () = {
            #[unsafe(export_name = concat!("tp_btf_", stringify!($name)))]
            #[unsafe(link_section = concat!("tp_btf/", stringify!($name)))]
            extern "C" fn tp_btf(ctx: *mut core::ffi::c_void) -> i32 {
                $body(&aya_ebpf::programs::BtfTracePointContext::new(ctx));
                0
            }

            #[unsafe(export_name = concat!("raw_tp_", stringify!($name)))]
            #[unsafe(link_section = concat!("raw_tp/", stringify!($name)))]
            extern "C" fn raw_tp(ctx: *mut core::ffi::c_void) -> i32 {
                $body(&aya_ebpf::programs::RawTracePointContext::new(ctx));
                0
            }
        };
    )+};
}
pub(crate) use on_tracepoint;

/// Defines programs that run when a function of `count` arguments returns: `fexit_NAME` and `kretprobe_NAME`.
/// `fentry_NAME` and `kprobe_NAME` run at its entry.
///
/// A kretprobe no longer sees the arguments, so its kprobe keeps those of tracked packets in
/// [`crate::packet::calls`].
macro_rules! on_return {
    ($($name:ident/$count:literal, skb $skb:expr, entry $entry:expr => $body:expr;)+) => {$(
        const _: () = {
            #[unsafe(export_name = concat!("fentry_", stringify!($name)))]
            #[unsafe(link_section = concat!("fentry/", stringify!($name)))]
            extern "C" fn fentry(ctx: *mut core::ffi::c_void) -> i32 {
                $entry(&aya_ebpf::programs::FEntryContext::new(ctx));
                0
            }

            #[unsafe(export_name = concat!("fexit_", stringify!($name)))]
            #[unsafe(link_section = concat!("fexit/", stringify!($name)))]
            extern "C" fn fexit(ctx: *mut core::ffi::c_void) -> i32 {
                let args = aya_ebpf::programs::FExitContext::new(ctx);
                // The return value follows the arguments. The helper that returns it exists only from 5.17 on.
                let ret: u64 = args.arg($count);
                $body(&args, ret as i32);
                0
            }

            #[unsafe(export_name = concat!("kprobe_", stringify!($name)))]
            #[unsafe(link_section = concat!("kprobe/", stringify!($name)))]
            extern "C" fn kprobe(ctx: *mut core::ffi::c_void) -> i32 {
                let args = aya_ebpf::programs::ProbeContext::new(ctx);
                $entry(&args);
                if $crate::packet::is_tracked($skb(&args)) {
                    $crate::packet::calls::keep(&args);
                }
                0
            }

            #[unsafe(export_name = concat!("kretprobe_", stringify!($name)))]
            #[unsafe(link_section = concat!("kretprobe/", stringify!($name)))]
            extern "C" fn kretprobe(ctx: *mut core::ffi::c_void) -> i32 {
                let ctx = aya_ebpf::programs::RetProbeContext::new(ctx);
                if let Some(args) = $crate::packet::calls::take(&ctx) {
                    let ret: u64 = ctx.ret();
                    $body(&args, ret as i32);
                }
                0
            }
        };
    )+};
}
pub(crate) use on_return;
