//! Reads what a kernel module declares about itself.

use anyhow::{Context as _, Result};
use object::{Object as _, ObjectSection as _};

/// What a module declares in its `.modinfo` section.
#[derive(Debug, Default, PartialEq)]
pub struct Info {
    /// Modules that must be loaded first, by name.
    pub depends: Vec<String>,
    /// Alias patterns that it answers to.
    pub aliases: Vec<String>,
}

/// Reads the section from a module's file.
pub fn read(module: &[u8]) -> Result<Info> {
    let file = object::File::parse(module)?;
    let section = file.section_by_name(".modinfo").context("it has no .modinfo section")?;
    Ok(parse(section.data()?))
}

fn parse(section: &[u8]) -> Info {
    let mut info = Info::default();
    for field in section.split(|byte| *byte == 0) {
        let field = String::from_utf8_lossy(field);
        let names = |list: &str, separator: char| -> Vec<String> {
            let names = list.split(separator).filter(|name| !name.is_empty());
            names.map(|name| name.replace('-', "_")).collect()
        };
        match field.split_once('=') {
            Some(("depends", list)) => info.depends.extend(names(list, ',')),
            Some(("alias", alias)) => info.aliases.push(alias.to_owned()),
            // "pre: a b post: c": a module that must be loaded first counts as a dependency.
            Some(("softdep", text)) => {
                if let Some(first) = text.trim().strip_prefix("pre:") {
                    let first = first.split("post:").next().unwrap_or_default();
                    info.depends.extend(names(&first.replace(['\t', '\n'], " "), ' '));
                }
            }
            _ => {}
        }
    }
    info
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn info_section() {
        let info = parse(b"license=GPL\0alias=rtnl-link-x\0depends=a-b,c\0softdep=pre: d e post: f\0");
        assert_eq!(info.depends, ["a_b", "c", "d", "e"]);
        assert_eq!(info.aliases, ["rtnl-link-x"]);
        assert_eq!(parse(b"depends=\0"), Info::default());
    }
}
