//! The examples that need no privileges, run on captures of `tests/data`.

use std::{path::Path, process::Command};

/// Runs an example, which cargo builds next to the tests.
fn run(example: &str, capture: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_tracer")).with_file_name("examples").join(example);
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(capture);
    let output = Command::new(&program).arg(capture).output().unwrap_or_else(|error| panic!("{program:?}: {error}"));
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("the output is text")
}

#[test]
fn drops_are_counted_by_reason() {
    assert_eq!(run("read_capture", "masquerade.jsonl"), "     1  NO_SOCKET\n");
}

#[test]
fn findings_are_printed() {
    let text = run("diagnose_capture", "masquerade.jsonl");
    assert!(text.starts_with("Error, ") && text.contains("(nat-reply-not-reversed)\n    "), "{text}");
}
