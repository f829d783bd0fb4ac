//! A scenario document and its variants.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

pub use crate::table::Values;
use crate::{
    cause,
    expect::Expect,
    fences::{self, Block},
    table,
};

/// One variant of one document, ready to be played.
#[derive(Debug)]
pub struct Scenario {
    /// Path of the document below the folder, without `.md`, and the variant's name.
    pub name: String,
    /// The document's title.
    pub title: String,
    /// Variables of the variant.
    pub values: Values,
    /// What is played.
    pub play: Play,
}

/// What a document asks the runner to do.
#[derive(Debug)]
pub enum Play {
    /// The runner starts and ends tracer around the trigger.
    Traced(Box<Traced>),
    /// The document's script does everything.
    Script(String),
}

/// The blocks of a scenario in which the runner starts and ends tracer.
#[derive(Debug)]
pub struct Traced {
    /// Runs first.
    pub setup: String,
    /// Evaluates to tracer's arguments.
    pub tracer: String,
    /// Runs once tracer is ready.
    pub trigger: String,
    /// Proves afterwards that the story happened.
    pub verify: Option<String>,
    /// What tracer must say.
    pub expect: Expect,
}

/// Finds the scenarios of all documents below a folder except causes, in the order of their names.
pub fn find(folder: &Path) -> Result<Vec<Scenario>> {
    let mut scenarios = Vec::new();
    for file in files(folder)?.into_iter().filter(|file| !file.starts_with(folder.join(cause::FOLDER))) {
        let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let name = file.strip_prefix(folder)?.with_extension("");
        scenarios.extend(parse(&name.to_string_lossy(), &text).with_context(|| file.display().to_string())?);
    }
    Ok(scenarios)
}

/// Finds all documents below a folder, in the order of their names. Returns none if there is no folder.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if folder.is_dir() {
        collect(folder, &mut files).with_context(|| format!("reading {}", folder.display()))?;
    }
    files.sort();
    Ok(files)
}

/// Parses the variants of a document called `name`.
pub fn parse(name: &str, markdown: &str) -> Result<Vec<Scenario>> {
    let parts = fences::split(markdown)?;
    let mut scenarios = Vec::new();
    for (variant, values) in table::variants(&parts.tables)? {
        let separator = if variant.is_empty() { "" } else { "/" };
        let name = format!("{name}{separator}{variant}");
        let play = play(&parts.blocks, &values).with_context(|| format!("variant {name}"))?;
        scenarios.push(Scenario { name, title: parts.title.to_owned(), values, play });
    }
    Ok(scenarios)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "md") && !path.ends_with("README.md") {
            files.push(path);
        }
    }
    Ok(())
}

fn play(blocks: &[Block<'_>], values: &Values) -> Result<Play> {
    let [mut setup, mut tracer, mut trigger, mut verify, mut script, mut expect] = [const { None }; 6];
    for block in blocks {
        let place = match (block.language, block.purpose) {
            ("sh", "setup") => &mut setup,
            ("sh", "tracer") => &mut tracer,
            ("sh", "trigger") => &mut trigger,
            ("sh", "verify") => &mut verify,
            ("sh", "script") => &mut script,
            ("toml", "expect") => &mut expect,
            (language, purpose) => bail!("line {}: unknown block `{language} {purpose}`", block.line),
        };
        if place.replace(block.text.clone()).is_some() {
            bail!("line {}: a second block `{}`", block.line, block.purpose);
        }
    }
    match (script, setup, tracer, trigger, expect) {
        (Some(script), None, None, None, None) => Ok(Play::Script(script)),
        (None, Some(setup), Some(tracer), Some(trigger), Some(expect)) => {
            let expect = Expect::parse(&expect, values).context("block `toml expect`")?;
            Ok(Play::Traced(Box::new(Traced { setup, tracer, trigger, verify, expect })))
        }
        _ => bail!("either a block `sh script` alone, or all of setup, tracer, trigger and expect"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "# T\n\n```sh setup\ns\n```\n```sh tracer\ntracer\n```\n```sh trigger\nt\n```\n\
        | variant | PORT |\n|---|---|\n| a | 1 |\n| b | 2 |\n\n```toml expect\nexit = $PORT\n```\n";

    #[test]
    fn a_document_has_variants_with_their_own_expectations() -> Result<()> {
        let scenarios = parse("group/story", DOCUMENT)?;
        let seen: Vec<_> = scenarios
            .iter()
            .map(|scenario| match &scenario.play {
                Play::Traced(traced) => (scenario.name.as_str(), traced.expect.exit),
                Play::Script(_) => ("script", 0),
            })
            .collect();
        assert_eq!(seen, [("group/story/a", 1), ("group/story/b", 2)]);
        Ok(())
    }

    #[test]
    fn incomplete_or_unknown_blocks_are_refused() {
        let message = |text: &str| format!("{:#}", parse("x", text).unwrap_err());
        assert!(message("# T\n```sh setup\n```\n").contains("or all of setup"));
        assert!(message("# T\n```sh set-up\n```\n").contains("line 2: unknown block `sh set-up`"));
        assert!(message("# T\n```sh script\n```\n```sh script\n```\n").contains("a second block `script`"));
    }

    #[test]
    fn every_document_of_the_project_can_be_read() -> Result<()> {
        let scenarios = find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"))?;
        assert!(scenarios.len() > 50, "only {} scenarios", scenarios.len());
        let mut names: Vec<_> = scenarios.iter().map(|scenario| &scenario.name).collect();
        names.dedup();
        assert_eq!(names.len(), scenarios.len(), "two scenarios with the same name");
        Ok(())
    }
}
