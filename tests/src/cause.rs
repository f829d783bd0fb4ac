//! A document about the cause of a drop. Each variant is two plays: the failing twin has the fault, and its traffic is
//! lost for that cause; the healthy twin does not have it.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    document::{self, Values},
    expect,
    fences::{self, Block},
    table,
    version::Version,
};

/// The folder of these documents, below the folder of all.
pub const FOLDER: &str = "causes";

/// One variant of one document.
#[derive(Debug)]
pub struct Cause {
    /// Path of the document below the folder of all, without `.md`, and the variant's name.
    pub name: String,
    /// The document's title.
    pub title: String,
    /// Variables of the variant.
    pub values: Values,
    /// Sets up both twins.
    pub setup: String,
    /// Makes the failing twin fail.
    pub fault: Option<String>,
    /// Traffic of the failing twin, which is lost.
    pub trigger: String,
    /// Traffic of the healthy twin, which gets through.
    pub healthy: String,
    /// Proves afterwards that the failure happened as described.
    pub verify: Option<String>,
    /// What tracer must say.
    pub expect: Expected,
}

/// The block `toml expect`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The oldest kernel on which the story can be played.
    pub needs: Option<Version>,
    /// Whether the play affects what others use, and so is played alone.
    #[serde(default)]
    pub alone: bool,
    /// The failing twin's findings. Other findings of severity info do not matter.
    #[serde(default)]
    pub findings: Vec<Value>,
    /// Kernels that do not reveal enough to know the cause.
    #[serde(default)]
    unknown: Vec<Unknown>,
}

/// Kernels on which there is no finding, but the drop is reported.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unknown {
    /// All kernels before this one.
    before: Option<Version>,
    /// All kernels of these release lines.
    #[serde(default)]
    kernels: Vec<Version>,
    /// What the kernel does not reveal.
    pub why: String,
    /// What the drop must match.
    pub drop: Value,
}

impl Expected {
    /// Returns what makes the cause unknowable on this kernel, if it is.
    pub fn unknown_on(&self, kernel: &Version) -> Option<&Unknown> {
        self.unknown.iter().find(|unknown| {
            unknown.before.as_ref().is_some_and(|before| kernel < before)
                || unknown.kernels.iter().any(|line| line.includes(kernel))
        })
    }

    /// Returns the kernel that the story needs, if this one is older.
    pub fn lacking_on(&self, kernel: &Version) -> Option<&Version> {
        self.needs.as_ref().filter(|needs| kernel < needs)
    }
}

/// Finds all variants of all documents, in the order of their names.
pub fn find(folder: &Path) -> Result<Vec<Cause>> {
    let mut causes = Vec::new();
    for file in document::files(&folder.join(FOLDER))? {
        let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let name = file.strip_prefix(folder)?.with_extension("");
        causes.extend(parse(&name.to_string_lossy(), &text).with_context(|| file.display().to_string())?);
    }
    Ok(causes)
}

/// Parses the variants of a document called `name`.
pub fn parse(name: &str, markdown: &str) -> Result<Vec<Cause>> {
    let parts = fences::split(markdown)?;
    let variants = table::variants(&parts.tables)?;
    let causes = variants.into_iter().map(|(variant, values)| {
        let separator = if variant.is_empty() { "" } else { "/" };
        let name = format!("{name}{separator}{variant}");
        cause(&name, parts.title, values, &parts.blocks).with_context(|| format!("variant {name}"))
    });
    causes.collect()
}

fn cause(name: &str, title: &str, values: Values, blocks: &[Block<'_>]) -> Result<Cause> {
    let [mut setup, mut fault, mut trigger, mut healthy, mut verify, mut expect] = [const { None }; 6];
    for block in blocks {
        let place = match (block.language, block.purpose) {
            ("sh", "setup") => &mut setup,
            ("sh", "fault") => &mut fault,
            ("sh", "trigger") => &mut trigger,
            ("sh", "healthy") => &mut healthy,
            ("sh", "verify") => &mut verify,
            ("toml", "expect") => &mut expect,
            (language, purpose) => bail!("line {}: unknown block `{language} {purpose}`", block.line),
        };
        if place.replace(block.text.clone()).is_some() {
            bail!("line {}: a second block `{}`", block.line, block.purpose);
        }
    }
    let (Some(setup), Some(trigger), Some(healthy), Some(expect)) = (setup, trigger, healthy, expect) else {
        bail!("a cause needs all of setup, trigger, healthy and expect")
    };
    let expect: Expected = expect::read(&expect, &values).context("block `toml expect`")?;
    if let Some(unknown) = expect.unknown.iter().find(|unknown| unknown.before.is_some() != unknown.kernels.is_empty())
    {
        bail!("either `before` or `kernels` says where the cause is unknown: {}", unknown.why);
    }
    Ok(Cause { name: name.to_owned(), title: title.to_owned(), values, setup, fault, trigger, healthy, verify, expect })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const DOCUMENT: &str = "# T\n\n```sh setup\ns\n```\n```sh fault\nf\n```\n```sh trigger\nt\n```\n\
        ```sh healthy\nh\n```\n| variant | NET |\n|---|---|\n| a | x |\n| b | y |\n\n```toml expect\n\
        needs = '6.6'\n[[findings]]\nid = 'i'\nwhere = { netns = '$NET' }\n[[unknown]]\nbefore = '6.12'\n\
        why = 'w'\ndrop = {}\n[[unknown]]\nkernels = ['7.3']\nwhy = 'v'\ndrop = {}\n```\n";

    #[test]
    fn a_document_has_variants_with_their_own_expectations() -> Result<()> {
        let causes = parse("story", DOCUMENT)?;
        let seen: Vec<_> = causes
            .iter()
            .map(|cause| (cause.name.as_str(), cause.expect.findings[0]["where"]["netns"].as_str()))
            .collect();
        assert_eq!(seen, [("story/a", Some("x")), ("story/b", Some("y"))]);
        assert_eq!((causes[0].fault.as_deref(), causes[0].verify.as_deref()), (Some("f\n"), None));
        Ok(())
    }

    #[test]
    fn kernels_differ() -> Result<()> {
        let expect = &parse("story", DOCUMENT)?[0].expect;
        let why = |release| {
            let kernel = Version::parse(release).expect("a release");
            (expect.lacking_on(&kernel).is_some(), expect.unknown_on(&kernel).map(|unknown| unknown.why.as_str()))
        };
        assert_eq!(why("5.10.0-35-cloud-amd64"), (true, Some("w")));
        assert_eq!(why("6.12.57+deb13"), (false, None));
        assert_eq!(why("7.3.1+deb13"), (false, Some("v")));
        Ok(())
    }

    #[test]
    fn incomplete_or_unknown_blocks_are_refused() {
        let message = |text: &str| format!("{:#}", parse("x", text).unwrap_err());
        assert!(message("# T\n```sh setup\n```\n").contains("needs all of setup"));
        assert!(message("# T\n```sh tracer\n```\n").contains("line 2: unknown block `sh tracer`"));
        assert!(message(&DOCUMENT.replace("kernels = ['7.3']", "before = '7'\nkernels = ['7.3']")).contains("either"));
        assert!(message(&DOCUMENT.replace("kernels", "kernel")).contains("unknown field"));
    }

    #[test]
    fn every_document_of_the_project_can_be_read() -> Result<()> {
        let causes = find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"))?;
        let names: BTreeSet<_> = causes.iter().map(|cause| &cause.name).collect();
        assert_eq!(names.len(), causes.len(), "two variants with the same name");
        Ok(())
    }
}
