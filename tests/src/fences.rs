//! Splits Markdown into the parts of a scenario: its title, its tables and its fenced blocks.

use anyhow::{Context as _, Result, bail};

/// The parts of a document, in order.
#[derive(Debug, Default)]
pub struct Parts<'a> {
    /// Text of the first heading.
    pub title: &'a str,
    /// Runs of lines that start with `|`.
    pub tables: Vec<Vec<&'a str>>,
    /// Blocks whose fence has two words.
    pub blocks: Vec<Block<'a>>,
}

/// A fenced block that the runner uses.
#[derive(Debug, Eq, PartialEq)]
pub struct Block<'a> {
    /// First word after the fence.
    pub language: &'a str,
    /// Second word: what the block is for.
    pub purpose: &'a str,
    /// The lines between the fences.
    pub text: String,
    /// Line number of the opening fence, from 1.
    pub line: usize,
}

/// Splits a document into its parts.
pub fn split(markdown: &str) -> Result<Parts<'_>> {
    let mut parts = Parts::default();
    let mut lines = markdown.lines().enumerate();
    let mut in_table = false;
    while let Some((index, line)) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let text = until_fence(&mut lines).with_context(|| format!("line {}: no closing fence", index + 1))?;
            parts.blocks.extend(block(info, text, index + 1)?);
        }
        if line.starts_with('|') {
            if !in_table {
                parts.tables.push(Vec::new());
            }
            parts.tables.last_mut().into_iter().for_each(|table| table.push(line));
        }
        in_table = line.starts_with('|');
        if let (true, Some(title)) = (parts.title.is_empty(), line.strip_prefix("# ")) {
            parts.title = title.trim();
        }
    }
    if parts.title.is_empty() {
        bail!("no title: the document must start with a line `# …`");
    }
    Ok(parts)
}

fn until_fence<'a>(lines: &mut impl Iterator<Item = (usize, &'a str)>) -> Option<String> {
    let mut text = String::new();
    loop {
        match lines.next()?.1 {
            "```" => return Some(text),
            line => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
}

/// Returns the block, or `None` if the fence has at most one word and is only illustration.
fn block(info: &str, text: String, line: usize) -> Result<Option<Block<'_>>> {
    let words: Vec<_> = info.split_whitespace().collect();
    match words[..] {
        [] | [_] => Ok(None),
        [language, purpose] => Ok(Some(Block { language, purpose, text, line })),
        _ => bail!("line {line}: `{info}` has more than two words"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_title_tables_and_blocks() -> Result<()> {
        let parts = split("# A title\n\nProse.\n\n```sh setup\nx\n\ny\n```\n\n| a |\n|---|\n\n| b |\n")?;
        assert_eq!(parts.title, "A title");
        assert_eq!(parts.tables, [vec!["| a |", "|---|"], vec!["| b |"]]);
        let block = Block { language: "sh", purpose: "setup", text: "x\n\ny\n".to_owned(), line: 5 };
        assert_eq!(parts.blocks, [block]);
        Ok(())
    }

    #[test]
    fn other_fences_are_illustration() -> Result<()> {
        let parts = split("# T\n```\nplain\n```\n```text\n| no table |\n# no title\n```\n")?;
        assert!(parts.blocks.is_empty() && parts.tables.is_empty());
        Ok(())
    }

    #[test]
    fn complains_with_the_line() {
        let message = |text| split(text).map(|_| ()).unwrap_err().to_string();
        assert_eq!(message("# T\n\n```sh setup\n"), "line 3: no closing fence");
        assert_eq!(message("# T\n```sh setup now\n```\n"), "line 2: `sh setup now` has more than two words");
        assert!(message("text").starts_with("no title"));
    }
}
