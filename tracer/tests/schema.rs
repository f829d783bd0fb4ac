//! Every capture fulfils the schema that `tracer schema` prints.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use insta::assert_snapshot;
use jsonschema::Validator;
use serde_json::{Value, json};

fn schema() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tracer")).arg("schema").output().expect("tracer runs");
    String::from_utf8(output.stdout).expect("the schema is text")
}

fn validator() -> Validator {
    let schema = serde_json::from_str(&schema()).expect("the schema is JSON");
    jsonschema::draft202012::new(&schema).expect("the schema is one itself")
}

fn captures(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("it is readable").path());
    let captures = entries.flat_map(|path| if path.is_dir() { captures(&path) } else { vec![path] });
    captures.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")).collect()
}

#[test]
fn captures_of_any_version_fulfil_the_schema() {
    let validator = validator();
    let captures = captures(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data"));
    assert!(captures.len() > 40, "{} captures", captures.len());
    for path in captures {
        for (number, line) in fs::read_to_string(&path).expect("it is readable").lines().enumerate() {
            let line: Value = serde_json::from_str(line).expect("it is JSON");
            let errors: Vec<String> = validator.iter_errors(&line).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}, line {}: {}", path.display(), number + 1, errors.join("; "));
        }
    }
}

#[test]
fn the_schema_refuses_what_is_no_line_of_a_capture() {
    let validator = validator();
    let netns = json!({"type": "netns", "inum": 4026531840_u64, "name": "A"});
    assert!(validator.is_valid(&netns));
    for (field, value) in [("inum", json!("4026531840")), ("inum", json!(-1)), ("name", json!(1)), ("type", json!("n"))]
    {
        let mut wrong = netns.clone();
        wrong[field] = value;
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
    assert!(!validator.is_valid(&json!({"type": "netns"})));
    let founding = include_str!("data/founding.jsonl").lines().find(|line| line.contains(r#""type":"drop""#));
    let mut drop: Value = serde_json::from_str(founding.expect("a packet is dropped")).expect("it is JSON");
    assert!(validator.is_valid(&drop));
    drop.as_object_mut().expect("it is an object").remove("reason");
    assert!(!validator.is_valid(&drop), "a drop has a reason");
}

#[test]
fn the_schema_changes_knowingly() {
    assert_snapshot!("schema", schema());
}
