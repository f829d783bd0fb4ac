//! Finds misspelt words in documents and sources: in names, comments and texts.
//!
//! The dictionary lists misspellings, not words, so that a kernel's or a protocol's own terms are no faults.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context as _, Result};
use typos::{Status, tokens::Tokenizer};

use super::{
    documents::files,
    misspellings::{self, Misspellings},
};

/// Words that are right here: one a line, and why behind `#`.
const EXCEPTIONS: &str = "xtask/src/tidy/words.txt";

/// Returns a sentence for each misspelt word, and for each exception that no file needs.
///
/// # Errors
/// If a file cannot be read.
pub fn find(root: &Path) -> Result<Vec<String>> {
    let dictionary = match misspellings::text() {
        Ok(text) => text,
        // A fault, not an error, because without a mirror the other checks are still worth running.
        Err(error) => return Ok(vec![format!("{error:#}")]),
    };
    let misspellings = Misspellings::parse(&dictionary);
    let text = |file: &str| fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {file}"));
    let list = text(EXCEPTIONS)?;
    let exceptions: BTreeSet<&str> = exceptions(&list).collect();
    let mut needed = BTreeSet::new();
    let mut faults = Vec::new();
    for file in files(root)?.iter().filter(|file| file.ends_with(".md") || file.ends_with(".rs")) {
        for (line, word, right) in misspelt(&text(file)?, &misspellings) {
            let lower = word.to_ascii_lowercase();
            if exceptions.contains(lower.as_str()) {
                needed.insert(lower);
            } else {
                faults.push(format!("{file}:{line}: {word} should be {right}, or stand in {EXCEPTIONS}"));
            }
        }
    }
    let unneeded = exceptions.iter().filter(|word| !needed.contains(**word));
    faults.extend(unneeded.map(|word| format!("{EXCEPTIONS}: no file needs {word}")));
    Ok(faults)
}

fn exceptions(list: &str) -> impl Iterator<Item = &str> {
    list.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).filter(|word| !word.is_empty())
}

/// Returns the misspelt words of a text: the number of the line, the word, and what it should be.
fn misspelt(text: &str, misspellings: &Misspellings<'_>) -> Vec<(usize, String, String)> {
    let tokenizer = Tokenizer::new();
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for typo in typos::check_str(line, &tokenizer, misspellings) {
            if let Status::Corrections(right) = typo.corrections {
                found.push((index + 1, typo.typo.into_owned(), right.join(" or ")));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_words_are_found_in_names_and_texts() {
        // Misspelt words of our own making, because this file is checked, too.
        let misspellings = Misspellings::parse("reciefe->receive\ntae->the, tea,\n");
        let text = "fn reciefe_skb() {\n    // Tae `nf_hook_slow`, 0xdeadbeef.\n}";
        let found = misspelt(text, &misspellings);
        let found: Vec<_> = found.iter().map(|(line, _, right)| (*line, right.as_str())).collect();
        assert_eq!(found, [(1, "receive"), (2, "the or tea")]);
    }

    #[test]
    fn exceptions_have_reasons() {
        assert_eq!(exceptions("# words\niif  # a route's\n\noif\n").collect::<Vec<_>>(), ["iif", "oif"]);
    }
}
