//! The `bpf(2)` and `perf_event_open(2)` calls that Aya does not offer.

mod attach;
mod inspect;
mod kallsyms;
mod load;
mod locations;
mod maps;

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
};

use aya_obj::generated::{bpf_attr, bpf_cmd};

pub use attach::{Places, kprobe, kprobe_multi, raw_tracepoint_open};
pub use inspect::{
    ProgramInfo, btf_data, missed_hits, module_btf, next_program_id, program_by_id, program_id, recursion_misses,
};
pub use kallsyms::addresses;
pub use load::{Kind, Load, Target, load_btf, load_code, load_program};
pub use locations::Locations;
pub use maps::{element, freeze, set_element, set_program};

fn bpf_fd(command: bpf_cmd, attr: &mut bpf_attr) -> io::Result<OwnedFd> {
    bpf(command, attr).and_then(owned)
}

fn bpf(command: bpf_cmd, attr: &mut bpf_attr) -> io::Result<libc::c_long> {
    // SAFETY: the attributes are a valid union; what they point to outlives the call.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attr), size_of::<bpf_attr>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn owned(fd: libc::c_long) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just returned this descriptor. `bpf(2)` sets O_CLOEXEC by itself.
    i32::try_from(fd).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }).map_err(io::Error::other)
}

fn fd(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd() as u32
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
