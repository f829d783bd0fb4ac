//! The base image of a guest: kernel, tools and modules, built once for each kernel and cached.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use super::{
    modules, packages,
    tree::{Node, Tree},
};
use crate::{kernels::Kernel, progress, workspace};

/// Increment this whenever the contents of an image change, so that old ones are rebuilt.
const RECIPE: u32 = 2;

const TOOLS: [&str; 12] = [
    "bash",
    "bpftool",
    "busybox-static",
    "conntrack",
    "ethtool",
    "iproute2",
    "iptables",
    "iputils-ping",
    "netbase",
    "nftables",
    "procps",
    "wireguard-tools",
];

/// A kernel and the initramfs that goes with it.
#[derive(Clone, Debug)]
pub struct Image {
    /// The kernel image that QEMU loads.
    pub kernel: PathBuf,
    /// The archives of its file system: tools and modules, then additions. Later archives replace files of earlier
    /// ones.
    pub archives: Vec<PathBuf>,
}

/// Returns the image for a kernel, from the cache or built now.
pub fn prepare(kernel: &Kernel) -> Result<Image> {
    let folder = workspace::cache("guests")?;
    let vmlinuz = folder.join(format!("{}-{RECIPE}.vmlinuz", kernel.name));
    let base = folder.join(format!("{}-{RECIPE}.cpio", kernel.name));
    // The base is written last, so if it exists, the image is complete.
    if base.exists() && vmlinuz.exists() {
        progress::say(&format!("kernel {} ready (cached)", kernel.name));
    } else {
        let what = format!("preparing kernel {} and the guest's tools", kernel.name);
        progress::timed(&what, || build(kernel, &vmlinuz, &base))?;
    }
    Ok(Image { kernel: vmlinuz, archives: vec![base] })
}

/// Writes a tree as an archive, which appears only when it is complete.
pub fn save(tree: &Tree, path: &Path) -> Result<()> {
    // Not compressed, because an emulated processor unpacks more slowly than QEMU copies.
    let part = path.with_extension("part");
    let file = File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    tree.write_cpio(&mut out)
        .and_then(|()| out.flush())
        .with_context(|| format!("cannot write {}; is the disk full?", part.display()))?;
    fs::rename(&part, path).with_context(|| format!("cannot put {} in place", path.display()))
}

fn build(kernel: &Kernel, image: &Path, base: &Path) -> Result<()> {
    let unpacked = kernel.fetch()?;
    let vmlinuz = unpacked.iter().find_map(|(path, node)| match node {
        Node::File { content, .. } if is_kernel_image(path) => Some(content),
        _ => None,
    });
    let Some(vmlinuz) = vmlinuz else { bail!("the package of kernel {} holds no vmlinuz", kernel.name) };
    workspace::write_atomically(image, vmlinuz)?;

    let mut guest = Tree::default();
    packages::install(&TOOLS, &mut guest)?;
    modules::install(&unpacked, &mut guest)?;
    install_settings(&mut guest);
    save(&guest, base)
}

/// Whether the path is a kernel image: in `/boot`, or since 7.2 among the modules.
fn is_kernel_image(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|file| file.starts_with("vmlinuz"))
}

/// Sets up what maintainer scripts would have set up.
fn install_settings(guest: &mut Tree) {
    for folder in ["bin", "sbin", "lib", "lib64"] {
        guest.insert(folder, Node::Symlink(format!("usr/{folder}")));
    }
    let links = [
        ("usr/bin/sh", "busybox"),
        // The kernel calls modprobe to load what a device, an expression or a match needs.
        ("usr/sbin/modprobe", "../bin/busybox"),
        ("usr/sbin/iptables", "iptables-nft"),
        ("usr/sbin/iptables-save", "iptables-nft-save"),
        ("usr/sbin/iptables-restore", "iptables-nft-restore"),
        ("usr/sbin/ip6tables", "ip6tables-nft"),
        ("usr/sbin/ip6tables-save", "ip6tables-nft-save"),
        ("usr/sbin/ip6tables-restore", "ip6tables-nft-restore"),
    ];
    for (path, target) in links {
        guest.insert(path, Node::Symlink(target.to_owned()));
    }
    guest.insert("etc/passwd", Node::data("root:x:0:0:root:/root:/bin/bash\n"));
    guest.insert("etc/group", Node::data("root:x:0:\n"));
    guest.insert("etc/hosts", Node::data("127.0.0.1 localhost guest\n::1 localhost\n"));
    guest.insert("etc/nsswitch.conf", Node::data("passwd: files\ngroup: files\nhosts: files\n"));
}
