//! Attaches loaded programs.

use std::{
    ffi::{CStr, CString, c_char},
    fs, io,
    os::fd::{AsRawFd as _, OwnedFd},
};

use aya_obj::generated::{
    PERF_EVENT_IOC_ENABLE, PERF_EVENT_IOC_SET_BPF,
    bpf_attach_type::{BPF_PERF_EVENT, BPF_TRACE_KPROBE_MULTI},
    bpf_attr, bpf_cmd, perf_event_attr,
};

use super::{bpf_fd, count, owned};

/// `BPF_RAW_TRACEPOINT_OPEN`: attaches tracing programs (no name) and raw tracepoints (by name).
pub fn raw_tracepoint_open(program: &OwnedFd, name: Option<&CStr>) -> io::Result<OwnedFd> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    attr.raw_tracepoint.prog_fd = program.as_raw_fd() as u32;
    attr.raw_tracepoint.name = name.map_or(0, |name| name.as_ptr() as u64);
    bpf_fd(bpf_cmd::BPF_RAW_TRACEPOINT_OPEN, &mut attr)
}

/// The places that a `kprobe.multi` is attached to.
#[derive(Clone, Copy, Debug)]
pub enum Places<'a> {
    /// At addresses.
    Addresses(&'a [u64]),
    /// At symbols, which the kernel looks up.
    Symbols(&'a [CString]),
}

/// `BPF_LINK_CREATE`: attaches a `kprobe.multi` to all places, each with its cookie.
pub fn kprobe_multi(program: &OwnedFd, places: Places<'_>, cookies: &[u64]) -> io::Result<OwnedFd> {
    let symbols: Vec<*const c_char> = match places {
        Places::Symbols(symbols) => symbols.iter().map(|symbol| symbol.as_ptr()).collect(),
        Places::Addresses(_) => Vec::new(),
    };
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    attr.link_create.__bindgen_anon_1.prog_fd = program.as_raw_fd() as u32;
    attr.link_create.attach_type = BPF_TRACE_KPROBE_MULTI as u32;
    attr.link_create.__bindgen_anon_3.kprobe_multi.cnt = count(cookies.len());
    match places {
        Places::Addresses(addresses) => {
            attr.link_create.__bindgen_anon_3.kprobe_multi.addrs = addresses.as_ptr() as u64;
        }
        Places::Symbols(_) => attr.link_create.__bindgen_anon_3.kprobe_multi.syms = symbols.as_ptr() as u64,
    }
    attr.link_create.__bindgen_anon_3.kprobe_multi.cookies = cookies.as_ptr() as u64;
    bpf_fd(bpf_cmd::BPF_LINK_CREATE, &mut attr)
}

/// Attaches a kprobe or kretprobe until the returned descriptor is closed. It is a link (5.15), or else a perf event.
pub fn kprobe(program: &OwnedFd, symbol: &str, on_return: bool) -> io::Result<OwnedFd> {
    const PMU: &str = "/sys/bus/event_source/devices/kprobe";
    let pmu = fs::read_to_string(format!("{PMU}/type"))?;
    let symbol = CString::new(symbol)?;
    // SAFETY: all-zero is a valid `perf_event_attr`.
    let mut attr: perf_event_attr = unsafe { std::mem::zeroed() };
    attr.type_ = pmu.trim().parse().map_err(io::Error::other)?;
    attr.size = count(size_of::<perf_event_attr>());
    // `format/retprobe` is `config:0` on every kernel that has this PMU.
    attr.config = u64::from(on_return);
    attr.__bindgen_anon_3.kprobe_func = symbol.as_ptr() as u64;
    const PERF_FLAG_FD_CLOEXEC: libc::c_ulong = 8;
    // SAFETY: the attributes and the name outlive the call. Any process, CPU 0: kprobes are not per CPU.
    let fd = unsafe { libc::syscall(libc::SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC) };
    let event = owned(fd)?;
    let link = perf_link(program, &event).ok();
    if link.is_none() {
        ioctl(&event, PERF_EVENT_IOC_SET_BPF, program.as_raw_fd())?;
    }
    ioctl(&event, PERF_EVENT_IOC_ENABLE, 0)?;
    Ok(link.unwrap_or(event))
}

/// `BPF_LINK_CREATE`: attaches a program to a perf event, which the link keeps.
fn perf_link(program: &OwnedFd, event: &OwnedFd) -> io::Result<OwnedFd> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    attr.link_create.__bindgen_anon_1.prog_fd = program.as_raw_fd() as u32;
    attr.link_create.__bindgen_anon_2.target_fd = event.as_raw_fd() as u32;
    attr.link_create.attach_type = BPF_PERF_EVENT as u32;
    bpf_fd(bpf_cmd::BPF_LINK_CREATE, &mut attr)
}

fn ioctl(event: &OwnedFd, request: u32, argument: i32) -> io::Result<()> {
    // SAFETY: both requests take an integer.
    match unsafe { libc::ioctl(event.as_raw_fd(), request.into(), argument) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
