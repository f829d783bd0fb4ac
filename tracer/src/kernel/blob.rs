//! The bytes of a file, mapped if the kernel allows it.

use std::{
    fs::{self, File},
    io,
    num::NonZeroUsize,
    ops::Deref,
    path::Path,
    ptr::NonNull,
};

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// Bytes that never change.
pub enum Blob {
    /// The kernel's own pages, which take no memory of ours.
    Mapped(Mapped),
    /// A copy.
    Read(Vec<u8>),
}

/// A mapping, which is unmapped when dropped.
pub struct Mapped {
    begin: NonNull<libc::c_void>,
    len: NonZeroUsize,
}

// SAFETY: the pages are only read, which any thread may do.
unsafe impl Send for Mapped {}
// SAFETY: the pages are only read, which several threads may do at once.
unsafe impl Sync for Mapped {}

impl Blob {
    /// Maps a file whose content never changes, or reads it if it cannot be mapped.
    ///
    /// `/sys/kernel/btf/vmlinux` can be mapped since 6.16 (`btf_sysfs_vmlinux_mmap`, kernel/bpf/sysfs_btf.c).
    ///
    /// # Errors
    /// Fails if the file cannot be read.
    pub fn of(path: &Path) -> io::Result<Self> {
        match map(&File::open(path)?) {
            Some(mapped) => Ok(Self::Mapped(mapped)),
            None => fs::read(path).map(Self::Read),
        }
    }
}

fn map(file: &File) -> Option<Mapped> {
    let len = NonZeroUsize::new(usize::try_from(file.metadata().ok()?.len()).ok()?)?;
    // SAFETY: no address is requested, and the kernel's own types do not change while it runs.
    let begin = unsafe { mmap(None, len, ProtFlags::PROT_READ, MapFlags::MAP_PRIVATE, file, 0) };
    Some(Mapped { begin: begin.ok()?, len })
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            // SAFETY: `len` bytes are mapped until `mapped` is dropped.
            Self::Mapped(mapped) => unsafe {
                std::slice::from_raw_parts(mapped.begin.as_ptr().cast::<u8>(), mapped.len.get())
            },
            Self::Read(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Read(bytes)
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: mapped by `map`, and nothing borrows from it any more.
        let _ = unsafe { munmap(self.begin, self.len.get()) };
    }
}
