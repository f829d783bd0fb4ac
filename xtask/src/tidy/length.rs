//! Finds files that are too long to be read at once.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use super::documents::files;

/// Maximum number of lines of a source file.
const MOST: usize = 400;

/// Returns a sentence for each source file that is longer.
///
/// # Errors
/// If a file cannot be read.
pub fn find(root: &Path) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for file in files(root)?.iter().filter(|file| file.ends_with(".rs")) {
        let text = fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {file}"))?;
        let lines = text.lines().count();
        if lines > MOST {
            faults.push(format!("{file} has {lines} lines, more than {MOST}: split it"));
        }
    }
    Ok(faults)
}
