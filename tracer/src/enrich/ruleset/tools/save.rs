//! Reads rules from `iptables-save` of both kinds.

use std::collections::BTreeMap;

use crate::model::NfFamily;

/// Returns the lines of each chain of a table that iptables-nft made.
pub(in super::super) fn nft(family: NfFamily, table: &str) -> Option<BTreeMap<String, Vec<String>>> {
    save(family, "nft", "(nf_tables)", table)
}

/// Returns the lines of each chain of a legacy table. The table must be loaded already, because the program would load
/// it.
pub(in super::super) fn legacy(family: NfFamily, table: &str) -> Option<BTreeMap<String, Vec<String>>> {
    save(family, "legacy", "(legacy)", table)
}

/// Runs the program of this kind, which `iptables-save -V` identifies by `marker`.
fn save(family: NfFamily, kind: &str, marker: &str, table: &str) -> Option<BTreeMap<String, Vec<String>>> {
    let prefix = if family == NfFamily::Ip6 { "ip6tables" } else { "iptables" };
    let named = format!("{prefix}-{kind}-save");
    let text = super::output(&named, &["-t", table]).or_else(|| {
        let plain = format!("{prefix}-save");
        super::output(&plain, &["-V"])?.contains(marker).then(|| super::output(&plain, &["-t", table]))?
    })?;
    Some(chains(&text))
}

/// Returns the `-A CHAIN …` lines by chain, in order.
fn chains(saved: &str) -> BTreeMap<String, Vec<String>> {
    let mut chains: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in saved.lines().filter(|line| line.starts_with("-A ")) {
        if let Some(chain) = first_word(&line[3..]) {
            chains.entry(chain).or_default().push(line.to_owned());
        }
    }
    chains
}

/// Returns the first word, or the text between quotes, in which `\` escapes a character.
fn first_word(text: &str) -> Option<String> {
    let Some(quoted) = text.strip_prefix('"') else { return text.split(' ').next().map(str::to_owned) };
    let mut word = String::new();
    let mut chars = quoted.chars();
    loop {
        match chars.next()? {
            '"' => return Some(word),
            '\\' => word.push(chars.next()?),
            other => word.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_by_chain() {
        let saved = "# Generated\n*raw\n:PREROUTING ACCEPT [0:0]\n:CILIUM_PRE_raw - [0:0]\n\
            -A PREROUTING -m comment --comment \"cilium-feeder: CILIUM_PRE_raw\" -j CILIUM_PRE_raw\n\
            -A CILIUM_PRE_raw -m mark --mark 0xd00/0xf00 -j CT --notrack\n-A \"odd \\\"name\" -j ACCEPT\nCOMMIT\n";
        let chains = chains(saved);
        assert_eq!(chains.keys().collect::<Vec<_>>(), ["CILIUM_PRE_raw", "PREROUTING", "odd \"name"]);
        assert_eq!(chains["CILIUM_PRE_raw"], ["-A CILIUM_PRE_raw -m mark --mark 0xd00/0xf00 -j CT --notrack"]);
    }

    #[test]
    fn an_unended_quote_is_no_chain() {
        assert!(chains("-A \"x\n-A \"\\").is_empty());
    }
}
