//! Writes what is constant on this kernel, for this run, into the code of a program before the verifier sees it:
//! offsets of fields, the filter, which branches are never taken.
//!
//! The verifier would find out, too, and take the dead code away; but for each piece it moves all that follows, which
//! is most of what loading costs. A program that is run for each packet of a node is shorter by a quarter, too.
//!
//! Invariant: for all that a program can observe, the code does as before. What is not understood stays.

mod insn;
mod live;
mod values;

#[cfg(test)]
mod tests;

use aya_obj::{Function, generated::bpf_insn};

use insn::{JA, is_wide};
use values::Value;

/// The map of frozen globals.
#[derive(Clone, Copy, Debug)]
pub struct Constants<'a> {
    /// Its descriptor, by which code refers to it.
    pub fd: i32,
    /// What is in it.
    pub bytes: &'a [u8],
}

/// Shortens a relocated function and all that it calls, which follow it.
pub fn fold(function: &mut Function, constants: Constants<'_>) {
    let code = &mut function.instructions;
    if !code.iter().all(insn::is_known) {
        return;
    }
    let values = values::analyse(code, constants);
    let mut kept = substitute(code, &values);
    while live::remove_unused(code, &mut kept) | remove_idle_jumps(code, &mut kept) {}
    let moved = compact(code, &kept);
    let funcs = &mut function.func_info;
    funcs.func_info.retain(|info| reached(&values, info.insn_off));
    for info in &mut funcs.func_info {
        info.insn_off = moved[info.insn_off as usize];
    }
    let lines = &mut function.line_info.line_info;
    lines.retain(|info| reached(&values, info.insn_off));
    for info in lines.iter_mut() {
        info.insn_off = moved[info.insn_off as usize];
    }
    // The last of those that now begin at the same instruction is about it.
    lines.reverse();
    lines.dedup_by_key(|info| info.insn_off);
    lines.reverse();
}

/// Puts constants where they are used, and decides branches. Gives which instructions are reached at all.
fn substitute(code: &mut [bpf_insn], values: &[Option<values::State>]) -> Vec<bool> {
    for (at, state) in values.iter().enumerate() {
        let Some(state) = state else { continue };
        let mut it = code[at];
        if let Some(taken) = values::decided(&it, state) {
            code[at] = insn::jump(if taken { it.off } else { 0 });
            continue;
        }
        if let (true, Some(value)) = (insn::is_load(&it), state.after_load) {
            if let Some(it) = insn::mov(it.dst_reg(), value) {
                code[at] = it;
            }
            continue;
        }
        if insn::takes_register(&it)
            && let Value::Known(value) = state.registers[usize::from(it.src_reg())]
            && let Some(imm) = insn::as_operand(&it, value)
        {
            insn::give_immediate(&mut it, imm);
            code[at] = it;
        }
    }
    let mut kept: Vec<bool> = values.iter().map(Option::is_some).collect();
    for at in 0..code.len() {
        if kept[at] && is_wide(&code[at]) {
            kept[at + 1] = true;
        }
    }
    kept
}

/// Jumps to what comes next anyhow.
fn remove_idle_jumps(code: &[bpf_insn], kept: &mut [bool]) -> bool {
    let mut removed = false;
    for at in 0..code.len() {
        if !kept[at] || code[at].code != JA {
            continue;
        }
        let target = insn::target(at, &code[at]);
        if target > at && !kept[at + 1..target].contains(&true) {
            kept[at] = false;
            removed = true;
        }
    }
    removed
}

/// Closes the gaps. Gives where each instruction has moved; one that is gone, to the next that is not.
fn compact(code: &mut Vec<bpf_insn>, kept: &[bool]) -> Vec<u32> {
    let mut moved = Vec::with_capacity(code.len() + 1);
    let mut next = 0;
    for keep in kept {
        moved.push(next);
        next += u32::from(*keep);
    }
    moved.push(next);
    let distance = |from: usize, to: usize| i64::from(moved[to]) - i64::from(moved[from]) - 1;
    for at in 0..code.len() {
        let it = code[at];
        if !kept[at] {
            continue;
        }
        if insn::is_jump(&it) {
            code[at].off = distance(at, insn::target(at, &it)) as i16;
        } else if insn::refers_to_function(&it) {
            code[at].imm = distance(at, insn::referred(at, &it)) as i32;
        }
    }
    let mut keep = kept.iter();
    code.retain(|_| keep.next().copied().unwrap_or(true));
    moved
}

fn reached(values: &[Option<values::State>], at: u32) -> bool {
    values.get(at as usize).is_some_and(Option::is_some)
}
