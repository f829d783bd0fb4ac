//! The output of `tracer -o json`, checked against tracer's own model.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tracer::capture::Record;

/// Names of network namespaces by inode number.
pub type Netns = BTreeMap<u64, String>;

/// The lines of a run.
#[derive(Debug)]
pub struct Capture {
    /// All lines in order, with additions that make them easier to describe.
    lines: Vec<Value>,
}

impl Capture {
    /// Parses JSON Lines. Each must be a record of the model, the first `start`, the last `summary`.
    pub fn parse(text: &str, netns: &Netns) -> Result<Self> {
        let mut lines = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let wrong = || format!("line {} of tracer's JSON: {line}", index + 1);
            serde_json::from_str::<Record>(line).with_context(wrong)?;
            lines.push(serde_json::from_str(line).with_context(wrong)?);
        }
        let kind = |line: Option<&Value>| line.and_then(|line| line["type"].as_str()).unwrap_or("missing").to_owned();
        let (first, last) = (kind(lines.first()), kind(lines.last()));
        if first != "start" || last != "summary" {
            bail!("tracer's JSON must begin with `start` and end with `summary`; first is {first}, last is {last}");
        }
        let mut capture = Self { lines };
        capture.annotate(netns);
        Ok(capture)
    }

    /// Returns the lines of a type.
    pub fn of(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.lines.iter().filter(move |line| line["type"] == kind)
    }

    /// Returns steps and drops.
    pub fn steps(&self) -> impl Iterator<Item = &Value> {
        self.lines.iter().filter(|line| line["type"] == "step" || line["type"] == "drop")
    }

    /// Returns the lines that concern these network namespaces, and names the namespaces. If a run watched several
    /// stories at once, these are the lines of one.
    pub fn share(&self, netns: &Netns) -> Self {
        let packets = self.packets_in(netns);
        let mut lines: Vec<_> = self.lines.iter().filter(|line| concerns(line, netns, &packets)).cloned().collect();
        lines.iter_mut().for_each(|line| name_netns(line, netns));
        Self { lines }
    }

    /// Returns the findings of problems outside all these network namespaces.
    pub fn grave_outside(&self, netns: &Netns) -> impl Iterator<Item = &Value> {
        let packets = self.packets_in(netns);
        self.of("finding").filter(move |finding| is_grave(finding) && !concerns(finding, netns, &packets))
    }

    /// Returns how many records the kernel side could not deliver.
    pub fn lost(&self) -> u64 {
        self.of("summary").filter_map(|summary| summary["lost"]["events"].as_u64()).sum()
    }

    /// Returns the ids of the packets that were seen in these namespaces.
    fn packets_in(&self, netns: &Netns) -> BTreeSet<u64> {
        let there = self.steps().filter(|step| is_in(&step["netns"], netns));
        there.filter_map(|step| step["packet"].as_u64()).collect()
    }

    fn annotate(&mut self, netns: &Netns) {
        let flags = self.flags();
        for line in &mut self.lines {
            name_netns(line, netns);
            if line["tuple"].is_object() {
                line["ports"] = json!([line["tuple"]["sport"], line["tuple"]["dport"]]);
            }
            if line["type"] == "finding" {
                let packets = line["packets"].as_array().into_iter().flatten().filter_map(Value::as_u64);
                let of_packets: BTreeSet<_> = packets.filter_map(|packet| flags.get(&packet)).collect();
                if let (1, Some(same)) = (of_packets.len(), of_packets.first()) {
                    line["tcp_flags"] = json!(same);
                }
            }
        }
    }

    /// Returns TCP flags by packet id.
    fn flags(&self) -> BTreeMap<u64, String> {
        let of = |step: &Value| Some((step["packet"].as_u64()?, step["tcp_flags"].as_str()?.to_owned()));
        self.steps().filter_map(of).collect()
    }
}

/// Returns the lines of a capture that concern these network namespaces, unchanged. They form a complete capture.
pub fn excerpt(text: &str, netns: &Netns) -> String {
    let lines: Vec<(&str, Value)> =
        text.lines().filter_map(|line| Some((line, serde_json::from_str(line).ok()?))).collect();
    let there = lines.iter().filter(|(_, line)| line["hook"].is_string() && is_in(&line["netns"], netns));
    let packets = there.filter_map(|(_, line)| line["packet"].as_u64()).collect();
    let kept = lines.iter().filter(|(_, line)| match line["type"].as_str() {
        Some("start" | "summary") => true,
        Some("netns") => is_in(&line["inum"], netns),
        _ => concerns(line, netns, &packets),
    });
    kept.map(|(line, _)| format!("{line}\n")).collect()
}

/// Whether a finding reports a problem.
pub fn is_grave(finding: &Value) -> bool {
    finding["severity"] == "error" || finding["severity"] == "warning"
}

/// Whether a line concerns one of these namespaces: by its place, or by its packets if it has no place.
fn concerns(line: &Value, netns: &Netns, packets: &BTreeSet<u64>) -> bool {
    match line["type"].as_str() {
        Some("step" | "drop" | "device" | "chain") => is_in(&line["netns"], netns),
        Some("finding") if line["where"]["netns"].is_u64() => is_in(&line["where"]["netns"], netns),
        Some("finding") => {
            let mut of = line["packets"].as_array().into_iter().flatten().filter_map(Value::as_u64);
            of.any(|packet| packets.contains(&packet))
        }
        _ => false,
    }
}

