//! Reads rule texts from `nft list`.

use std::collections::BTreeMap;

use crate::model::NfFamily;

/// Returns the rule texts of a chain by handle; empty if `nft` cannot list it.
pub(in super::super) fn chain(family: NfFamily, table: &str, chain: &str) -> BTreeMap<u64, String> {
    list(&["list", "chain", &family.to_string(), table, chain])
}

/// Returns the rule texts of a table by handle; empty if `nft` cannot list it.
pub(in super::super) fn table(family: NfFamily, table: &str) -> BTreeMap<u64, String> {
    list(&["list", "table", &family.to_string(), table])
}

/// Runs `nft` and returns rule texts by handle. `-s` omits the values of counters, `-a` adds handles.
fn list(command: &[&str]) -> BTreeMap<u64, String> {
    // `nft` parses its arguments as a script, so a name made to break out of it must not get there.
    if !command.iter().all(|word| is_plain(word)) {
        return BTreeMap::new();
    }
    super::output("nft", &[&["-s", "-a"], command].concat()).map(|text| rules(&text)).unwrap_or_default()
}

/// Returns whether `nft` takes a name literally.
fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
}

/// Returns the rules in the output of `nft -a list` by handle. A long set makes a rule span several lines, of which
/// only the last ends with the handle.
fn rules(listing: &str) -> BTreeMap<u64, String> {
    let mut rules = BTreeMap::new();
    let mut begun: Vec<&str> = Vec::new();
    let mut in_chain = false;
    for line in listing.lines().map(str::trim) {
        if !in_chain {
            in_chain = line.starts_with("chain ") && head(line).is_some_and(|head| head.ends_with('{'));
            continue;
        }
        // These lines belong to the chain itself: its end, its type and hook, its comment.
        if begun.is_empty() && line == "}" {
            in_chain = false;
            continue;
        }
        if line.is_empty() || line.starts_with("type ") && line.contains(" hook ") {
            begun.clear();
            continue;
        }
        if begun.is_empty() && line.starts_with("comment ") {
            continue;
        }
        match line.rsplit_once(" # handle ").and_then(|(text, handle)| Some((text, handle.parse().ok()?))) {
            Some((text, handle)) => {
                begun.push(text);
                rules.insert(handle, tidy(&begun));
                begun.clear();
            }
            None => begun.push(line),
        }
    }
    rules
}

/// Returns a line without its handle.
fn head(line: &str) -> Option<&str> {
    Some(line.rsplit_once(" # handle ").map_or(line, |(head, _)| head))
}

/// Joins several lines into one.
fn tidy(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LISTING: &str = r##"table inet talos { # handle 2
	set s { # handle 9
		type ipv4_addr
		elements = { 10.0.0.1 }
	}

	chain ingress { # handle 1
		comment "the node's own firewall"
		type filter hook input priority mangle + 10; policy drop;
		iifname { "lo", "kubespan" } counter accept # handle 4
		ip saddr { 10.0.0.1, 10.0.0.2,
			   10.0.0.3 } accept # handle 6
		ct state vmap { invalid : drop,
				established : jump foo } comment "# handle 3" # handle 7
	}

	chain foo { # handle 2
		tcp dport 22 accept # handle 12
	}
}
"##;

    #[test]
    fn rules_are_found_by_handle() {
        let rules = rules(LISTING);
        let expected = [
            (4, r#"iifname { "lo", "kubespan" } counter accept"#),
            (6, "ip saddr { 10.0.0.1, 10.0.0.2, 10.0.0.3 } accept"),
            (7, r##"ct state vmap { invalid : drop, established : jump foo } comment "# handle 3""##),
            (12, "tcp dport 22 accept"),
        ];
        assert_eq!(rules, expected.map(|(handle, text)| (handle, text.to_owned())).into());
    }

    #[test]
    fn only_plain_names_reach_nft() {
        assert!(["talos", "KUBE-SVC-X", "a_b.c/d"].into_iter().all(is_plain));
        assert!(
            ["", "a; flush ruleset", "a b", "-f", "a{", "a\n", "\"a\"", "é"].into_iter().all(|name| !is_plain(name))
        );
    }

    proptest! {
        #[test]
        fn any_listing_is_read_without_panic(text in "(chain|[{} #\n\t]|handle| [0-9]|.){0,200}") {
            rules(&text);
        }
    }
}
