//! The costs on record, which later ones are compared with.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context as _, Result};

use super::{figures::Figures, table};
use crate::workspace;

/// A cost has risen if it is this many per cent above the one on record. Instructions are exact, but the additional
/// work of kernel and libraries is not always the same.
const TOLERANCE: u64 = 10;

/// Writes the costs, and the document for people.
pub fn keep(figures: &Figures) -> Result<()> {
    let costs: BTreeMap<_, _> = figures.own_costs().collect();
    let text = format!("# Written by `cargo xtask bench --record`.\n{}", toml::to_string(&costs)?);
    workspace::write_atomically(&costs_file(), text.as_bytes())?;
    publish("figures", &table::markdown(figures))
}

/// Writes a table into its place in the document for people.
pub fn publish(place: &str, table: &str) -> Result<()> {
    let (begin, end) = (format!("<!-- {place} -->"), format!("<!-- end of {place} -->"));
    let document = workspace::root().join("docs/performance.md");
    let text = fs::read_to_string(&document).with_context(|| format!("cannot read {}", document.display()))?;
    let (before, after) = text
        .split_once(&begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)))
        .with_context(|| format!("{} has no section `{place}`", document.display()))?;
    let text = format!("{before}{begin}\n{table}{end}{after}");
    workspace::write_atomically(&document, text.as_bytes())
}

/// Returns a sentence for each cost that has risen.
pub fn risen(figures: &Figures) -> Result<Vec<String>> {
    let file = costs_file();
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let known: BTreeMap<String, u64> = toml::from_str(&text).with_context(|| format!("in {}", file.display()))?;
    let compare = |(case, cost): (&str, u64)| {
        let before = *known.get(case)?;
        (cost * 100 > before * (100 + TOLERANCE))
            .then(|| format!("{case} costs {cost} instructions per packet; it was {before}"))
    };
    Ok(figures.own_costs().filter_map(compare).collect())
}

fn costs_file() -> PathBuf {
    workspace::root().join("tests/costs.toml")
}
