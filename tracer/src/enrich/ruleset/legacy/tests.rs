//! Tests with tables of a real kernel, in `samples/tables.txt`. [`record`] recorded them after `iptables.sh legacy`
//! (nft/samples).

use std::{fmt::Write as _, fs};

use proptest::prelude::*;

use super::{socket::Raw, *};

/// Returns the recorded tables. Each has one line with the family, the name and the numbers of [`Raw`], and one line
/// with the entries.
fn recorded() -> Vec<(NfFamily, &'static str, Raw)> {
    let lines: Vec<_> = include_str!("samples/tables.txt").lines().collect();
    lines.chunks_exact(2).map(|pair| table_of(pair[0], pair[1])).collect()
}

fn table_of(head: &'static str, entries: &str) -> (NfFamily, &'static str, Raw) {
    let mut words = head.split(' ');
    let family = if words.next() == Some("ip6") { NfFamily::Ip6 } else { NfFamily::Ip };
    let name = words.next().expect("a name");
    let numbers: Vec<u32> = words.map(|word| word.parse().expect("a number")).collect();
    let five = |at: usize| numbers[at..at + 5].try_into().expect("five numbers");
    let entries = (0..entries.len() / 2).map(|at| u8::from_str_radix(&entries[2 * at..2 * at + 2], 16).expect("hex"));
    let raw = Raw { valid_hooks: numbers[0], hook_entry: five(1), underflow: five(6), entries: entries.collect() };
    (family, name, raw)
}

#[test]
#[ignore = "writes the tables of the running kernel to the file named by RECORD"]
fn record() {
    let mut text = String::new();
    for family in [NfFamily::Ip, NfFamily::Ip6] {
        for name in socket::loaded(family) {
            let raw = socket::read(family, &name).expect("the table can be read");
            let numbers = [raw.valid_hooks].into_iter().chain(raw.hook_entry).chain(raw.underflow);
            let numbers: Vec<_> = numbers.map(|number| number.to_string()).collect();
            let _ = writeln!(text, "{family} {name} {}", numbers.join(" "));
            let _ =
                writeln!(text, "{}", raw.entries.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")));
        }
    }
    let file = std::env::var("RECORD").expect("RECORD names the file to write");
    fs::write(file, text).expect("the file can be written");
}

#[test]
fn rules_of_legacy_iptables() {
    let tables =
        recorded().into_iter().map(|(family, name, raw)| to_table(7, family, name, blob::decode(family, &raw)));
    let chains: Vec<_> = tables.flat_map(|table| table.chains).collect();
    assert!(chains.iter().all(|chain| chain.legacy && chain.netns == 7));
    insta::assert_snapshot!(crate::enrich::ruleset::describe(chains.iter()));
}

#[test]
fn an_offset_is_a_rule_a_policy_or_an_end() {
    let (family, name, raw) =
        recorded().into_iter().find(|(family, name, _)| *family == NfFamily::Ip6 && *name == "raw").expect("recorded");
    let table = to_table(7, family, name, blob::decode(family, &raw));
    let made = table.blob.iter().find(|chain| chain.name == "CILIUM_PRE_raw").expect("recorded");

    // An offset inside the second rule, in its target's data.
    let place = table.locate(made.rules[1].end - 8).expect("a rule is there");
    assert_eq!((place.chain.chain.as_str(), place.policy), ("CILIUM_PRE_raw", false));
    let rule = place.rule.expect("a rule");
    assert_eq!(rule.rule, 2);
    assert!(rule.text.ends_with("-j CT --notrack"), "{}", rule.text);

    let end = table.locate(made.end.as_ref().expect("it ends").offset).expect("an entry is there");
    assert_eq!((end.chain.chain.as_str(), end.rule, end.policy), ("CILIUM_PRE_raw", None, false));

    let policy = table.locate(raw.underflow[0]).expect("an entry is there");
    assert_eq!((policy.chain.chain.as_str(), policy.rule, policy.policy), ("PREROUTING", None, true));

    assert_eq!(table.locate(u32::try_from(raw.entries.len()).expect("short")), None);
    assert_eq!(table.locate(u32::MAX), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(
        entries in prop::collection::vec(any::<u8>(), 0..600),
        offsets: [u32; 5],
        ipv6: bool,
        offset: u32,
    ) {
        let family = if ipv6 { NfFamily::Ip6 } else { NfFamily::Ip };
        let raw = Raw { valid_hooks: 0x1f, hook_entry: offsets, underflow: offsets, entries };
        let _ = to_table(7, family, "filter", blob::decode(family, &raw)).locate(offset);
    }

    #[test]
    fn a_real_table_with_wrong_bytes_is_read_without_panic(
        which in 0_usize..8,
        wrong in prop::collection::vec((0_usize..20_000, any::<u8>()), 0..20),
        cut in 0_usize..20_000,
    ) {
        let mut tables = recorded();
        let which = which % tables.len();
        let (family, name, mut raw) = tables.swap_remove(which);
        let len = raw.entries.len();
        for (at, byte) in wrong {
            raw.entries[at % len] = byte;
        }
        raw.entries.truncate(cut);
        let _ = to_table(7, family, name, blob::decode(family, &raw)).locate(0);
    }
}
