//! The bytes of a file, mapped if the kernel allows it.

use std::{
    fs::{self, File},
    io,
    num::NonZeroUsize,
    path::Path,
    ptr::NonNull,
};

use bytes::Bytes;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// Maps a file whose content never changes, so that it takes no memory of ours, or reads it if it cannot be mapped.
///
/// `/sys/kernel/btf/vmlinux` can be mapped since 6.16 (`btf_sysfs_vmlinux_mmap`, kernel/bpf/sysfs_btf.c).
///
/// # Errors
/// Fails if the file cannot be read.
pub fn read(path: &Path) -> io::Result<Bytes> {
    match map(&File::open(path)?) {
        Some(mapped) => Ok(Bytes::from_owner(mapped)),
        None => fs::read(path).map(Bytes::from),
    }
}

fn map(file: &File) -> Option<Mapped> {
    let len = NonZeroUsize::new(usize::try_from(file.metadata().ok()?.len()).ok()?)?;
    // SAFETY: no address is requested, and the kernel's own types do not change while it runs.
    let begin = unsafe { mmap(None, len, ProtFlags::PROT_READ, MapFlags::MAP_PRIVATE, file, 0) };
    Some(Mapped { begin: begin.ok()?, len })
}

/// A mapping, which is unmapped when dropped.
struct Mapped {
    begin: NonNull<libc::c_void>,
    len: NonZeroUsize,
}

// SAFETY: the pages are only read, which any thread may do.
unsafe impl Send for Mapped {}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `len` bytes are mapped until `self` is dropped.
        unsafe { std::slice::from_raw_parts(self.begin.as_ptr().cast::<u8>(), self.len.get()) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: mapped by `map`, and nothing borrows from it any more.
        let _ = unsafe { munmap(self.begin, self.len.get()) };
    }
}
