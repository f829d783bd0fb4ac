//! The part of a guest's file system that is made for each boot: what to run, and our programs as they were just built.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Seek as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use anyhow::{Context as _, Result};

use super::{
    image::Image,
    tree::{Node, Tree},
};
use crate::workspace;

const INIT: &str = include_str!("init.sh");

/// Our programs, installed into `/bin` if they have been built.
const PROGRAMS: [&str; 4] = ["tracer", "scenarios", "lab", "bench"];

/// The folder of scenario documents, in the repository and in the guest.
const SCENARIOS: (&str, &str) = ("tests/scenarios", "scenarios");

/// Returns an unnamed file that holds the image's archives and, after them, this boot's own part.
pub fn initramfs(image: &Image, command: &str, config: &str) -> Result<File> {
    let mut tree = Tree::default();
    tree.insert("init", Node::program(INIT));
    tree.insert("guest/command", Node::data(command));
    tree.insert("guest/config", Node::data(config));
    for program in PROGRAMS {
        let path = workspace::target().join("release").join(program);
        if path.is_file() {
            let content = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            tree.insert(&format!("usr/bin/{program}"), Node::program(content));
        }
    }
    add_folder(&mut tree, &workspace::root().join(SCENARIOS.0), SCENARIOS.1)?;
    write(image, &tree).context("cannot write the guest's initramfs; is the disk full?")
}

fn write(image: &Image, tree: &Tree) -> io::Result<File> {
    // Unnamed, so that nothing is left behind, however this process ends.
    let mut file = tempfile::tempfile_in(image.kernel.parent().unwrap_or(Path::new(".")))?;
    for archive in &image.archives {
        io::copy(&mut File::open(archive)?, &mut file)?;
    }
    let mut out = BufWriter::with_capacity(1 << 20, &file);
    tree.write_cpio(&mut out)?;
    out.flush()?;
    drop(out);
    file.rewind()?;
    Ok(file)
}

fn add_folder(tree: &mut Tree, source: &Path, name: &str) -> Result<()> {
    // The folder is written by hand and may not exist yet.
    let Ok(entries) = fs::read_dir(source) else { return Ok(()) };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if path.is_dir() {
            add_folder(tree, &path, &name)?;
        } else {
            let content = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let executable = fs::metadata(&path).is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0);
            tree.insert(&name, Node::File { executable, content });
        }
    }
    Ok(())
}
