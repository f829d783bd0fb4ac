//! Creates and fills maps.

use std::{
    io,
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd},
};

use aya_obj::generated::{bpf_attr, bpf_cmd, bpf_map_type};

use super::{bpf, bpf_fd, count, fd};

/// Creates an array of one value, which neither we nor programs can change afterwards.
pub fn constant(value: &[u8]) -> io::Result<OwnedFd> {
    /// `BPF_F_RDONLY_PROG` (`include/uapi/linux/bpf.h`)
    const BPF_F_RDONLY_PROG: u32 = 128;
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    // SAFETY: the union's member for BPF_MAP_CREATE; plain integers.
    let create = unsafe { &mut attr.__bindgen_anon_1 };
    create.map_type = bpf_map_type::BPF_MAP_TYPE_ARRAY as u32;
    create.key_size = count(size_of::<u32>());
    create.value_size = count(value.len());
    create.max_entries = 1;
    create.map_flags = BPF_F_RDONLY_PROG;
    let map = bpf_fd(bpf_cmd::BPF_MAP_CREATE, &mut attr)?;
    set_element(map.as_fd(), 0, value)?;
    freeze(map.as_fd())?;
    Ok(map)
}

/// `BPF_MAP_UPDATE_ELEM` of a program array.
pub fn set_program(array: &OwnedFd, index: u32, program: &OwnedFd) -> io::Result<()> {
    set_element(array.as_fd(), index, &program.as_raw_fd().to_ne_bytes())
}

/// `BPF_MAP_UPDATE_ELEM` of any array. The value must have the size that the map was created with.
pub fn set_element(array: BorrowedFd<'_>, index: u32, value: &[u8]) -> io::Result<()> {
    of_element(bpf_cmd::BPF_MAP_UPDATE_ELEM, array, index, value.as_ptr() as u64)
}

/// `BPF_MAP_LOOKUP_ELEM` of any array. The value must have the size that the map was created with.
pub fn element(array: BorrowedFd<'_>, index: u32, value: &mut [u8]) -> io::Result<()> {
    of_element(bpf_cmd::BPF_MAP_LOOKUP_ELEM, array, index, value.as_mut_ptr() as u64)
}

fn of_element(command: bpf_cmd, array: BorrowedFd<'_>, index: u32, value: u64) -> io::Result<()> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    // SAFETY: the union's member for map elements; plain integers.
    let element = unsafe { &mut attr.__bindgen_anon_2 };
    element.map_fd = fd(array);
    element.key = std::ptr::from_ref(&index) as u64;
    element.__bindgen_anon_1.value = value;
    bpf(command, &mut attr).map(drop)
}

/// `BPF_MAP_FREEZE`: from then on the verifier treats the map's contents as constants.
pub fn freeze(map: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    attr.__bindgen_anon_2.map_fd = fd(map);
    bpf(bpf_cmd::BPF_MAP_FREEZE, &mut attr).map(drop)
}
