//! `iptables-save` of both kinds.

use std::collections::BTreeMap;

use crate::model::NfFamily;

/// Lines of each chain of a table that iptables-nft made.
pub(in super::super) fn nft(family: NfFamily, table: &str) -> Option<BTreeMap<String, Vec<String>>> {
    save(family, "nft", "(nf_tables)", table)
}

/// Lines of each chain of a legacy table. Ask only for a table that is loaded: the program would
/// load it.
pub(in super::super) fn legacy(family: NfFamily, table: &str) -> Option<BTreeMap<String, Vec<String>>> {
    save(family, "legacy", "(legacy)", table)
}

/// `marker` is what `iptables-save -V` says of its kind.
fn save(family: NfFamily, kind: &str, marker: &str, table: &str) -> Option<BTreeMap<String, Vec<String>>> {
    let prefix = if family == NfFamily::Ip6 { "ip6tables" } else { "iptables" };
    let named = format!("{prefix}-{kind}-save");
    let text = super::output(&named, &["-t", table]).or_else(|| {
        let plain = format!("{prefix}-save");
        super::output(&plain, &["-V"])?.contains(marker).then(|| super::output(&plain, &["-t", table]))?
    })?;
    Some(chains(&text))
}

/// `-A CHAIN …` lines by chain, in order.
fn chains(saved: &str) -> BTreeMap<String, Vec<String>> {
    let mut chains: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in saved.lines().filter(|line| line.starts_with("-A ")) {
        if let Some(chain) = first_word(&line[3..]) {
            chains.entry(chain).or_default().push(line.to_owned());
        }
    }
    chains
}

/// A word, or what is between quotes with `\` before quotes inside.
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
