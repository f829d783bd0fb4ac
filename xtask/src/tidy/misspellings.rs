//! Lists misspelt words: the dictionary of codespell, read as data from Debian's package.
//!
//! A crate that holds such a list, like typos-dict, is 10 MB of Rust, and takes a third of the time to build xtask.

use std::{borrow::Cow, collections::HashMap, fs, path::Path};

use anyhow::{Context as _, Result, bail};
use typos::{
    Dictionary, Status,
    tokens::{Identifier, Word},
};

use crate::{
    debian::{Suite, deb},
    guest::tree::{Node, Tree},
    progress, workspace,
};

const PACKAGE: &str = "codespell";
const SUITE: &str = "trixie";
const FILE: &str = "usr/lib/python3/dist-packages/codespell_lib/data/dictionary.txt";

/// Returns the text of the dictionary, from the cache or fetched now.
///
/// # Errors
/// If it is in neither, or cannot be read.
pub fn text() -> Result<String> {
    // Change the name whenever the file should come from another suite.
    let path = workspace::cache("tools")?.join("codespell-1.txt");
    if !path.exists() {
        progress::timed("fetching the dictionary of misspellings", || fetch(&path))
            .context("spelling cannot be checked without the dictionary in Debian's package codespell")?;
    }
    fs::read_to_string(&path).with_context(|| format!("cannot read {}; remove it and run this again", path.display()))
}

fn fetch(path: &Path) -> Result<()> {
    let suite = Suite::open(SUITE)?;
    let package = suite.index.find(PACKAGE).with_context(|| suite.lacks(PACKAGE))?;
    let mut tree = Tree::default();
    deb::unpack(&suite.download(package)?, &mut tree, &|path| path == FILE)?;
    let Some(Node::File { content, .. }) = tree.get(FILE) else {
        bail!("version {} of the package has no {FILE}", package.version);
    };
    workspace::write_atomically(path, content)
}

/// Misspelt words in lower case, and what each should be: one word, or several between commas.
pub struct Misspellings<'t>(HashMap<String, &'t str>);

impl<'t> Misspellings<'t> {
    /// Parses lines such as `wrong->right` and `wrong->one, other,`.
    ///
    /// A text after the last comma is the reason why codespell corrects no such word by itself: mostly because the word
    /// exists, as a name or in another field. These words are left out.
    pub fn parse(text: &'t str) -> Self {
        let entry = |line: &'t str| {
            let (wrong, right) = line.split_once("->")?;
            let right = match right.trim().rsplit_once(',') {
                None => right.trim(),
                Some((right, "")) => right,
                Some((_, _reason)) => return None,
            };
            Some((wrong.to_lowercase(), right))
        };
        Self(text.lines().filter_map(entry).collect())
    }

    /// Returns what a word should be, if it is misspelt.
    fn corrections(&self, word: &str) -> Option<impl Iterator<Item = &'t str> + use<'t>> {
        let right = self.0.get(word.to_lowercase().as_str())?;
        Some(right.split(',').map(str::trim))
    }
}

impl Dictionary for Misspellings<'_> {
    fn correct_ident<'s>(&'s self, _: Identifier<'_>) -> Option<Status<'s>> {
        None
    }

    fn correct_word<'s>(&'s self, word: Word<'_>) -> Option<Status<'s>> {
        Some(Status::Corrections(self.corrections(word.token())?.map(Cow::Borrowed).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_with_a_reason_are_left_out() {
        let text = "x->one\nACY->two\ny->one, two,\nz->one, a reason\nzz->one, two, a reason\nno entry\n";
        let misspellings = Misspellings::parse(text);
        let right = |word| misspellings.corrections(word).map(Iterator::collect::<Vec<_>>);
        assert_eq!(right("X"), Some(vec!["one"]));
        assert_eq!(right("Acy"), Some(vec!["two"]));
        assert_eq!(right("y"), Some(vec!["one", "two"]));
        assert_eq!(misspellings.0.len(), 3);
    }
}
