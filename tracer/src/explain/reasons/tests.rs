use std::{collections::HashSet, env, fmt::Write as _, fs, path::Path};

use super::*;

const INTRODUCTION: &str = "\
# Drop reasons

From 5.17 on, the kernel gives a reason for many drops.
This document lists the reasons of 6.1 to 7.3: what they mean, where the kernel raises them, and what to do.
`tracer explain REASON` prints an entry.
It is made from `tracer/src/explain/reasons/`.

From 6.4 on, subsystems such as Open vSwitch number their own reasons.
A trace reports the names that the running kernel gives in its BTF, including that of modules.
A reason that is not named there is reported as subsystem and number, in decimal:

- `OPENVSWITCH:1` if the module was unloaded before its types were read, or was built without BTF
- `CORE:200` for a number that `enum skb_drop_reason` does not list
- `SUBSYS_5:3` if the kernel does not name the subsystem either
";

/// Compares the document with the rows. `INSTA_UPDATE=always` writes it, as it does snapshots.
#[test]
fn the_document_is_made_from_the_rows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/drop-reasons.md");
    let text = document();
    if env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        fs::write(&path, &text).expect("the document can be written");
    }
    let written = fs::read_to_string(&path).expect("docs/drop-reasons.md exists");
    assert!(written == text, "docs/drop-reasons.md differs: run the tests with INSTA_UPDATE=always and read the diff");
}

fn document() -> String {
    let mut text = INTRODUCTION.to_owned();
    for (family, rows) in FAMILIES {
        write!(text, "\n## {family}\n").expect("a String takes everything");
        rows.iter().for_each(|row| text += &entry(row));
    }
    text
}

fn entry(row: &DropReason) -> String {
    let mut text = format!("\n### {}\n\n{}\n\n", row.name, sentences(row.meaning));
    let code = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let links = row.findings.iter().map(|id| format!("[`{id}`](findings.md#{id})")).collect::<Vec<_>>();
    let raised = format!("{} (`{}`)", code(row.functions), row.file);
    let facts = [
        ("Raised by", if row.functions.is_empty() { String::new() } else { raised }),
        ("Kernels", row.kernels()),
        ("Loss", loss(row.loss).to_owned()),
        ("Findings", links.join(", ")),
        ("Counters", code(row.counters)),
    ];
    for (what, fact) in facts.iter().filter(|(_, fact)| !fact.is_empty()) {
        writeln!(text, "- {what}: {fact}").expect("a String takes everything");
    }
    text + &format!("\n{}\n", sentences(row.advice))
}

/// One sentence a line, as in all documents.
fn sentences(text: &str) -> String {
    text.replace(". ", ".\n")
}

fn loss(loss: Loss) -> &'static str {
    match loss {
        Loss::Always => "yes",
        Loss::Depends => "depends",
        Loss::Never => "none",
    }
}

#[test]
fn each_reason_has_one_row_with_everything_that_readers_need() {
    let mut names = HashSet::new();
    for row in all() {
        assert!(names.insert(row.name), "{} has two rows", row.name);
        assert!(row.meaning.ends_with('.') && row.advice.ends_with('.'), "{}", row.name);
        assert_eq!(row.functions.is_empty(), row.file.is_empty(), "{}", row.name);
        assert_eq!(row.name, row.name.to_ascii_uppercase());
    }
    for (family, rows) in FAMILIES {
        assert!(rows.is_sorted_by_key(|row| row.name), "{family}");
    }
}

#[test]
fn findings_exist() {
    let documented = include_str!("../../../../docs/findings.md");
    for row in all() {
        for id in row.findings {
            assert!(documented.contains(&format!("\n## {id}\n")), "{} names {id}", row.name);
        }
    }
}

#[test]
fn names_are_found_as_people_write_them() {
    for name in ["IP_CSUM", "ip_csum", "SKB_DROP_REASON_IP_CSUM"] {
        assert_eq!(find(name).map(|row| row.name), Some("IP_CSUM"));
    }
    assert!(find("IP").is_none());
}

#[test]
fn reasons_without_a_name_are_split() {
    assert_eq!(unnamed("OPENVSWITCH:1"), Some(("OPENVSWITCH", 1)));
    assert_eq!(unnamed("MAC80211_UNUSABLE:65535"), Some(("MAC80211_UNUSABLE", 65535)));
    for name in ["IP_CSUM", "openvswitch:1", "A:", ":1", "A:B", "A:1:2", "A:65536", "A:+1", "A B:1"] {
        assert_eq!(unnamed(name), None, "{name}");
    }
}
