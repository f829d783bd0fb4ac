//! Unfolds what the flight recorder kept into the records that a live trace would have had.

use tracer_common::{
    Change, ChangeDetails, Decision, Dropped, MARKS_KEPT, MARKS_OF_DETAILS, Mark, Outer, OuterDetails, Peer,
    PeerDetails, Step, Tuple, Verdict, hook, kind,
};

use crate::{
    decode::{Wire, details},
    fast::Map,
};

/// Names of devices by netns and ifindex, NUL-padded as in records.
pub type Names = Map<(u32, u32), [u8; 16]>;

/// Returns the packet's records in order of time, its end last. Marks after details of an unknown kind are skipped,
/// because their place cannot be determined.
pub fn unfold(dropped: &Dropped, names: &Names) -> Vec<Wire> {
    let trail = &dropped.trail;
    let used = usize::try_from(trail.used).unwrap_or(usize::MAX).min(trail.marks.len());
    let (mut wires, mut tuple, mut at) = (Vec::new(), trail.tuple, 0);
    while at < used {
        let mark = &trail.marks[at];
        let step = step(mark, dropped, tuple, names);
        let plain = u16::from(mark.kind) == kind::STEP;
        let next = at + if plain { 1 } else { 1 + MARKS_OF_DETAILS };
        // Newer marks have overwritten these details, at least in part.
        let cut = trail.wraps > 0 && at < MARKS_KEPT && next > MARKS_KEPT;
        match (plain, cut) {
            (true, _) => wires.push(Wire::Step(step)),
            (false, true) => {
                at = MARKS_KEPT;
                continue;
            }
            (false, false) => {
                match trail.marks.get(at + 1..next).and_then(|marks| wire_of(mark, marks, step, &mut tuple)) {
                    Some(wire) => wires.push(wire),
                    None => break,
                }
            }
        }
        at = next;
    }
    // A packet that ends in an XDP program has no end besides that program's step.
    if dropped.step.header.hook != hook::BPF_PROGRAM {
        wires.push(Wire::Step(dropped.step));
    }
    wires
}

fn wire_of(mark: &Mark, marks: &[Mark], mut step: Step, tuple: &mut Tuple) -> Option<Wire> {
    let header = step.header;
    Some(match u16::from(mark.kind) {
        kind::VERDICT => Wire::Verdict(Box::new(Verdict { step, decision: details::<Decision>(marks)? })),
        kind::CHANGE => {
            let ChangeDetails { before, after, mark_before, by, program, code } = details(marks)?;
            *tuple = after;
            step.tuple = after;
            Wire::Change(Box::new(Change { step, before, mark_before, by, program, code }))
        }
        kind::OUTER => Wire::Outer(Outer { header, outer: details::<OuterDetails>(marks)? }),
        kind::PEER => Wire::Peer(Peer { header, peer: details::<PeerDetails>(marks)? }),
        _ => return None,
    })
}

fn step(mark: &Mark, dropped: &Dropped, tuple: Tuple, names: &Names) -> Step {
    let mut header = dropped.step.header;
    header.kind = mark.kind.into();
    header.hook = mark.hook;
    header.cpu = mark.cpu.into();
    header.ts = mark.ts;
    Step {
        header,
        tuple,
        nfct: mark.nfct,
        location: 0,
        extra: mark.extra,
        ifname: names.get(&(mark.netns, mark.ifindex)).copied().unwrap_or_default(),
        ifindex: mark.ifindex,
        netns: mark.netns,
        mark: mark.mark,
        len: mark.len,
        reason: 0,
        pf: mark.pf,
        nf_hook: mark.nf_hook,
        flags: mark.flags,
        pad: 0,
    }
}

#[cfg(test)]
mod tests;
