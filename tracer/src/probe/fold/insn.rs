//! BPF instructions, as far as folding looks at them (`include/uapi/linux/bpf.h`, `bpf_common.h`).

#![expect(clippy::cast_possible_truncation, reason = "half a register is what BPF means by it")]

use aya_obj::generated::{BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, bpf_insn};

/// Bits of `code`: the class.
pub const CLASS: u8 = 0x07;
pub const LD: u8 = 0x00;
pub const LDX: u8 = 0x01;
pub const ST: u8 = 0x02;
pub const STX: u8 = 0x03;
pub const ALU: u8 = 0x04;
pub const JMP: u8 = 0x05;
pub const JMP32: u8 = 0x06;
pub const ALU64: u8 = 0x07;
/// The second operand is a register.
pub const X: u8 = 0x08;
/// The operation of ALU and JMP.
pub const OP: u8 = 0xf0;
pub const ADD: u8 = 0x00;
pub const SUB: u8 = 0x10;
pub const OR: u8 = 0x40;
pub const AND: u8 = 0x50;
pub const LSH: u8 = 0x60;
pub const RSH: u8 = 0x70;
pub const NEG: u8 = 0x80;
pub const XOR: u8 = 0xa0;
pub const MOV: u8 = 0xb0;
pub const END: u8 = 0xd0;
/// Bits of `code`: the mode of loads and stores.
const MODE: u8 = 0xe0;
const MEM: u8 = 0x60;
const ATOMIC: u8 = 0xc0;
const SIZE: u8 = 0x18;

/// `BPF_LD | BPF_DW | BPF_IMM`, which takes two instructions.
pub const LD_IMM64: u8 = 0x18;
/// `BPF_JMP | BPF_JA`
pub const JA: u8 = 0x05;
/// `BPF_JMP | BPF_CALL`
pub const CALL: u8 = 0x85;
/// `BPF_JMP | BPF_EXIT`
pub const EXIT: u8 = 0x95;

/// Whether folding knows the instruction. It does not know jumps whose distance is the immediate (cpu v4), nor
/// undefined ones.
pub fn is_known(it: &bpf_insn) -> bool {
    match it.code & CLASS {
        JMP32 => !matches!(it.code & OP, 0x00 | 0x80 | 0x90 | 0xe0 | 0xf0),
        JMP => !matches!(it.code & OP, 0xe0 | 0xf0),
        _ => true,
    }
}

/// Whether the instruction takes two places.
pub fn is_wide(it: &bpf_insn) -> bool {
    it.code == LD_IMM64
}

/// Whether the instruction jumps within its function.
pub fn is_jump(it: &bpf_insn) -> bool {
    matches!(it.code & CLASS, JMP | JMP32) && !matches!(it.code, CALL | EXIT)
}

/// Returns the target of a jump.
pub fn target(at: usize, it: &bpf_insn) -> usize {
    at.wrapping_add_signed(isize::from(it.off) + 1)
}

/// Whether the instruction calls a function of the program, or takes the address of one.
pub fn refers_to_function(it: &bpf_insn) -> bool {
    let kind = u32::from(it.src_reg());
    (it.code == CALL && kind == BPF_PSEUDO_CALL) || (it.code == LD_IMM64 && kind == BPF_PSEUDO_FUNC)
}

/// Returns the start of that function.
pub fn referred(at: usize, it: &bpf_insn) -> usize {
    at.wrapping_add_signed(it.imm as isize + 1)
}

/// Whether the instruction is a plain load.
pub fn is_load(it: &bpf_insn) -> bool {
    it.code & CLASS == LDX && it.code & MODE == MEM
}

/// Whether the instruction is a plain store.
pub fn is_store(it: &bpf_insn) -> bool {
    matches!(it.code & CLASS, ST | STX) && it.code & MODE == MEM
}

/// Whether the instruction is an atomic operation.
pub fn is_atomic(it: &bpf_insn) -> bool {
    it.code & CLASS == STX && it.code & MODE == ATOMIC
}

/// Returns the number of bytes that a load or store moves.
pub fn size(it: &bpf_insn) -> usize {
    match it.code & SIZE {
        0x00 => 4,
        0x08 => 2,
        0x10 => 1,
        _ => 8,
    }
}

/// Whether the second operand is a register that an immediate can replace.
pub fn takes_register(it: &bpf_insn) -> bool {
    let computes = matches!(it.code & CLASS, ALU | ALU64) && !matches!(it.code & OP, NEG | END);
    // Operations that are signed or extend signs (cpu v4) have an offset.
    it.code & X != 0 && (computes && it.off == 0 || is_jump(it))
}

/// Returns an immediate that means the same as a register with this value, if there is one.
pub fn as_operand(it: &bpf_insn, value: u64) -> Option<i32> {
    let low = value as u32 as i32;
    let same = match it.code & CLASS {
        // Only the lower half counts.
        ALU | JMP32 => true,
        _ => low as i64 as u64 == value,
    };
    // The verifier refuses these immediates if they are out of range, whereas registers may have such values.
    let shift = matches!(it.code & CLASS, ALU | ALU64) && matches!(it.code & OP, LSH | RSH | 0xc0);
    let width = if it.code & CLASS == ALU { 32 } else { 64 };
    let division = matches!(it.code & CLASS, ALU | ALU64) && matches!(it.code & OP, 0x30 | 0x90);
    (same && !(shift && value >= width) && !(division && low == 0)).then_some(low)
}

/// Makes the second operand an immediate.
pub fn give_immediate(it: &mut bpf_insn, imm: i32) {
    it.code &= !X;
    it.set_src_reg(0);
    it.imm = imm;
}

/// Returns an instruction that moves a number into a register, if one is enough.
pub fn mov(dst: u8, value: u64) -> Option<bpf_insn> {
    let low = value as u32 as i32;
    let class = if u64::from(low as u32) == value {
        ALU
    } else if low as i64 as u64 == value {
        ALU64
    } else {
        return None;
    };
    Some(instruction(class | MOV, dst, 0, 0, low))
}

/// Returns an unconditional jump.
pub fn jump(off: i16) -> bpf_insn {
    instruction(JA, 0, 0, off, 0)
}

/// Builds an instruction from its parts (`struct bpf_insn`).
pub fn instruction(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> bpf_insn {
    bpf_insn { code, _bitfield_align_1: [], _bitfield_1: bpf_insn::new_bitfield_1(dst, src), off, imm }
}
