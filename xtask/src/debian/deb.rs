//! Reads the files that a `.deb` would install.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use lzma_rust2::XzReader;

use crate::guest::tree::{Node, Tree};

/// Adds the files of a package to a tree if `wanted` accepts their path.
pub fn unpack(deb: &Path, tree: &mut Tree, wanted: &dyn Fn(&str) -> bool) -> Result<()> {
    let shown = deb.display();
    let file = File::open(deb).with_context(|| format!("cannot read {shown}"))?;
    let mut archive = ar::Archive::new(BufReader::new(file));
    while let Some(entry) = archive.next_entry() {
        let entry = entry.with_context(|| damaged(deb))?;
        let member = String::from_utf8_lossy(entry.header().identifier()).into_owned();
        match member.as_str() {
            "data.tar.xz" => {
                return untar(XzReader::new(entry, true), tree, wanted).with_context(|| damaged(deb));
            }
            "data.tar" => return untar(entry, tree, wanted).with_context(|| damaged(deb)),
            other if other.starts_with("data.tar") => {
                bail!("{shown} is compressed in a way xtask cannot read ({other})")
            }
            _ => {}
        }
    }
    bail!("{}", damaged(deb))
}

fn damaged(deb: &Path) -> String {
    format!("{} is damaged; remove it and run this again", deb.display())
}

fn untar(data: impl Read, tree: &mut Tree, wanted: &dyn Fn(&str) -> bool) -> Result<()> {
    let mut archive = tar::Archive::new(data);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
        if path.is_empty() || !wanted(&path) {
            continue;
        }
        let kind = entry.header().entry_type();
        let target = entry.link_name()?.map(|name| name.to_string_lossy().into_owned());
        let node = if kind.is_dir() {
            continue;
        } else if kind.is_symlink() {
            Node::Symlink(target.unwrap_or_default())
        } else if kind.is_hard_link() {
            match tree.get(target.unwrap_or_default().trim_start_matches("./")) {
                Some(original) => original.clone(),
                None => continue,
            }
        } else {
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            Node::File { executable: entry.header().mode()? & 0o111 != 0, content }
        };
        tree.insert(&path, node);
    }
    Ok(())
}
