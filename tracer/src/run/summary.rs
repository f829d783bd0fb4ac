//! What was seen in all, and what that stands on.

use crate::model::{DropCount, Hooks, Lost, Start, Step, Summary, Trace, Where};

/// The last line of a trace.
pub fn summary(trace: &Trace, packets: u64, flows: u64, lost: Lost, duration_ns: u64) -> Summary {
    Summary { packets, flows, drops: drops(&trace.steps), lost, coverage: coverage(&trace.start), duration_ns }
}

/// Drops of one kind counted together, most packets first.
fn drops(steps: &[Step]) -> Vec<DropCount> {
    let mut counts: Vec<DropCount> = Vec::new();
    for step in steps {
        let Some(drop) = &step.drop else { continue };
        let place = place(step);
        let same = |count: &&mut DropCount| {
            count.reason == drop.reason && count.location == drop.location && count.r#where == place
        };
        match counts.iter_mut().find(same) {
            Some(count) => count.packets += 1,
            None => counts.push(DropCount {
                reason: drop.reason.clone(),
                location: drop.location.clone(),
                r#where: place,
                packets: 1,
            }),
        }
    }
    counts.sort_by_key(|count| std::cmp::Reverse(count.packets));
    counts
}

fn place(step: &Step) -> Where {
    let netfilter = step.netfilter.clone().unwrap_or_default();
    Where {
        netns: Some(step.netns),
        ifname: Some(step.ifname.clone()).filter(|name| !name.is_empty()),
        hook: netfilter.hook,
        family: netfilter.family,
        table: netfilter.table,
        chain: netfilter.chain,
        rule: netfilter.rule,
        policy: netfilter.policy,
    }
}

/// What "no drop seen" would mean here.
fn coverage(start: &Start) -> String {
    let Hooks { asked, attached, failed } = &start.hooks;
    let asked_for = if start.filter.is_empty() { "all traffic".to_owned() } else { start.filter.clone() };
    let blind: Vec<&str> = failed.iter().filter(|hook| !hook.harmless).map(|hook| hook.hook.as_str()).collect();
    let absent = failed.len() - blind.len();
    let programs = match start.programs {
        0 => String::new(),
        1 => " and through 1 BPF program".to_owned(),
        count => format!(" and through {count} BPF programs"),
    };
    let mut text = format!(
        "Packets of {asked_for} were followed from first sight to their end at {attached} of {asked} hooks{programs}; a \
         drop anywhere in the kernel is seen, except what hardware or a silent free in a driver swallows."
    );
    if absent > 0 {
        text.push_str(&format!(" {absent} hooks belong to modules that were not loaded at the start."));
    }
    if !blind.is_empty() {
        text.push_str(&format!(" Blind spots, not attached: {}.", blind.join(", ")));
    }
    text
}
