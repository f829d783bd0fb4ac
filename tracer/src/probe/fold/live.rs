//! What is computed for nobody.

use aya_obj::generated::bpf_insn;

use super::insn::{self, ALU, ALU64, CALL, CLASS, EXIT, JA, JMP, JMP32, LD_IMM64, LDX, MOV, OP, ST, STX, X};

/// A bit for each register.
type Registers = u16;

/// Marks instructions as not kept that do nothing but write a register which nobody reads; whether there were any.
pub fn remove_unused(code: &[bpf_insn], kept: &mut [bool]) -> bool {
    let live = analyse(code, kept);
    let mut removed = false;
    for at in 0..code.len() {
        let it = &code[at];
        let only_writes = matches!(it.code & CLASS, ALU | ALU64) || it.code == LD_IMM64 || insn::is_load(it);
        // The second half of a wide instruction has no code and no registers.
        let begins = at == 0 || !(insn::is_wide(&code[at - 1]) && kept[at - 1]);
        if kept[at] && begins && only_writes && live[at] & bit(it.dst_reg()) == 0 {
            kept[at] = false;
            if insn::is_wide(it) {
                kept[at + 1] = false;
            }
            removed = true;
        }
    }
    removed
}

/// The registers that are read after each instruction before they are written.
fn analyse(code: &[bpf_insn], kept: &[bool]) -> Vec<Registers> {
    let mut before = vec![0; code.len() + 1];
    let mut after = vec![0; code.len()];
    loop {
        let mut changed = false;
        for at in (0..code.len()).rev() {
            let it = &code[at];
            if !kept[at] {
                changed |= before[at] != before[at + 1];
                before[at] = before[at + 1];
                continue;
            }
            let mut out = match it.code {
                JA | EXIT => 0,
                _ => before[at + 1],
            };
            if insn::is_jump(it) {
                out |= before[insn::target(at, it)];
            }
            let (reads, writes) = uses(it);
            let into = reads | out & !writes;
            changed |= before[at] != into;
            (before[at], after[at]) = (into, out);
        }
        if !changed {
            return after;
        }
    }
}

/// What it reads, and what it writes.
fn uses(it: &bpf_insn) -> (Registers, Registers) {
    let (dst, src) = (bit(it.dst_reg()), bit(it.src_reg()));
    let operand = if it.code & X != 0 { src } else { 0 };
    match it.code & CLASS {
        LDX => (src, dst),
        ST => (dst, 0),
        // Atomic operations read and write more; nothing of theirs is taken for unused.
        STX => (dst | src | bit(0), 0),
        ALU | ALU64 if it.code & OP == MOV => (operand, dst),
        ALU | ALU64 => (dst | operand, dst),
        // Arguments, as many as there may be.
        JMP if it.code == CALL => (0b11_1110, 0b11_1111),
        JMP if it.code == EXIT => (bit(0), 0),
        JMP if it.code == JA => (0, 0),
        JMP | JMP32 => (dst | operand, 0),
        _ if it.code == LD_IMM64 => (0, dst),
        // The second half of that.
        _ => (0, 0),
    }
}

fn bit(register: u8) -> Registers {
    1 << register
}
