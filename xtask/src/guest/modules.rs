//! Kernel modules for the guest: the modules that it needs, their dependencies, and the tables that `modprobe` reads.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::Read as _,
};

use anyhow::{Context as _, Result, bail};
use lzma_rust2::XzReader;

use super::{
    modinfo::{self, Info},
    tree::{Node, Tree},
};

/// Copies the network modules of an unpacked kernel, and all their dependencies, into the guest.
pub fn install(kernel: &Tree, guest: &mut Tree) -> Result<()> {
    let (version, modules) = read_all(kernel)?;
    let folder = format!("usr/lib/modules/{version}");
    let chosen = closure(&modules);
    let mut dependencies = String::new();
    let mut aliases = String::new();
    for name in &chosen {
        let Some(module) = modules.get(name) else { continue };
        guest.insert(&format!("{folder}/{}", module.path), Node::data(module.content.clone()));
        // Writing to a string cannot fail.
        let _ = write!(dependencies, "{}:", module.path);
        for needed in load_order(&modules, name) {
            let _ = write!(dependencies, " {}", modules[&needed].path);
        }
        dependencies.push('\n');
        for alias in &module.info.aliases {
            let _ = writeln!(aliases, "alias {alias} {name}");
        }
    }
    guest.insert(&format!("{folder}/modules.dep"), Node::data(dependencies));
    guest.insert(&format!("{folder}/modules.alias"), Node::data(aliases));
    // Built-in modules count as loaded.
    for table in ["modules.builtin", "modules.order"] {
        let node = kernel.get(&format!("{folder}/{table}")).cloned();
        guest.insert(&format!("{folder}/{table}"), node.unwrap_or_else(|| Node::data("")));
    }
    guest.insert(&format!("{folder}/modules.symbols"), Node::data(""));
    Ok(())
}

struct Module {
    /// Path below `/lib/modules/<version>`.
    path: String,
    content: Vec<u8>,
    info: Info,
}

/// Whether a scenario may need a module: everything about packets, and no hardware.
fn is_wanted(path: &str) -> bool {
    const LEFT_OUT: [&str; 12] = [
        "9p/",
        "bluetooth/",
        "ceph/",
        "sunrpc/",
        "rxrpc/",
        "rds/",
        "tipc/",
        "mac80211/",
        "wireless/",
        "nfc/",
        "smc/",
        "can/",
    ];
    const DEVICES: [&str; 24] = [
        "amt",
        "bareudp",
        "bonding",
        "dummy",
        "geneve",
        "gtp",
        "ifb",
        "ipvlan",
        "ipvtap",
        "macsec",
        "macvlan",
        "macvtap",
        "netdevsim",
        "netkit",
        "nlmon",
        "ovpn",
        "pfcp",
        "tap",
        "team",
        "tun",
        "veth",
        "vrf",
        "vxlan",
        "wireguard",
    ];
    if let Some(rest) = path.strip_prefix("kernel/net/") {
        return !LEFT_OUT.iter().any(|folder| rest.starts_with(folder));
    }
    if let Some(rest) = path.strip_prefix("kernel/drivers/net/") {
        let first = rest.split(['/', '.']).next().unwrap_or_default();
        return DEVICES.contains(&first);
    }
    // Older kernels need these to reach the host.
    if path.starts_with("kernel/drivers/virtio/") || path == "kernel/drivers/char/virtio_console.ko" {
        return true;
    }
    // IPsec requests ciphers by alias, which no dependency names.
    path.starts_with("kernel/crypto/")
}

fn read_all(kernel: &Tree) -> Result<(String, BTreeMap<String, Module>)> {
    let mut version = None;
    let mut modules = BTreeMap::new();
    for (path, node) in kernel.iter() {
        let Some((release, path)) = path.strip_prefix("usr/lib/modules/").and_then(|rest| rest.split_once('/')) else {
            continue;
        };
        let Node::File { content, .. } = node else { continue };
        version.get_or_insert_with(|| release.to_owned());
        let (path, content) = match path.strip_suffix(".xz") {
            Some(plain) if plain.ends_with(".ko") => {
                let mut unpacked = Vec::new();
                XzReader::new(content.as_slice(), true)
                    .read_to_end(&mut unpacked)
                    .with_context(|| format!("module {path} is damaged"))?;
                (plain, unpacked)
            }
            _ if path.ends_with(".ko") => (path, content.clone()),
            _ => continue,
        };
        let file = path.rsplit('/').next().unwrap_or(path);
        let name = file.trim_end_matches(".ko").replace('-', "_");
        let info = modinfo::read(&content).with_context(|| format!("module {path} is unreadable"))?;
        modules.insert(name, Module { path: path.to_owned(), content, info });
    }
    match version {
        Some(version) if !modules.is_empty() => Ok((version, modules)),
        _ => bail!("the kernel package holds no modules; check xtask's kernel table"),
    }
}

fn closure(modules: &BTreeMap<String, Module>) -> BTreeSet<String> {
    let wanted = modules.iter().filter(|(_, module)| is_wanted(&module.path));
    let mut queue: Vec<&String> = wanted.map(|(name, _)| name).collect();
    let mut chosen = BTreeSet::new();
    while let Some(name) = queue.pop() {
        // A name that is not a module is built in, or is a soft dependency that this kernel lacks.
        if let Some(module) = modules.get(name)
            && chosen.insert(name.clone())
        {
            queue.extend(&module.info.depends);
        }
    }
    chosen
}

/// Returns the direct and indirect dependencies of a module. Those that come later must be loaded first.
fn load_order(modules: &BTreeMap<String, Module>, name: &str) -> Vec<String> {
    fn visit(modules: &BTreeMap<String, Module>, name: &str, done: &mut Vec<String>, open: &mut Vec<String>) {
        let Some(module) = modules.get(name) else { return };
        if done.iter().any(|other| other == name) || open.iter().any(|other| other == name) {
            return;
        }
        open.push(name.to_owned());
        for needed in &module.info.depends {
            visit(modules, needed, done, open);
        }
        open.pop();
        done.push(name.to_owned());
    }
    let mut order = Vec::new();
    visit(modules, name, &mut order, &mut Vec::new());
    order.pop();
    order.reverse();
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(path: &str, depends: &[&str]) -> Module {
        let depends = depends.iter().map(|name| (*name).to_owned()).collect();
        Module { path: path.to_owned(), content: Vec::new(), info: Info { depends, aliases: Vec::new() } }
    }

    #[test]
    fn dependencies_come_along_and_load_first() {
        let modules = BTreeMap::from([
            ("veth".to_owned(), module("kernel/drivers/net/veth.ko", &["b", "a"])),
            ("a".to_owned(), module("kernel/lib/a.ko", &["b"])),
            ("b".to_owned(), module("kernel/lib/b.ko", &["builtin"])),
            ("disk".to_owned(), module("kernel/drivers/block/disk.ko", &[])),
        ]);
        let chosen: Vec<_> = closure(&modules).into_iter().collect();
        assert_eq!(chosen, ["a", "b", "veth"]);
        assert_eq!(load_order(&modules, "veth"), ["a", "b"]);
    }
}
