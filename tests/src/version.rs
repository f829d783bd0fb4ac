//! Kernel versions, as documents name them and as `uname -r` prints them.

use std::fmt;

use serde::{Deserialize, Deserializer, de::Error as _};

/// The numbers at the beginning of a release: `6.18.15+deb13-cloud-amd64` is 6.18.15.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Version(Vec<u32>);

impl Version {
    /// Parses `6.6` or the output of `uname -r`.
    pub fn parse(text: &str) -> Option<Self> {
        let end = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
        let numbers: Result<_, _> = text[..end].split('.').map(str::parse).collect();
        numbers.ok().map(Self)
    }

    /// Whether the release belongs to this line: 6.18.15 is one of 6.18.
    pub fn includes(&self, release: &Self) -> bool {
        release.0.starts_with(&self.0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<_> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is no version of a kernel")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).expect("a version")
    }

    #[test]
    fn releases_are_ordered_by_number() {
        assert!(version("5.10.0-35-cloud-amd64") < version("5.17"));
        assert!(version("6.18.15+deb13-cloud-amd64") > version("6.6"));
        assert!(version("6.1.0-42-cloud-amd64") < version("6.12"));
        assert_eq!(version("6.18.15+deb13").to_string(), "6.18.15");
        assert_eq!(Version::parse("new"), None);
    }

    #[test]
    fn a_line_includes_its_releases() {
        assert!(version("6.1").includes(&version("6.1.0-42-cloud-amd64")));
        assert!(!version("6.1").includes(&version("6.12.57+deb13")));
    }
}
