//! Looks up, downloads, verifies and unpacks packages of a Debian mirror.

mod control;
pub mod deb;
pub mod fetch;
pub mod index;
pub mod mirror;
pub mod resolve;
mod version;

use std::{fs, io::Read as _, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use index::{Index, Package};
use lzma_rust2::XzReader;

/// A suite of the mirror, such as `trixie`, with its index of packages.
pub struct Suite {
    mirror: String,
    name: String,
    /// The packages in it.
    pub index: Index,
}

impl Suite {
    /// Reads the suite's index and verifies it against the release file.
    pub fn open(name: &str) -> Result<Self> {
        const INDEX: &str = "main/binary-amd64/Packages.xz";
        let mirror = mirror::mirror()?;
        let dists = format!("{mirror}/dists/{name}");
        let release = fetch::text(&format!("{dists}/InRelease"))?;
        let Some(sha256) = hash_in_release(&release, INDEX) else {
            bail!("the release file of {name} on {mirror} lists no {INDEX}; set {} to a full mirror", mirror::VARIABLE);
        };
        // Download by hash, so that an update of the mirror between two requests cannot mix versions.
        let by_hash = format!("{dists}/main/binary-amd64/by-hash/SHA256/{sha256}");
        let file = format!("{name}-Packages.xz");
        let path = fetch::file(&by_hash, &file, &sha256)?;
        let mut text = String::new();
        let content = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        XzReader::new(content.as_slice(), true)
            .read_to_string(&mut text)
            .with_context(|| format!("{} is damaged; remove it and run this again", path.display()))?;
        Ok(Self { mirror, name: name.to_owned(), index: Index::parse(&text) })
    }

    /// Returns the error message for a package that the suite lacks.
    pub fn lacks(&self, name: &str) -> String {
        format!(
            "Debian {} on {} has no package {name}; set {} to a mirror that has it",
            self.name,
            self.mirror,
            mirror::VARIABLE
        )
    }

    /// Returns the package's `.deb` in the cache.
    pub fn download(&self, package: &Package) -> Result<PathBuf> {
        let name = package.filename.rsplit('/').next().unwrap_or(&package.name);
        fetch::file(&format!("{}/{}", self.mirror, package.filename), name, &package.sha256)
    }
}

/// Returns the SHA-256 that a release file lists for one of its files.
fn hash_in_release(release: &str, file: &str) -> Option<String> {
    let mut in_section = false;
    for line in release.lines() {
        if !line.starts_with(' ') {
            in_section = line.starts_with("SHA256:");
            continue;
        }
        let mut words = line.split_whitespace();
        if in_section
            && let (Some(hash), Some(_), Some(name)) = (words.next(), words.next(), words.next())
            && name == file
        {
            return Some(hash.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::hash_in_release;

    #[test]
    fn release_file_hash_comes_from_its_section() {
        let release = "Suite: s\nMD5Sum:\n aa 1 main/P\nSHA256:\n bb 1 main/Q\n cc 1 main/P\n";
        assert_eq!(hash_in_release(release, "main/P").as_deref(), Some("cc"));
        assert_eq!(hash_in_release(release, "main/R"), None);
    }
}
