//! The list of packages of one Debian suite.

use std::collections::BTreeMap;

use super::{control, version};

/// One package as the index describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Package {
    /// Its name, such as `bash`.
    pub name: String,
    /// Debian's version, such as `1:5.2-3`.
    pub version: String,
    /// Its path on the mirror.
    pub filename: String,
    /// The SHA-256 of its content.
    pub sha256: String,
    /// `Pre-Depends` and `Depends`: the names in each group of alternatives.
    pub depends: Vec<Vec<String>>,
}

/// The packages of a suite, newest version first for each name.
#[derive(Debug, Default)]
pub struct Index {
    packages: BTreeMap<String, Vec<Package>>,
    provided: BTreeMap<String, String>,
}

impl Index {
    /// Parses a `Packages` file.
    pub fn parse(text: &str) -> Self {
        let mut index = Self::default();
        // Parse stanza by stanza, because maps of fields for the whole file would take a gigabyte.
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
            versions.sort_by(|a, b| version::compare(&b.version, &a.version));
        }
        index
    }

    /// Returns the newest package of that name, or one that provides the name.
    pub fn find(&self, name: &str) -> Option<&Package> {
        let named = |name: &str| self.packages.get(name).and_then(|versions| versions.first());
        named(name).or_else(|| self.provided.get(name).and_then(|provider| named(provider)))
    }

    /// Returns every version of one package, newest first.
    pub fn versions(&self, name: &str) -> &[Package] {
        self.packages.get(name).map_or(&[], Vec::as_slice)
    }

    /// Returns the package with the newest version among the names with this prefix and suffix.
    pub fn newest_like(&self, prefix: &str, suffix: &str) -> Option<&Package> {
        self.packages
            .iter()
            .filter(|(name, _)| name.starts_with(prefix) && name.ends_with(suffix))
            .filter_map(|(_, versions)| versions.first())
            .max_by(|a, b| version::compare(&a.version, &b.version))
    }
}

/// Splits `a (>= 1) | b, c:any` into groups of bare names.
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
}
