//! Reads information about BPF objects in the kernel: programs, types and links.

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd, OwnedFd},
};

use aya_obj::generated::{
    bpf_attr, bpf_btf_info, bpf_cmd, bpf_func_info, bpf_link_info, bpf_link_type, bpf_perf_event_type, bpf_prog_info,
};

use super::{bpf, bpf_fd, count};

/// Opens the BTF object of a loaded module, by name.
pub fn module_btf(module: &str) -> io::Result<OwnedFd> {
    let mut id = 0;
    loop {
        id = next_btf_id(id)?;
        let Ok(fd) = btf_by_id(id) else { continue };
        if btf_name(&fd)? == module {
            return Ok(fd);
        }
    }
}

fn next_btf_id(after: u32) -> io::Result<u32> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    attr.__bindgen_anon_6.__bindgen_anon_1.start_id = after;
    bpf(bpf_cmd::BPF_BTF_GET_NEXT_ID, &mut attr)?;
    // SAFETY: the kernel has written the id.
    Ok(unsafe { attr.__bindgen_anon_6.next_id })
}

fn btf_by_id(id: u32) -> io::Result<OwnedFd> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    attr.__bindgen_anon_6.__bindgen_anon_1.btf_id = id;
    bpf_fd(bpf_cmd::BPF_BTF_GET_FD_BY_ID, &mut attr)
}

fn btf_name(btf: &OwnedFd) -> io::Result<String> {
    let mut name = [0u8; 64];
    // SAFETY: all-zero is a valid `bpf_btf_info`.
    let mut info: bpf_btf_info = unsafe { std::mem::zeroed() };
    info.name = name.as_mut_ptr() as u64;
    info.name_len = count(name.len());
    info_of(btf.as_raw_fd(), &mut info)?;
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    Ok(String::from_utf8_lossy(&name[..end]).into_owned())
}

/// Returns the bytes of a BTF object.
pub fn btf_data(id: u32) -> io::Result<Vec<u8>> {
    let btf = btf_by_id(id)?;
    // SAFETY: all-zero is a valid `bpf_btf_info`.
    let mut info: bpf_btf_info = unsafe { std::mem::zeroed() };
    info_of(btf.as_raw_fd(), &mut info)?;
    let mut data = vec![0u8; info.btf_size as usize];
    // SAFETY: all-zero is a valid `bpf_btf_info`.
    info = unsafe { std::mem::zeroed() };
    info.btf = data.as_mut_ptr() as u64;
    info.btf_size = count(data.len());
    info_of(btf.as_raw_fd(), &mut info)?;
    Ok(data)
}

/// Returns the lowest id of a loaded BPF program above this one, or an error if there is none.
pub fn next_program_id(after: u32) -> io::Result<u32> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    attr.__bindgen_anon_6.__bindgen_anon_1.start_id = after;
    bpf(bpf_cmd::BPF_PROG_GET_NEXT_ID, &mut attr)?;
    // SAFETY: the kernel has written the id.
    Ok(unsafe { attr.__bindgen_anon_6.next_id })
}

/// Information about a loaded BPF program.
pub struct ProgramInfo {
    /// Its id.
    pub id: u32,
    /// `BPF_PROG_TYPE_*`
    pub kind: u32,
    /// The kernel's copy of its name, at most 15 bytes.
    pub name: String,
    /// Id of its BTF, if it has any.
    pub btf: Option<u32>,
    /// Id of its main function in that BTF.
    pub function: Option<u32>,
}

/// Opens a loaded BPF program and reads its information.
pub fn program_by_id(id: u32) -> io::Result<(OwnedFd, ProgramInfo)> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    attr.__bindgen_anon_6.__bindgen_anon_1.prog_id = id;
    let program = bpf_fd(bpf_cmd::BPF_PROG_GET_FD_BY_ID, &mut attr)?;
    // SAFETY: all-zero is a valid `bpf_func_info`.
    let mut main: bpf_func_info = unsafe { std::mem::zeroed() };
    // SAFETY: all-zero is a valid `bpf_prog_info`.
    let mut info: bpf_prog_info = unsafe { std::mem::zeroed() };
    info.func_info = std::ptr::from_mut(&mut main) as u64;
    info.func_info_rec_size = count(size_of::<bpf_func_info>());
    info.nr_func_info = 1;
    info_of(program.as_raw_fd(), &mut info)?;
    let name: Vec<u8> = info.name.iter().map(|byte| *byte as u8).take_while(|byte| *byte != 0).collect();
    // The kernel counts ids from 1.
    let btf = Some(info.btf_id).filter(|id| *id != 0);
    let function = (btf.is_some() && info.nr_func_info > 0 && main.type_id != 0).then_some(main.type_id);
    let name = String::from_utf8_lossy(&name).into_owned();
    Ok((program, ProgramInfo { id, kind: info.type_, name, btf, function }))
}

/// Returns the id of a loaded program.
pub fn program_id(program: BorrowedFd<'_>) -> io::Result<u32> {
    // SAFETY: all-zero is a valid `bpf_prog_info`.
    let mut info: bpf_prog_info = unsafe { std::mem::zeroed() };
    info_of(program.as_raw_fd(), &mut info)?;
    Ok(info.id)
}

/// Returns the hits that a program missed because it was already running on that CPU (5.12 and newer).
pub fn recursion_misses(program: BorrowedFd<'_>) -> u64 {
    // SAFETY: all-zero is a valid `bpf_prog_info`.
    let mut info: bpf_prog_info = unsafe { std::mem::zeroed() };
    match info_of(program.as_raw_fd(), &mut info) {
        Ok(()) => info.recursion_misses,
        Err(_) => 0,
    }
}

/// Returns the hits that a kprobe or a `kprobe.multi` missed before any of its programs ran, because another kprobe was
/// being handled on that CPU (6.7 and newer).
pub fn missed_hits(link: BorrowedFd<'_>) -> u64 {
    // SAFETY: all-zero is a valid `bpf_link_info`.
    let mut info: bpf_link_info = unsafe { std::mem::zeroed() };
    if info_of(link.as_raw_fd(), &mut info).is_err() {
        return 0;
    }
    const KPROBES: [u32; 2] =
        [bpf_perf_event_type::BPF_PERF_EVENT_KPROBE as u32, bpf_perf_event_type::BPF_PERF_EVENT_KRETPROBE as u32];
    // SAFETY: the kernel reports which of the members it has written.
    unsafe {
        if info.type_ == bpf_link_type::BPF_LINK_TYPE_KPROBE_MULTI as u32 {
            info.__bindgen_anon_1.kprobe_multi.missed
        } else if info.type_ == bpf_link_type::BPF_LINK_TYPE_PERF_EVENT as u32
            && KPROBES.contains(&info.__bindgen_anon_1.perf_event.type_)
        {
            info.__bindgen_anon_1.perf_event.__bindgen_anon_1.kprobe.missed
        } else {
            0
        }
    }
}

fn info_of<T>(object: i32, info: &mut T) -> io::Result<()> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    attr.info.bpf_fd = object as u32;
    attr.info.info = std::ptr::from_mut(info) as u64;
    attr.info.info_len = count(size_of::<T>());
    bpf(bpf_cmd::BPF_OBJ_GET_INFO_BY_FD, &mut attr).map(drop)
}
