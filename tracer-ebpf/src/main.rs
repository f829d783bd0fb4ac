//! tracer's eBPF programs: hook, match, packet id, emit.
//!
//! Each family of hooks has its file in `hooks/`; a hook's body is written once and becomes an
//! fentry and a kprobe program (or a `tp_btf` and a raw tracepoint program) by [`attach`].
//!
//! Invariant: a program changes nothing but its own maps, and an untracked packet at an interior
//! hook costs one look at [`packet::FILTER`] and nothing more.

#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod attach;
mod each;
mod emit;
mod frozen;
mod headers;
mod hooks;
mod matching;
mod packet;
mod per_cpu;
mod raised;
mod read;
mod recorder;

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
