//! Finds instructions whose results are never used.

use aya_obj::generated::bpf_insn;

use super::insn::{self, ALU, ALU64, CALL, CLASS, EXIT, JA, JMP, JMP32, LD_IMM64, LDX, MOV, OP, ST, STX, X};

/// A bit for each register.
type Registers = u16;

/// Marks reached instructions as not kept if all they do is write a register that is never read.
pub fn remove_unused(code: &[bpf_insn], kept: &mut [bool]) {
    let mut before: Vec<Registers> = vec![0; code.len() + 1];
    loop {
        let mut changed = false;
        for at in (0..code.len()).rev() {
            let it = &code[at];
            let into = if kept[at] { before_one(it, after(code, at, &before)) } else { before[at + 1] };
            changed |= before[at] != into;
            before[at] = into;
        }
        if !changed {
            break;
        }
    }
    for at in 0..code.len() {
        kept[at] &= !is_unused(&code[at], after(code, at, &before));
    }
}

/// Returns the registers that are read after an instruction before they are written.
fn after(code: &[bpf_insn], at: usize, before: &[Registers]) -> Registers {
    let it = &code[at];
    let on = match it.code {
        JA | EXIT => 0,
        // The second half of a wide instruction is not reached: the registers before it are those after it.
        _ => before[at + 1],
    };
    if insn::is_jump(it) { on | before[insn::target(at, it)] } else { on }
}

/// Returns the registers that are read from an instruction on. An unused instruction reads nothing.
fn before_one(it: &bpf_insn, after: Registers) -> Registers {
    if is_unused(it, after) {
        return after;
    }
    let (reads, writes) = uses(it);
    reads | after & !writes
}

fn is_unused(it: &bpf_insn, after: Registers) -> bool {
    let only_writes = matches!(it.code & CLASS, ALU | ALU64) || it.code == LD_IMM64 || insn::is_load(it);
    only_writes && after & bit(it.dst_reg()) == 0
}

/// Returns the registers that an instruction reads, and those that it writes.
fn uses(it: &bpf_insn) -> (Registers, Registers) {
    let (dst, src) = (bit(it.dst_reg()), bit(it.src_reg()));
    let operand = if it.code & X != 0 { src } else { 0 };
    match it.code & CLASS {
        LDX => (src, dst),
        ST => (dst, 0),
        // Atomic operations read and write more registers, but none of these is treated as unused.
        STX => (dst | src | bit(0), 0),
        ALU | ALU64 if it.code & OP == MOV => (operand, dst),
        ALU | ALU64 => (dst | operand, dst),
        // A call may read all argument registers.
        JMP if it.code == CALL => (0b11_1110, 0b11_1111),
        JMP if it.code == EXIT => (bit(0), 0),
        JMP if it.code == JA => (0, 0),
        JMP | JMP32 => (dst | operand, 0),
        _ if it.code == LD_IMM64 => (0, dst),
        // The second half of a wide instruction.
        _ => (0, 0),
    }
}

fn bit(register: u8) -> Registers {
    1 << register
}
