//! Parameter tables: the variants of a document.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

/// The values of a variant by the names of its table's columns.
pub type Values = BTreeMap<String, String>;

/// Returns every combination of the rows of all parameter tables, named by their first cells. A document without such a
/// table has one variant without a name.
pub fn variants(tables: &[Vec<&str>]) -> Result<Vec<(String, Values)>> {
    let mut variants = vec![(String::new(), Values::new())];
    for table in tables {
        let Some(rows) = rows(table)? else { continue };
        variants =
            variants.iter().flat_map(|(name, values)| rows.iter().map(move |row| combine(name, values, row))).collect();
    }
    Ok(variants)
}

fn combine(name: &str, values: &Values, row: &(String, Values)) -> (String, Values) {
    let separator = if name.is_empty() { "" } else { "-" };
    let all = values.iter().chain(&row.1).map(|(key, value)| (key.clone(), value.clone()));
    (format!("{name}{separator}{}", row.0), all.collect())
}

/// Parses the rows of a parameter table, whose first column is headed `variant`. Returns `None` for other tables.
fn rows(table: &[&str]) -> Result<Option<Vec<(String, Values)>>> {
    let [header, _rule, rows @ ..] = table else { return Ok(None) };
    let header = cells(header);
    let [first, names @ ..] = &header[..] else { return Ok(None) };
    if first != "variant" {
        return Ok(None);
    }
    rows.iter().map(|row| named(row, names)).collect::<Result<_>>().map(Some)
}

fn named(row: &str, names: &[String]) -> Result<(String, Values)> {
    let cells = cells(row);
    let [variant, values @ ..] = &cells[..] else { bail!("an empty row in the table of variants") };
    if values.len() != names.len() {
        bail!("variant `{variant}` has {} values for {} columns", values.len(), names.len());
    }
    Ok((variant.clone(), names.iter().cloned().zip(values.iter().cloned()).collect()))
}

/// Splits a line `| a | b |` into cells. A `|` inside a cell is written `\|`, as in GitHub's Markdown.
fn cells(line: &str) -> Vec<String> {
    // A character that no document contains replaces the escaped `|` while the line is split.
    let line = line.trim().replace("\\|", "\0");
    let line = line.strip_prefix('|').unwrap_or(&line);
    let line = line.strip_suffix('|').unwrap_or(line);
    line.split('|').map(|cell| cell.trim().trim_matches('`').replace('\0', "|")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_variants() -> Result<()> {
        let table = vec!["| variant | A | B |", "|---|---|---|", "| one | 1 | |", "| two | `x y` | p\\|q |"];
        let found = variants(&[table])?;
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["one", "two"]);
        assert_eq!((found[0].1["A"].as_str(), found[0].1["B"].as_str()), ("1", ""));
        assert_eq!((found[1].1["A"].as_str(), found[1].1["B"].as_str()), ("x y", "p|q"));
        Ok(())
    }

    #[test]
    fn tables_multiply() -> Result<()> {
        let family = vec!["| variant | F |", "|---|---|", "| ipv4 | 4 |", "| ipv6 | 6 |"];
        let other = vec!["| variant | X |", "|---|---|", "| a | 1 |", "| b | 2 |"];
        let unrelated = vec!["| block | meaning |", "|---|---|", "| x | y |"];
        let names: Vec<_> = variants(&[family, unrelated, other])?.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["ipv4-a", "ipv4-b", "ipv6-a", "ipv6-b"]);
        Ok(())
    }

    #[test]
    fn a_short_row_is_refused() {
        let error = variants(&[vec!["| variant | A | B |", "|---|", "| one | 1 |"]]).unwrap_err();
        assert_eq!(error.to_string(), "variant `one` has 1 values for 2 columns");
    }

    #[test]
    fn no_table_is_one_variant() -> Result<()> {
        assert_eq!(variants(&[])?, [(String::new(), Values::new())]);
        Ok(())
    }
}
