//! The base image of a guest: kernel, tools and modules, made once for each kernel and kept.

use std::{
    fs::{self, File},
    io::BufWriter,
    path::PathBuf,
};

use anyhow::{Context as _, Result, bail};

use super::{
    modules,
    tree::{Node, Tree},
};
use crate::{
    debian::{Suite, deb, resolve},
    kernels::Kernel,
    progress, workspace,
};

/// Raised whenever what goes into an image changes, so that old ones are made anew.
const RECIPE: u32 = 2;

/// Where the tools come from.
const SUITE: &str = "trixie";

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
    /// The archive with tools and modules.
    pub base: PathBuf,
}

/// The image for a kernel, from the cache or made now.
pub fn prepare(kernel: &Kernel) -> Result<Image> {
    let folder = workspace::cache("guests")?;
    let image = Image {
        kernel: folder.join(format!("{}-{RECIPE}.vmlinuz", kernel.name)),
        base: folder.join(format!("{}-{RECIPE}.cpio", kernel.name)),
    };
    // The base is written last: where it is, all is there.
    if image.base.exists() && image.kernel.exists() {
        progress::say(&format!("kernel {} ready (cached)", kernel.name));
        return Ok(image);
    }
    progress::timed(&format!("preparing kernel {} and the guest's tools", kernel.name), || build(kernel, &image))?;
    Ok(image)
}

fn build(kernel: &Kernel, image: &Image) -> Result<()> {
    let unpacked = kernel.fetch()?;
    let vmlinuz = unpacked.iter().find_map(|(path, node)| match node {
        Node::File { content, .. } if is_kernel_image(path) => Some(content),
        _ => None,
    });
    let Some(vmlinuz) = vmlinuz else { bail!("the package of kernel {} holds no vmlinuz", kernel.name) };
    workspace::write_atomically(&image.kernel, vmlinuz)?;

    let mut guest = Tree::default();
    install_tools(&mut guest)?;
    modules::install(&unpacked, &mut guest)?;
    install_settings(&mut guest);

    // Not compressed: an emulated processor unpacks slower than QEMU copies.
    let part = image.base.with_extension("part");
    let file = File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    guest
        .write_cpio(&mut out)
        .and_then(|()| std::io::Write::flush(&mut out))
        .with_context(|| format!("cannot write {}; is the disk full?", part.display()))?;
    fs::rename(&part, &image.base).with_context(|| format!("cannot put {} in place", image.base.display()))
}

fn install_tools(guest: &mut Tree) -> Result<()> {
    let suite = Suite::open(SUITE)?;
    let packages = match resolve::closure(&suite.index, &TOOLS) {
        Ok(packages) => packages,
        Err(missing) => bail!("{}", suite.lacks(&missing)),
    };
    for package in packages {
        deb::unpack(&suite.download(package)?, guest, &is_used)?;
    }
    Ok(())
}

/// In `/boot`; since 7.2 among the modules.
fn is_kernel_image(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|file| file.starts_with("vmlinuz"))
}

/// Whether a tool's file has a use in a guest.
fn is_used(path: &str) -> bool {
    const UNUSED: [&str; 11] = [
        "usr/share/bash-completion",
        "usr/share/bug",
        "usr/share/doc",
        "usr/share/gcc",
        "usr/share/info",
        "usr/share/lintian",
        "usr/share/locale",
        "usr/share/man",
        "usr/lib/systemd",
        "usr/lib/x86_64-linux-gnu/gconv",
        "usr/lib/x86_64-linux-gnu/audit",
    ];
    !UNUSED.iter().any(|prefix| path.starts_with(prefix))
}

/// What maintainer scripts would have set up.
fn install_settings(guest: &mut Tree) {
    for folder in ["bin", "sbin", "lib", "lib64"] {
        guest.insert(folder, Node::Symlink(format!("usr/{folder}")));
    }
    let links = [
        ("usr/bin/sh", "busybox"),
        // The kernel calls it to load what a device, an expression or a match needs.
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
