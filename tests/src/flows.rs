//! Checks that the steps of a capture are sorted into flows as they should be.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::capture::Capture;

/// What a scenario expects of the flows. Whatever the numbers, each flow must have steps of both directions, and no
/// packet and no tuple may be part of two flows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flows {
    /// Number of flows that have steps.
    count: usize,
    /// Number of tuples of each flow: one more than its translations. Both directions of a tuple count once.
    tuples: usize,
}

impl Flows {
    /// Returns a sentence for everything that is not as expected.
    pub fn complaints(&self, capture: &Capture) -> Vec<String> {
        let flows = sort(capture);
        let mut complaints = Vec::new();
        if flows.len() != self.count {
            complaints.push(format!("{} flows have steps, expected {}", flows.len(), self.count));
        }
        for (id, flow) in &flows {
            if flow.tuples.len() != self.tuples {
                complaints.push(format!(
                    "flow {id} has {} tuples, expected {}: {:?}",
                    flow.tuples.len(),
                    self.tuples,
                    flow.tuples
                ));
            }
            if flow.directions.len() != 2 {
                complaints.push(format!("flow {id} has steps of {:?} only", flow.directions));
            }
        }
        complaints.extend(shared(&flows, "packet", |flow| &flow.packets));
        complaints.extend(shared(&flows, "tuple", |flow| &flow.tuples));
        complaints
    }
}

#[derive(Default)]
struct Flow {
    packets: BTreeSet<String>,
    tuples: BTreeSet<String>,
    directions: BTreeSet<String>,
}

fn sort(capture: &Capture) -> BTreeMap<String, Flow> {
    let mut flows: BTreeMap<String, Flow> = BTreeMap::new();
    for step in capture.steps() {
        let flow = flows.entry(step["flow"].to_string()).or_default();
        flow.packets.insert(step["packet"].to_string());
        flow.tuples.insert(without_direction(&step["tuple"]));
        flow.directions.insert(step["direction"].as_str().unwrap_or_default().to_owned());
    }
    flows
}

/// Formats the two ends in an order that does not depend on who sends.
fn without_direction(tuple: &Value) -> String {
    let end = |addr: &str, port: &str| format!("{} port {}", tuple[addr].as_str().unwrap_or_default(), tuple[port]);
    let (source, destination) = (end("src", "sport"), end("dst", "dport"));
    let (first, second) = if source < destination { (source, destination) } else { (destination, source) };
    format!("{} {first} and {second}", tuple["proto"].as_str().unwrap_or_default())
}

/// Returns a sentence for each member that two flows have in common.
fn shared<'a>(
    flows: &'a BTreeMap<String, Flow>,
    what: &'a str,
    members: impl Fn(&'a Flow) -> &'a BTreeSet<String>,
) -> Vec<String> {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    let mut complaints = Vec::new();
    for (id, flow) in flows {
        for member in members(flow) {
            if let Some(other) = owners.insert(member, id) {
                complaints.push(format!("{what} {member} is in flow {other} and in flow {id}"));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Netns;

    /// Creates a capture of steps given as (packet, flow, direction, client's port). The server has port 443.
    fn capture(steps: &[(u64, u64, &str, u16)]) -> Capture {
        let mut lines = vec![
            r#"{"type":"start","version":"0","schema":1,"kernel":"6.18","node":"n","boot_time_ns":1,"backend":"fentry","hooks":{"asked":1,"attached":1,"failed":[]},"filter":""}"#.to_owned(),
        ];
        for (packet, flow, direction, port) in steps {
            let tuple = match *direction {
                "orig" => {
                    format!(r#"{{"src":"192.0.2.1","dst":"192.0.2.2","sport":{port},"dport":443,"proto":"tcp"}}"#)
                }
                _ => format!(r#"{{"src":"192.0.2.2","dst":"192.0.2.1","sport":443,"dport":{port},"proto":"tcp"}}"#),
            };
            lines.push(format!(
                r#"{{"type":"step","ts":1,"packet":{packet},"flow":{flow},"direction":"{direction}","hook":"ip_rcv","ifname":"eth0","ifindex":2,"netns":42,"cpu":0,"mark":0,"len":60,"tuple":{tuple}}}"#
            ));
        }
        lines.push(r#"{"type":"summary","packets":1,"flows":1,"drops":[],"coverage":"c","duration_ns":1,"lost":{"events":0,"tracked_overflow":0,"missed_probes":0,"unparsed":0}}"#.to_owned());
        Capture::parse(&lines.join("\n"), &Netns::new()).expect("a valid capture")
    }

    const GOOD: [(u64, u64, &str, u16); 4] =
        [(1, 1, "orig", 5001), (2, 1, "reply", 5001), (3, 2, "orig", 5002), (4, 2, "reply", 5002)];

    #[test]
    fn separate_flows_are_fine() {
        let none: [String; 0] = [];
        assert_eq!(Flows { count: 2, tuples: 1 }.complaints(&capture(&GOOD)), none);
    }

    #[test]
    fn wrong_numbers_are_noticed() {
        let complaints = Flows { count: 3, tuples: 2 }.complaints(&capture(&GOOD));
        assert_eq!(complaints.len(), 3, "{complaints:?}");
        assert_eq!(complaints[0], "2 flows have steps, expected 3");
        assert!(complaints[1].starts_with("flow 1 has 1 tuples, expected 2"), "{complaints:?}");
    }

    #[test]
    fn mixing_is_noticed() {
        let mut steps = GOOD;
        // The reply of the second connection was put into the first flow.
        steps[3] = (4, 1, "reply", 5002);
        let complaints = Flows { count: 2, tuples: 1 }.complaints(&capture(&steps)).join("\n");
        assert!(complaints.contains("flow 1 has 2 tuples, expected 1"), "{complaints}");
        assert!(complaints.contains(r#"flow 2 has steps of {"orig"} only"#), "{complaints}");
        assert!(complaints.contains("port 5002 and 192.0.2.2 port 443 is in flow 1 and in flow 2"), "{complaints}");
    }

    #[test]
    fn a_packet_in_two_flows_is_noticed() {
        let mut steps = GOOD;
        steps[2].0 = 1;
        let complaints = Flows { count: 2, tuples: 1 }.complaints(&capture(&steps));
        assert_eq!(complaints, ["packet 1 is in flow 1 and in flow 2"]);
    }
}
