//! The legend under a flow: what its marks mean, and what its devices are.

use std::collections::BTreeSet;

use super::{
    place,
    style::{CHANGED, DIM, Look, clean, hang, pad, paint},
};
use crate::{
    marks::Marks,
    model::{Device, Step, Trace},
};

/// Renders a line for each mark whose meaning is known, then the devices that need an explanation. Empty if there are
/// neither.
pub(super) fn render(steps: &[&Step], trace: &Trace, marks: &Marks, look: Look) -> String {
    let mut text = meanings(steps, marks, look);
    let devices = devices(steps, trace);
    if !devices.is_empty() {
        text += &(hang(&format!("  {}  ", paint(DIM, "devices")), &devices, look.width) + "\n");
    }
    if text.is_empty() { text } else { text + "\n" }
}

fn meanings(steps: &[&Step], marks: &Marks, look: Look) -> String {
    let seen: BTreeSet<u32> = steps.iter().map(|step| step.mark).collect();
    let known: Vec<_> =
        seen.into_iter().filter_map(|mark| Some((format!("{mark:#x}"), marks.meaning(mark)?))).collect();
    let width = known.iter().map(|(mark, _)| mark.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (index, (mark, words)) in known.iter().enumerate() {
        let label = pad(if index == 0 { "marks" } else { "" }, "devices".len());
        let first = format!("  {}  {} = ", paint(DIM, label), pad(&paint(CHANGED, mark), width));
        text += &(hang(&first, &clean(words), look.width) + "\n");
    }
    text
}

/// Whether the device needs no explanation.
fn ordinary(device: &Device) -> bool {
    /// `ETH_DATA_LEN`
    const USUAL_MTU: u32 = 1500;
    device.kind.is_empty() || matches!(device.kind.as_str(), "veth" | "dummy") && device.mtu == USUAL_MTU
}

/// Lists devices in the order they were passed: `cilium_wg0 (WireGuard, MTU 1420), lxc0 (veth, MTU 1500)`. Devices of
/// the same name that differ are listed with their netns.
fn devices(steps: &[&Step], trace: &Trace) -> String {
    let mut passed: Vec<&Device> = Vec::new();
    for step in steps {
        let target = step.redirect.as_ref().and_then(|redirect| redirect.ifindex);
        for ifindex in [step.ifindex, target] {
            if let Some(device) = trace.device(step.netns, ifindex)
                && !ordinary(device)
                && !passed.contains(&device)
            {
                passed.push(device);
            }
        }
    }
    let mut words: Vec<String> = Vec::new();
    for device in &passed {
        let differs = |other: &&Device| (&other.kind, other.mtu) != (&device.kind, device.mtu);
        let namesakes = passed.iter().filter(|other| other.ifname == device.ifname);
        let netns = match namesakes.into_iter().any(differs) {
            true => format!(" in {}", place::netns(device.netns, trace)),
            false => String::new(),
        };
        let one = format!("{}{netns} ({}, MTU {})", clean(&device.ifname), place::kind(&device.kind), device.mtu);
        if !words.contains(&one) {
            words.push(one);
        }
    }
    words.join(", ")
}
