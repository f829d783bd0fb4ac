//! Steps for tests, written as the JSON of a capture.

use serde_json::{Value, json};

use crate::model::Step;

/// Creates a step at `hook`. `facts` extend or replace the usual fields.
pub(super) fn step(hook: &str, facts: Value) -> Step {
    let tuple = json!({"src": "10.0.1.5", "dst": "192.0.2.20", "sport": 40000, "dport": 443, "proto": "tcp"});
    let mut step = json!({
        "ts": 1, "packet": 1, "flow": 1, "direction": "orig", "hook": hook, "ifname": "eth0", "ifindex": 2,
        "netns": 7, "cpu": 0, "mark": 0x40, "len": 60, "tuple": tuple,
    });
    let (Value::Object(all), Value::Object(facts)) = (&mut step, facts) else { panic!("objects") };
    all.extend(facts);
    serde_json::from_value(step).expect("a step")
}
