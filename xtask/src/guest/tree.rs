//! A file tree in memory, and the archive format that the kernel unpacks at boot.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use anyhow::{Context as _, Result};

/// What is at a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A regular file.
    File {
        /// Whether it may be run.
        executable: bool,
        /// Its bytes.
        content: Vec<u8>,
    },
    /// A symbolic link to that target.
    Symlink(String),
}

impl Node {
    /// Creates a file that is not executable.
    pub fn data(content: impl Into<Vec<u8>>) -> Self {
        Self::File { executable: false, content: content.into() }
    }

    /// Creates a program or script.
    pub fn program(content: impl Into<Vec<u8>>) -> Self {
        Self::File { executable: true, content: content.into() }
    }
}

/// Files by path, relative to the root and without a leading slash.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
}

impl Tree {
    /// Puts a node at a path, replacing what was there.
    pub fn insert(&mut self, path: &str, node: Node) {
        self.nodes.insert(merged(path), node);
    }

    /// Returns what is at a path.
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(&merged(path))
    }

    /// Returns all paths and nodes, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// Writes the tree below an empty folder.
    pub fn write_to(&self, folder: &Path) -> Result<()> {
        for (path, node) in &self.nodes {
            let path = folder.join(path);
            let write = || {
                fs::create_dir_all(path.parent().unwrap_or(folder))?;
                match node {
                    Node::Symlink(target) => symlink(target, &path),
                    Node::File { executable, content } => {
                        fs::write(&path, content)?;
                        let mode = if *executable { 0o755 } else { 0o644 };
                        fs::set_permissions(&path, fs::Permissions::from_mode(mode))
                    }
                }
            };
            write().with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Writes the tree as a `newc` cpio archive, the only format of an initramfs.
    pub fn write_cpio(&self, out: &mut impl Write) -> io::Result<()> {
        let mut folders = BTreeSet::new();
        let mut inode = 0;
        let mut entry = |out: &mut dyn Write, name: &str, mode: u32, content: &[u8]| {
            inode += 1;
            write_entry(out, inode, name, mode, content)
        };
        for (path, node) in &self.nodes {
            // The kernel does not create missing parents.
            for (end, _) in path.match_indices('/') {
                if folders.insert(&path[..end]) {
                    entry(out, &path[..end], 0o040_755, &[])?;
                }
            }
            match node {
                Node::File { executable: true, content } => entry(out, path, 0o100_755, content)?,
                Node::File { content, .. } => entry(out, path, 0o100_644, content)?,
                Node::Symlink(target) => entry(out, path, 0o120_777, target.as_bytes())?,
            }
        }
        entry(out, "TRAILER!!!", 0, &[])
    }
}

/// Moves files of packages older than Debian's merge of `/bin` into `/usr/bin` to where newer packages have them.
fn merged(path: &str) -> String {
    let path = path.trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    if path.contains('/') && matches!(first, "bin" | "sbin" | "lib" | "lib64") {
        format!("usr/{path}")
    } else {
        path.to_owned()
    }
}

fn write_entry(out: &mut dyn Write, inode: u32, name: &str, mode: u32, content: &[u8]) -> io::Result<()> {
    let size = |length: usize| {
        u32::try_from(length).map_err(|_| io::Error::other(format!("{name} is too large for an initramfs")))
    };
    let links = 1;
    write!(out, "070701{inode:08x}{mode:08x}{:08x}{:08x}{links:08x}{:08x}", 0, 0, 0)?;
    write!(out, "{:08x}{:08x}{:08x}{:08x}{:08x}", size(content.len())?, 0, 0, 0, 0)?;
    write!(out, "{:08x}{:08x}", size(name.len() + 1)?, 0)?;
    out.write_all(name.as_bytes())?;
    // Name (with its closing zero) and content are both padded to four bytes.
    out.write_all(&[0; 4][..1 + padding(110 + name.len() + 1)])?;
    out.write_all(content)?;
    out.write_all(&[0; 3][..padding(content.len())])
}

fn padding(length: usize) -> usize {
    length.wrapping_neg() % 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archive_has_parents_padding_and_trailer() {
        let mut tree = Tree::default();
        tree.insert("/bin/sh", Node::Symlink("busybox".to_owned()));
        tree.insert("init", Node::program("#!"));
        let mut archive = Vec::new();
        assert!(tree.write_cpio(&mut archive).is_ok());
        assert_eq!(archive.len() % 4, 0);
        let text = String::from_utf8_lossy(&archive);
        let names: Vec<_> = text
            .split("070701")
            .skip(1)
            .map(|entry| {
                let name = &entry[104..];
                name.split('\0').next().unwrap_or_default().to_owned()
            })
            .collect();
        assert_eq!(names, ["init", "usr", "usr/bin", "usr/bin/sh", "TRAILER!!!"]);
        assert!(text.starts_with("07070100000001000081ed"));
    }

    #[test]
    fn old_paths_are_merged_into_usr() {
        assert_eq!(merged("lib/modules/x"), "usr/lib/modules/x");
        assert_eq!(merged("bin"), "bin");
        assert_eq!(merged("library/x"), "library/x");
    }
}
