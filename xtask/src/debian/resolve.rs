//! Resolves the packages that a list of tools needs.

use std::collections::BTreeSet;

use super::index::{Index, Package};

/// Packages that a guest never uses, because it runs no maintainer scripts. debconf would pull in perl.
const UNNEEDED: [&str; 8] =
    ["base-files", "debconf", "debconf-2.0", "debianutils", "dpkg", "init-system-helpers", "libc-bin", "libcap2-bin"];

/// Returns the packages of these names and all their dependencies. The error is the name of a missing package.
pub fn closure<'a>(index: &'a Index, names: &[&str]) -> Result<Vec<&'a Package>, String> {
    let mut seen = BTreeSet::new();
    let mut queue: Vec<String> = names.iter().rev().map(|name| (*name).to_owned()).collect();
    let mut packages = Vec::new();
    while let Some(name) = queue.pop() {
        let Some(package) = index.find(&name) else {
            return Err(name);
        };
        if UNNEEDED.contains(&package.name.as_str()) || !seen.insert(package.name.clone()) {
            continue;
        }
        packages.push(package);
        for group in &package.depends {
            // The first alternative is what Debian itself would install.
            let known = group.iter().find(|name| index.find(name).is_some());
            queue.extend(known.or(group.first()).cloned());
        }
    }
    Ok(packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_dependencies_once_and_skips_what_scripts_need() {
        let index = Index::parse(
            "Package: tool\nVersion: 1\nDepends: gone | lib, debconf\n\n\
             Package: lib\nVersion: 1\nDepends: tool, libc6\n\nPackage: libc6\nVersion: 1\n\n\
             Package: debconf\nVersion: 1\nDepends: perl\n",
        );
        let found: Vec<_> = closure(&index, &["tool"]).map_or_else(
            |missing| vec![missing],
            |packages| packages.iter().map(|package| package.name.clone()).collect(),
        );
        assert_eq!(found, ["tool", "lib", "libc6"]);
        assert_eq!(closure(&index, &["absent"]).err().as_deref(), Some("absent"));
    }
}
