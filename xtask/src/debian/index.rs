//! The list of packages of one Debian suite.

use std::{cmp::Ordering, collections::BTreeMap};

use super::control;

/// One package as the index describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Package {
    /// Its name, such as `bash`.
    pub name: String,
    /// Debian's version, such as `1:5.2-3`.
    pub version: String,
    /// Where the mirror keeps it.
    pub filename: String,
    /// What its content must hash to.
    pub sha256: String,
    /// `Pre-Depends` and `Depends`: of each group of alternatives, the names.
    pub depends: Vec<Vec<String>>,
}

/// The packages of a suite, newest version first for each name.
#[derive(Debug, Default)]
pub struct Index {
    packages: BTreeMap<String, Vec<Package>>,
    provided: BTreeMap<String, String>,
}

impl Index {
    /// Reads the text of a `Packages` file.
    pub fn parse(text: &str) -> Self {
        let mut index = Self::default();
        // Stanza by stanza: the whole file as maps of fields would take a gigabyte.
        for stanza in text.split("\n\n").flat_map(control::stanzas) {
            let field = |name: &str| stanza.get(name).cloned().unwrap_or_default();
            let name = field("Package");
            for (provided, _) in
                names(&field("Provides")).into_iter().flat_map(|group| group.into_iter().map(|n| (n, ())))
            {
                index.provided.entry(provided).or_insert_with(|| name.clone());
            }
            let mut depends = names(&field("Pre-Depends"));
            depends.extend(names(&field("Depends")));
            let versions = index.packages.entry(name.clone()).or_default();
            versions.push(Package {
                name,
                version: field("Version"),
                filename: field("Filename"),
                sha256: field("SHA256"),
                depends,
            });
        }
        for versions in index.packages.values_mut() {
            versions.sort_by(|a, b| compare_versions(&b.version, &a.version));
        }
        index
    }

    /// The newest package of that name, or one that provides the name.
    pub fn find(&self, name: &str) -> Option<&Package> {
        let named = |name: &str| self.packages.get(name).and_then(|versions| versions.first());
        named(name).or_else(|| self.provided.get(name).and_then(|provider| named(provider)))
    }

    /// Every version of one package, newest first.
    pub fn versions(&self, name: &str) -> &[Package] {
        self.packages.get(name).map_or(&[], Vec::as_slice)
    }

    /// The package with the newest version among the names that start and end like this.
    pub fn newest_like(&self, prefix: &str, suffix: &str) -> Option<&Package> {
        self.packages
            .iter()
            .filter(|(name, _)| name.starts_with(prefix) && name.ends_with(suffix))
            .filter_map(|(_, versions)| versions.first())
            .max_by(|a, b| compare_versions(&a.version, &b.version))
    }
}

/// `a (>= 1) | b, c:any` as groups of bare names.
fn names(field: &str) -> Vec<Vec<String>> {
    let bare = |word: &str| -> String {
        let end = word.find([' ', '(', ':', '[']).unwrap_or(word.len());
        word[..end].to_owned()
    };
    field
        .split(',')
        .map(str::trim)
        .filter(|group| !group.is_empty())
        .map(|group| group.split('|').map(|word| bare(word.trim())).collect())
        .collect()
}

/// Debian's version order: epoch, then runs of non-digits and digits in turn, `~` before all.
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let split = |version: &str| -> (u64, String) {
        match version.split_once(':') {
            Some((epoch, rest)) => (epoch.parse().unwrap_or(0), rest.to_owned()),
            None => (0, version.to_owned()),
        }
    };
    let ((epoch_a, a), (epoch_b, b)) = (split(a), split(b));
    epoch_a.cmp(&epoch_b).then_with(|| compare_parts(a.as_bytes(), b.as_bytes()))
}

fn compare_parts(mut a: &[u8], mut b: &[u8]) -> Ordering {
    let weight = |byte: Option<&u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    };
    while !a.is_empty() || !b.is_empty() {
        while a.first().is_some_and(|byte| !byte.is_ascii_digit())
            || b.first().is_some_and(|byte| !byte.is_ascii_digit())
        {
            let order = weight(a.first()).cmp(&weight(b.first()));
            if order != Ordering::Equal {
                return order;
            }
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
        }
        let order = number(&mut a).cmp(&number(&mut b));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

fn number(text: &mut &[u8]) -> u64 {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    digits.iter().fold(0, |value, digit| u64::saturating_add(u64::saturating_mul(value, 10), u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Package: a\nVersion: 1.9\nDepends: b (>= 2) | c, d:any\nPre-Depends: libc6\n\
                        Filename: pool/a_1.9.deb\nSHA256: 00\n\nPackage: a\nVersion: 1.10\n\n\
                        Package: k-6.1.0-47-cloud\nVersion: 6.1.9\n\nPackage: k-6.1.0-50-cloud\n\
                        Version: 6.1.10\nProvides: kernel (= 1), image\n";

    #[test]
    fn newest_version_and_dependencies() {
        let index = Index::parse(TEXT);
        assert_eq!(index.find("a").map(|package| package.version.as_str()), Some("1.10"));
        let old = &index.versions("a")[1];
        assert_eq!(old.depends, [vec!["libc6"], vec!["b", "c"], vec!["d"]]);
        assert_eq!(index.find("image").map(|p| p.name.as_str()), Some("k-6.1.0-50-cloud"));
        let newest = index.newest_like("k-6.1", "-cloud");
        assert_eq!(newest.map(|p| p.version.as_str()), Some("6.1.10"));
        assert!(index.newest_like("k-7", "").is_none());
    }

    #[test]
    fn version_order() {
        for (small, large) in
            [("1.9", "1.10"), ("1.0~rc1", "1.0"), ("9", "1:1"), ("1.0-2", "1.0-2+b1"), ("2~bpo13+1", "2")]
        {
            assert_eq!(compare_versions(small, large), Ordering::Less, "{small} {large}");
            assert_eq!(compare_versions(large, small), Ordering::Greater, "{large} {small}");
        }
        assert_eq!(compare_versions("1.0", "1.0"), Ordering::Equal);
    }
}
