//! Checks what modules must not import: the column "must not" of the code map.

use super::source::Tree;

/// Crate, module, what the module and those below it must not import, and why. Our own modules begin with `crate::`.
const MUST_NOT: &[(&str, &str, &[&str], &str)] = &[
    ("tracer", "model", &OUTER, "model is plain data"),
    ("tracer", "track", &IO_AND_CLOCK, "track does no I/O and reads no clock"),
    ("tracer", "track", &OUTER_OF_TRACK, "track knows records, and words that it is given"),
    ("tracer", "diagnose", &IO_AND_CLOCK, "diagnose does no I/O and reads no clock"),
    ("tracer", "diagnose", &OUTER_OF_DIAGNOSE, "diagnose knows the model alone"),
    ("tracer", "decode", &IO_AND_CLOCK, "decode does no I/O"),
    ("tracer", "marks", &IO_AND_CLOCK, "marks does no I/O"),
    (
        "tracer",
        "cli",
        &["std::fs", "std::process::Command", "nix", "libc", "tokio", "crate::kernel", "crate::probe"],
        "cli does not touch the system",
    ),
    ("tracer", "kernel", &["aya", "aya_obj"], "only probe and source know Aya"),
    ("tracer", "enrich", &["aya", "aya_obj"], "only probe and source know Aya"),
    ("tracer", "pipeline", &["aya", "aya_obj", "crate::output"], "pipeline writes nothing"),
    ("tracer", "live", &["aya", "aya_obj", "crate::commands", "nix::sys::signal"], "live is for other programs, too"),
    ("tracer", "history", &["aya", "aya_obj", "crate::output", "crate::pipeline"], "history only retains"),
    (
        "tracer",
        "output",
        &["aya", "aya_obj", "crate::track", "crate::enrich", "crate::diagnose", "crate::kernel", "crate::probe"],
        "output computes no facts",
    ),
    (
        "tracer",
        "source",
        &["crate::track", "crate::enrich", "crate::diagnose", "crate::output"],
        "source does not interpret",
    ),
];

const OUTER: [&str; 15] = [
    "crate::cli",
    "crate::clock",
    "crate::commands",
    "crate::decode",
    "crate::diagnose",
    "crate::enrich",
    "crate::history",
    "crate::kernel",
    "crate::live",
    "crate::marks",
    "crate::output",
    "crate::pipeline",
    "crate::probe",
    "crate::source",
    "crate::track",
];

const OUTER_OF_TRACK: [&str; 10] = [
    "crate::cli",
    "crate::commands",
    "crate::diagnose",
    "crate::enrich",
    "crate::history",
    "crate::kernel",
    "crate::live",
    "crate::output",
    "crate::pipeline",
    "crate::probe",
];

const OUTER_OF_DIAGNOSE: [&str; 10] = [
    "crate::cli",
    "crate::commands",
    "crate::enrich",
    "crate::history",
    "crate::kernel",
    "crate::live",
    "crate::output",
    "crate::pipeline",
    "crate::probe",
    "crate::track",
];

const IO_AND_CLOCK: [&str; 9] = [
    "std::fs",
    "std::io",
    "std::process",
    "std::time::Instant",
    "std::time::SystemTime",
    "nix",
    "libc",
    "tokio",
    "crate::clock",
];

/// Returns a sentence for each forbidden import.
pub fn find(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for (_, module, forbidden, why) in MUST_NOT.iter().filter(|(name, ..)| *name == tree.name) {
        for (name, imports) in tree.modules.iter().filter(|(name, _)| name.first().is_some_and(|first| first == module))
        {
            let own = imports.own.iter().map(|path| format!("crate::{}", path.join("::")));
            let bad =
                own.chain(imports.foreign.iter().cloned()).filter(|path| forbidden.iter().any(|one| is_in(path, one)));
            faults.extend(bad.map(|path| format!("{}: {} imports {path}, but {why}", tree.name, name.join("::"))));
        }
    }
    faults
}

/// Whether `path` is `of` or below it.
fn is_in(path: &str, of: &str) -> bool {
    path.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_import_is_found_where_it_stands() {
        let names = |name: &str| name.split("::").map(str::to_owned).collect::<Vec<_>>();
        let sources = vec![
            (names("track"), "use crate::model::Step;".to_owned()),
            (names("track::end"), "use std::{fs::File, fmt}; fn f() { crate::kernel::release(); }".to_owned()),
            (names("kernel"), String::new()),
            (names("model"), String::new()),
        ];
        let tree = Tree::of("tracer", sources).expect("Rust");
        assert_eq!(
            find(&tree),
            [
                "tracer: track::end imports std::fs::File, but track does no I/O and reads no clock",
                "tracer: track::end imports crate::kernel, but track knows records, and words that it is given",
            ]
        );
    }
}