fn is_in(inode: &Value, netns: &Netns) -> bool {
    inode.as_u64().is_some_and(|inode| netns.contains_key(&inode))
}

/// Replaces inode numbers of network namespaces by names, at any depth.
fn name_netns(value: &mut Value, netns: &Netns) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| {
            match value.as_u64().filter(|_| key == "netns").and_then(|inode| netns.get(&inode)) {
                Some(name) => *value = json!(name),
                None => name_netns(value, netns),
            }
        }),
        Value::Array(elements) => elements.iter_mut().for_each(|element| name_netns(element, netns)),
        _ => {}
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const STEP: &str = r#"{"ts":1,"packet":7,"flow":1,"direction":"reply","hook":"ip_rcv","ifname":"eth0","ifindex":2,
        "netns":42,"cpu":0,"mark":0,"len":60,"tcp_flags":"SA",
        "tuple":{"src":"192.0.2.20","dst":"198.51.100.10","sport":443,"dport":51000,"proto":"tcp"},"#;

    /// A run with one step, one drop and one finding, in namespace `A`.
    pub fn example() -> Capture {
        parsed(&Netns::from([(42, "A".to_owned())]))
    }

    impl Capture {
        /// Replaces the finding by one for each id.
        pub fn repeat_finding(&mut self, ids: &[&str]) {
            let finding = self.of("finding").next().cloned().expect("a finding");
            self.lines.retain(|line| line["type"] != "finding");
            self.lines.extend(ids.iter().map(|id| {
                let mut finding = finding.clone();
                finding["id"] = json!(id);
                finding
            }));
        }
    }

    /// The same run before its namespace has a name.
    fn unnamed() -> Capture {
        parsed(&Netns::new())
    }

    fn parsed(netns: &Netns) -> Capture {
        let step = STEP.replace('\n', "");
        let text = [
            r#"{"type":"start","version":"0","schema":1,"kernel":"6.18","node":"n","boot_time_ns":1,"backend":"fentry",
                "hooks":{"asked":1,"attached":1,"failed":[]},"filter":""}"#,
            &step.replacen('{', r#"{"type":"step","#, 1).replace(r#""proto":"tcp"},"#, r#""proto":"tcp"}}"#),
            &step.replacen('{', r#"{"type":"drop","#, 1).replace(
                r#""proto":"tcp"},"#,
                r#""proto":"tcp"},"reason":"NETFILTER_DROP","location":"nf_hook_slow+0x1"}"#,
            ),
            r#"{"type":"finding","id":"untracked-reply-dropped","severity":"error","title":"t","flow":1,
                "direction":"reply","packets":[7],"where":{"netns":42,"policy":true},"reason":"NETFILTER_DROP",
                "ct_state":"UNTRACKED","cause":{"policy":false,"did":"x"},"evidence":["e"],"confidence":"certain",
                "advice":"a",
                "tuple":{"src":"192.0.2.20","dst":"198.51.100.10","sport":443,"dport":51000,"proto":"tcp"}}"#,
            r#"{"type":"flow","flow":1,"verdict":"dropped","since":1,"title":"t","where":{"netns":42,"policy":true},
                "packets":{"orig":0,"reply":1},"findings":["untracked-reply-dropped"],
                "tuple":{"src":"198.51.100.10","dst":"192.0.2.20","sport":51000,"dport":443,"proto":"tcp"}}"#,
            r#"{"type":"summary","packets":1,"flows":1,"drops":[],"coverage":"c","duration_ns":1,
                "lost":{"events":0,"tracked_overflow":0,"missed_probes":0,"unparsed":0}}"#,
        ]
        .map(|line| line.replace('\n', ""))
        .join("\n");
        Capture::parse(&text, netns).expect("the example is a valid capture")
    }

    #[test]
    fn lines_get_names_ports_and_flags() {
        let capture = example();
        let finding = capture.of("finding").next().expect("a finding");
        assert_eq!((&finding["where"]["netns"], &finding["tcp_flags"]), (&json!("A"), &json!("SA")));
        assert_eq!(finding["ports"], json!([443, 51000]));
        assert_eq!(capture.steps().count(), 2);
    }

    #[test]
    fn stories_at_once_are_told_apart() {
        let capture = unnamed();
        let [mine, other] = [42, 41].map(|inode| Netns::from([(inode, "A".to_owned())]));
        let share = capture.share(&mine);
        assert_eq!((share.of("finding").count(), share.of("drop").count()), (1, 1));
        assert_eq!(share.of("finding").next().map(|finding| &finding["where"]["netns"]), Some(&json!("A")));
        assert_eq!(capture.share(&other).of("drop").count(), 0);
        assert_eq!((capture.grave_outside(&mine).count(), capture.grave_outside(&other).count()), (0, 1));
    }

    #[test]
    fn order_and_shape_are_checked() {
        let error = |text: &str| format!("{:#}", Capture::parse(text, &Netns::new()).unwrap_err());
        assert!(error("").contains("first is missing"));
        assert!(error("{\"type\":\"step\"}").contains("line 1 of tracer's JSON"));
    }
}
