//! Checks that the paths that documents name exist.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use walkdir::WalkDir;

/// Returns a sentence for each path that a document names and the tree lacks.
///
/// # Errors
/// If a document cannot be read.
pub fn find(root: &Path) -> Result<Vec<String>> {
    let files = files(root)?;
    let mut faults = Vec::new();
    for document in files.iter().filter(|file| is_document(file)) {
        let text = fs::read_to_string(root.join(document)).with_context(|| format!("cannot read {document}"))?;
        let missing = paths(&text).filter(|path| !exists(path, &files));
        faults.extend(missing.map(|path| format!("{document} names {path}, which does not exist")));
    }
    Ok(faults)
}

/// Returns all files of the repository, as paths from its root.
///
/// # Errors
/// If a folder cannot be listed.
pub fn files(root: &Path) -> Result<Vec<String>> {
    let entries = WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !(name.starts_with('.') || name == "target")
    });
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.context("cannot list the repository")?;
        if entry.file_type().is_file()
            && let Ok(path) = entry.path().strip_prefix(root)
        {
            files.push(path.to_string_lossy().into_owned());
        }
    }
    Ok(files)
}

/// Whether the file's paths are checked. Scenarios name paths in guests, and the changelog names old paths.
fn is_document(file: &str) -> bool {
    let scenario = file.starts_with("tests/scenarios/") && !file.ends_with("README.md");
    file.ends_with(".md") && !scenario && file != "CHANGELOG.md"
}

/// Returns words in backticks that are paths of ours, and targets of links within the repository.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2).filter(|word| is_path(word));
    let linked = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    quoted.chain(linked.filter(|link| !link.is_empty() && !link.contains("://")))
}

/// Whether the word is a path of ours. Paths of the kernel end in `.c` and `.h`, so they do not match.
fn is_path(word: &str) -> bool {
    let plain = word.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-".contains(letter));
    plain
        && !word.starts_with(['/', '.'])
        && !word.starts_with("target/")
        && (word.ends_with(".rs") || word.ends_with(".md") || is_folder(word))
}

fn is_folder(word: &str) -> bool {
    word.len() > 1 && word.ends_with('/')
}

/// Whether the path exists. Documents name files from the root, or from the folder that they describe.
fn exists(path: &str, files: &[String]) -> bool {
    let below = format!("/{path}");
    files.iter().any(|file| match path.ends_with('/') {
        true => file.starts_with(path) || file.contains(&below),
        false => file == path || file.ends_with(&below),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_and_looked_for() {
        let text = "See `a/b.rs`, `b.rs`, `net/ipv4/tcp.c`, `docs/`, `-o json` and [that](docs/x.md#part) or [there](https://x).";
        assert_eq!(paths(text).collect::<Vec<_>>(), ["a/b.rs", "b.rs", "docs/", "docs/x.md"]);
        let files = ["src/a/b.rs".to_owned(), "docs/x.md".to_owned()];
        assert!(paths(text).all(|path| exists(path, &files)));
        assert!(!exists("c.rs", &files) && !exists("x/", &files));
    }
}
