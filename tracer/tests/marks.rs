//! `--marks FILE`, as users run it.

use std::{
    path::Path,
    process::{Command, Output},
};

fn report(marks: &Path) -> Output {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/masquerade.jsonl");
    let mut tracer = Command::new(env!("CARGO_BIN_EXE_tracer"));
    tracer.arg("report").arg("--marks").arg(marks).arg(capture).output().expect("tracer runs")
}

fn file(name: &str, text: &str) -> std::path::PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("a place for files");
    path
}

#[test]
fn a_file_of_marks_is_read() {
    let output = report(&file("good.marks", "# ours\n0x40/0x60 goes home\n"));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("0x40 = goes home"), "{text}");
    assert!(text.contains("0x20 = Talos KubeSpan: "), "{text}");
    assert_ne!(output.status.code(), Some(2));
}

#[test]
fn what_cannot_be_read_is_one_sentence_and_status_2() {
    let broken = file("broken.marks", "# ours\n0x40/0x60 goes home\n0x40 # nothing\n");
    let binary = Path::new(env!("CARGO_TARGET_TMPDIR")).join("binary.marks");
    std::fs::write(&binary, [0xff, 0xfe, 0]).expect("a place for files");
    let missing = broken.with_file_name("missing.marks");
    for (path, expected) in [
        (&broken, "broken.marks, line 3: `0x40` has no meaning: write its meaning after the mark"),
        (&binary, "cannot be read"),
        (&missing, "missing.marks cannot be read"),
        (&broken.with_file_name(""), "cannot be read"),
    ] {
        let output = report(path);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(expected) && text.lines().count() == 1, "{text}");
        assert!(output.stdout.is_empty());
    }
}
