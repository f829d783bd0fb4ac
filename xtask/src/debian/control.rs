//! Debian's control format: stanzas of fields, as in package indices and apt sources.

use std::collections::BTreeMap;

/// The fields of one stanza.
pub type Stanza<'a> = BTreeMap<&'a str, String>;

/// Splits a text into stanzas. Comment lines are skipped, and continuation lines are joined.
pub fn stanzas(text: &str) -> Vec<Stanza<'_>> {
    let mut all = Vec::new();
    let mut stanza = Stanza::new();
    let mut field = "";
    for line in text.lines() {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            if !stanza.is_empty() {
                all.push(std::mem::take(&mut stanza));
            }
        } else if line.starts_with([' ', '\t']) {
            if let Some(value) = stanza.get_mut(field) {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            field = name;
            stanza.insert(name, value.trim().to_owned());
        }
    }
    if !stanza.is_empty() {
        all.push(stanza);
    }
    all
}
