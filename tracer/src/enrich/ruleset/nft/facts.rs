//! Derives the facts about a rule that the diagnosis needs.

use super::{
    super::names::state_names,
    data::Verdict as Code,
    objects::Element,
    stmt::{Bits, Lookup, Match, Op, Stmt, Test},
};
use crate::model::{Rule, Verdict};

/// Returns handle, states, verdict and jump of a rule; the text is left empty.
pub(super) fn rule(handle: u64, stmts: &[Stmt]) -> Rule {
    let (ct_state, ct_state_negated) = stmts.iter().find_map(ct_state).unwrap_or_default();
    let verdict = stmts.iter().rev().find_map(verdict);
    let mut targets = targets(stmts);
    // The model has room for one target, so a rule with several targets names none.
    let jump = if targets.len() == 1 { targets.pop() } else { None };
    let never_drops = !stmts.iter().any(may_drop);
    Rule { rule: handle, ct_state, ct_state_negated, verdict, never_drops, jump, ..Rule::default() }
}

/// Returns whether a statement may drop, reject or queue a packet. True if too little is known about it.
fn may_drop(stmt: &Stmt) -> bool {
    let refuses = |verdict: &Code| matches!(verdict, Code::Drop | Code::Queue | Code::Other(_));
    match stmt {
        Stmt::Match(_) | Stmt::Counter | Stmt::Notrack | Stmt::Limit(_) | Stmt::XtMatch(_) => false,
        Stmt::Verdict(verdict) => refuses(verdict),
        Stmt::Vmap(Lookup { elements: Some(elements), .. }) => {
            elements.iter().filter_map(Element::verdict).any(refuses)
        }
        Stmt::XtTarget(extension) => extension.may_drop(),
        Stmt::Text(text) => !["log", "meta ", "ct mark set "].iter().any(|harmless| text.starts_with(harmless)),
        Stmt::Vmap(_) | Stmt::Reject(_) | Stmt::Nat(_) | Stmt::Queue(_) => true,
    }
}

/// Returns all chains that the rule may jump or go to, each once.
pub(super) fn targets(stmts: &[Stmt]) -> Vec<String> {
    let mut targets = Vec::new();
    for stmt in stmts {
        let found: Vec<&Code> = match stmt {
            Stmt::Verdict(verdict) => vec![verdict],
            Stmt::Vmap(lookup) => lookup.elements.iter().flatten().filter_map(Element::verdict).collect(),
            _ => continue,
        };
        for target in found.into_iter().filter_map(Code::target) {
            if !targets.iter().any(|known| known == target) {
                targets.push(target.to_owned());
            }
        }
    }
    targets
}

/// Returns the states that a statement matches, and whether the match is negated.
fn ct_state(stmt: &Stmt) -> Option<(Vec<String>, bool)> {
    let (bits, negated) = match stmt {
        Stmt::XtMatch(extension) => extension.ct_state()?,
        Stmt::Vmap(lookup) if is_state(&lookup.load) => (accepted(lookup)?, false),
        Stmt::Match(Match { load, test, .. }) if is_state(load) => match (load.bits.as_slice(), test) {
            // `!= 0` matches if any of the masked bits is set, `== 0` if none is.
            ([Bits::Mask { mask, .. }], Test::Cmp(op @ (Op::Eq | Op::Neq), value)) if number(value)? == 0 => {
                (number(mask)?, *op == Op::Eq)
            }
            ([], Test::Cmp(op @ (Op::Eq | Op::Neq), value))
            | ([Bits::Mask { .. }], Test::Cmp(op @ (Op::Eq | Op::Neq), value)) => (number(value)?, *op == Op::Neq),
            ([], Test::In(negated, lookup)) => (all(lookup.elements.as_ref()?), *negated),
            _ => return None,
        },
        _ => return None,
    };
    Some((state_names(bits), negated))
}

fn is_state(load: &super::stmt::Load) -> bool {
    load.field().is_some_and(super::field::Field::is_ct_state)
}

fn number(value: &[u8]) -> Option<u64> {
    super::super::bytes::host_number(value)
}

fn all(elements: &[Element]) -> u64 {
    elements.iter().filter_map(|element| number(&element.key)).fold(0, |bits, bit| bits | bit)
}

/// Returns the states that a verdict map accepts. If it accepts none, returns all states that it has a verdict for.
fn accepted(lookup: &Lookup) -> Option<u64> {
    let elements = lookup.elements.as_ref()?;
    let accepting: Vec<_> =
        elements.iter().filter(|element| element.verdict() == Some(&Code::Accept)).cloned().collect();
    Some(all(if accepting.is_empty() { elements } else { &accepting }))
}

fn verdict(stmt: &Stmt) -> Option<Verdict> {
    match stmt {
        Stmt::Verdict(verdict) => code(verdict),
        Stmt::Vmap(lookup) => {
            let mut verdicts: Vec<_> = lookup.elements.iter().flatten().filter_map(|e| code(e.verdict()?)).collect();
            if is_state(&lookup.load) && verdicts.contains(&Verdict::Accept) {
                return Some(Verdict::Accept);
            }
            // The rule gets a verdict only if all elements that have one agree.
            verdicts.dedup();
            (verdicts.len() == 1 && targets(std::slice::from_ref(stmt)).is_empty()).then(|| verdicts.pop())?
        }
        Stmt::Reject(_) => Some(Verdict::Drop),
        Stmt::Nat(_) => Some(Verdict::Accept),
        Stmt::Queue(_) => Some(Verdict::Queue),
        Stmt::XtTarget(extension) => extension.verdict(),
        _ => None,
    }
}

fn code(verdict: &Code) -> Option<Verdict> {
    match verdict {
        Code::Accept => Some(Verdict::Accept),
        Code::Drop => Some(Verdict::Drop),
        Code::Queue => Some(Verdict::Queue),
        _ => None,
    }
}
