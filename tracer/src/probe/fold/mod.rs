//! Folds the constants of this kernel and this run into a program's code before the verifier sees it: offsets of
//! fields, the filter, branches that are never taken.
//!
//! The verifier would find them too, and remove the dead code. But for each piece that it removes it moves all code
//! that follows, which is most of the cost of loading. Folding also shortens a program that runs for each packet of a
//! node by a quarter.
//!
//! Invariant: the code does the same as before, as far as a program can observe. Instructions that are not understood
//! stay.

pub mod insn;
mod live;
mod offsets;
mod values;

#[cfg(test)]
mod tests;

use aya_obj::{Function, generated::bpf_insn};

use insn::{JA, is_wide};
use values::{Analysis, Value};

/// The map of frozen globals.
#[derive(Clone, Copy, Debug)]
pub struct Constants<'a> {
    /// Its descriptor, by which code refers to the map.
    pub fd: i32,
    /// Its contents.
    pub bytes: &'a [u8],
}

/// Shortens a relocated function and all functions that it calls, which follow it.
pub fn fold(function: &mut Function, constants: Constants<'_>) {
    let Some(moved) = fold_code(&mut function.instructions, constants) else { return };
    let place = |insn_off: u32| moved.get(insn_off as usize).copied().flatten();
    function.func_info.func_info.retain_mut(|info| place(info.insn_off).map(|to| info.insn_off = to).is_some());
    let lines = &mut function.line_info.line_info;
    lines.retain_mut(|info| place(info.insn_off).map(|to| info.insn_off = to).is_some());
    // Of lines that now begin at the same instruction, the last describes it.
    lines.reverse();
    lines.dedup_by_key(|info| info.insn_off);
    lines.reverse();
}

/// Folds the code and returns the new position of each instruction.
///
/// A removed instruction has the position of the next one that is kept, or `None` if it is never reached. If there is
/// an unknown instruction, nothing is changed.
fn fold_code(code: &mut Vec<bpf_insn>, constants: Constants<'_>) -> Option<Vec<Option<u32>>> {
    if !code.iter().all(insn::is_known) {
        return None;
    }
    let analysis = Analysis::of(code, constants);
    substitute(code, &analysis);
    let reached: Vec<bool> = (0..code.len()).map(|at| analysis.is_reached(at)).collect();
    let meets = values::meets(code);
    offsets::shorten(code, &reached, &meets);
    let mut kept = reached.clone();
    live::remove_unused(code, &mut kept);
    remove_idle_jumps(code, &mut kept);
    let moved = compact(code, &mut kept);
    Some(reached.iter().zip(moved).map(|(reached, to)| reached.then_some(to)).collect())
}

/// Puts constants into the instructions that use them, and decides branches.
fn substitute(code: &mut [bpf_insn], analysis: &Analysis<'_>) {
    analysis.each(code, |it, registers, loaded| {
        if let Some(taken) = values::decided(it, registers) {
            *it = insn::jump(if taken { it.off } else { 0 });
        } else if let Some(mov) = loaded.and_then(|value| insn::mov(it.dst_reg(), value)) {
            *it = mov;
        } else if insn::takes_register(it)
            && let Value::Known(value) = registers[usize::from(it.src_reg())]
            && let Some(imm) = insn::as_operand(it, value)
        {
            insn::give_immediate(it, imm);
        }
    });
}

/// Removes jumps to the next instruction. Works backwards, because a jump may become idle when a later one is removed.
fn remove_idle_jumps(code: &[bpf_insn], kept: &mut [bool]) {
    for at in (0..code.len()).rev().filter(|at| code[*at].code == JA) {
        let target = insn::target(at, &code[at]);
        if kept[at] && target > at && !kept[at + 1..target].contains(&true) {
            kept[at] = false;
        }
    }
}

/// Closes the gaps. Returns the new position of each instruction; for a removed one, that of the next one that is kept.
#[expect(clippy::cast_possible_truncation, reason = "distances only shrink")]
fn compact(code: &mut Vec<bpf_insn>, kept: &mut [bool]) -> Vec<u32> {
    for at in 0..code.len() {
        if kept[at] && is_wide(&code[at]) {
            kept[at + 1] = true;
        }
    }
    let mut moved = Vec::with_capacity(code.len() + 1);
    let mut next = 0;
    for keep in kept.iter() {
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
