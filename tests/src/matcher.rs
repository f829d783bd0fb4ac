//! Compares an expected value with an actual one, which must contain everything that is expected.

use serde_json::{Map, Value};

/// Returns a sentence about where and how the two differ, or `None` if the actual value has everything that is
/// expected. `path` names the place in messages.
pub fn mismatch(path: &str, expected: &Value, actual: &Value) -> Option<String> {
    match expected {
        Value::Object(fields) => match operator(fields) {
            Some(operator) => operator_mismatch(path, operator, actual),
            None => fields.iter().find_map(|(key, expected)| {
                mismatch(&join(path, key), expected, actual.get(key).unwrap_or(&Value::Null))
            }),
        },
        Value::Array(elements) => elements.iter().find_map(|expected| no_element(path, expected, actual)),
        _ if expected == actual => None,
        _ => Some(format!("{path} is {actual}, not {expected}")),
    }
}

/// Whether the actual value has everything that is expected.
pub fn matches(expected: &Value, actual: &Value) -> bool {
    mismatch("", expected, actual).is_none()
}

/// Returns the operator if the table has one of these keys alone. Such a table is a question, not fields to compare.
fn operator(fields: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (key, value) = fields.iter().next()?;
    (fields.len() == 1 && ["contains", "any_of", "absent", "empty"].contains(&key.as_str())).then_some((key, value))
}

fn operator_mismatch(path: &str, (operator, value): (&str, &Value), actual: &Value) -> Option<String> {
    let holds = match operator {
        "contains" => texts(value).all(|text| actual.as_str().is_some_and(|actual| contains(actual, text))),
        "any_of" => value.as_array().is_some_and(|values| values.iter().any(|value| matches(value, actual))),
        "absent" => actual.is_null() == (value == &Value::Bool(true)),
        _ => actual.as_array().is_some_and(|actual| actual.is_empty() == (value == &Value::Bool(true))),
    };
    (!holds).then(|| format!("{path} is {actual}, not `{operator} = {value}`"))
}

fn no_element(path: &str, expected: &Value, actual: &Value) -> Option<String> {
    let found = actual.as_array().is_some_and(|actual| actual.iter().any(|actual| matches(expected, actual)));
    (!found).then(|| format!("{path} is {actual}, without {expected}"))
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let several = value.as_array().map_or(&[][..], Vec::as_slice);
    value.as_str().into_iter().chain(several.iter().filter_map(Value::as_str))
}

/// Whether the text contains the phrase, regardless of line breaks.
pub fn contains(text: &str, phrase: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    words(text).contains(&words(phrase))
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unnamed_fields_may_be_anything() {
        assert!(matches(&json!({"a": 1, "b": {"c": "x"}}), &json!({"a": 1, "b": {"c": "x", "d": 2}, "e": []})));
    }

    #[test]
    fn a_difference_names_its_place() {
        let said = mismatch("finding", &json!({"where": {"chain": "input"}}), &json!({"where": {"chain": "ingress"}}));
        assert_eq!(said.as_deref(), Some(r#"finding.where.chain is "ingress", not "input""#));
        let said = mismatch("", &json!({"a": 1}), &json!({}));
        assert_eq!(said.as_deref(), Some("a is null, not 1"));
    }

    #[test]
    fn lists_want_each_element_somewhere() {
        let evidence = json!(["packet 3 became UNTRACKED", "packet 3 dropped"]);
        assert!(matches(&json!([{"contains": "dropped"}, {"contains": "UNTRACKED"}]), &evidence));
        assert!(!matches(&json!([{"contains": "accepted"}]), &evidence));
        assert!(matches(&json!([443]), &json!([51000, 443])));
        assert!(!matches(&json!([80]), &json!(null)));
    }

    #[test]
    fn questions() {
        assert!(matches(&json!({"contains": ["-j CT", "--notrack"]}), &json!("-m mark -j CT\n  --notrack")));
        assert!(matches(&json!({"any_of": ["a", "b"]}), &json!("b")));
        assert!(!matches(&json!({"any_of": ["a", "b"]}), &json!("c")));
        assert!(matches(&json!({"x": {"absent": true}}), &json!({})));
        assert!(!matches(&json!({"x": {"absent": true}}), &json!({"x": 1})));
        assert!(matches(&json!({"x": {"empty": true}}), &json!({"x": []})));
        assert!(!matches(&json!({"x": {"empty": true}}), &json!({"x": [1]})));
    }
}
