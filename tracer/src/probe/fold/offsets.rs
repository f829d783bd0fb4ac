//! Puts what is added to a pointer into the loads and stores through it: `r1 = r6; r1 += 104; r0 = *(r1 + 0)` becomes
//! `r0 = *(r6 + 104)`.

use aya_obj::generated::bpf_insn;

use super::insn::{self, ADD, ALU, ALU64, CALL, CLASS, LD, LD_IMM64, LDX, MOV, OP, ST, STX, X};

/// For each register, the register and the offset whose sum it is, if known.
type Sums = [Option<(u8, i64)>; 11];

/// Changes reached instructions. Nothing is known at an instruction where paths join (`meets`).
pub fn shorten(code: &mut [bpf_insn], reached: &[bool], meets: &[bool]) {
    let mut sums: Sums = [None; 11];
    for at in (0..code.len()).filter(|at| reached[*at]) {
        if meets[at] {
            sums = [None; 11];
        }
        let it = &mut code[at];
        if insn::is_load(it)
            && let Some((base, off)) = sum(&sums, it.src_reg(), it.off)
        {
            it.set_src_reg(base);
            it.off = off;
        } else if insn::is_store(it)
            && let Some((base, off)) = sum(&sums, it.dst_reg(), it.off)
        {
            it.set_dst_reg(base);
            it.off = off;
        }
        step(it, &mut sums);
    }
}

fn sum(sums: &Sums, register: u8, off: i16) -> Option<(u8, i16)> {
    let (base, more) = sums[usize::from(register)]?;
    Some((base, i16::try_from(more + i64::from(off)).ok()?))
}

/// Updates the sums to those after an instruction.
fn step(it: &bpf_insn, sums: &mut Sums) {
    let (dst, src) = (it.dst_reg(), it.src_reg());
    match it.code & CLASS {
        ALU64 if it.code == ALU64 | MOV | X && it.off == 0 && dst != src => {
            let is = sums[usize::from(src)].unwrap_or((src, 0));
            write(dst, sums);
            // The source may be a sum of the register that is overwritten here.
            sums[usize::from(dst)] = (is.0 != dst).then_some(is);
        }
        ALU64 if it.code & (OP | X) == ADD && it.off == 0 => {
            let is = sums[usize::from(dst)].map(|(base, more)| (base, more + i64::from(it.imm)));
            write(dst, sums);
            sums[usize::from(dst)] = is;
        }
        ALU | ALU64 | LDX => write(dst, sums),
        // Some atomic operations fetch.
        STX if insn::is_atomic(it) => [0, src].into_iter().for_each(|register| write(register, sums)),
        ST | STX => {}
        LD if it.code == LD_IMM64 => write(dst, sums),
        LD => write(0, sums),
        _ if it.code == CALL => (0..6).for_each(|register| write(register, sums)),
        _ => {}
    }
}

/// Records that a register has a new value.
fn write(register: u8, sums: &mut Sums) {
    sums[usize::from(register)] = None;
    for sum in sums {
        *sum = sum.filter(|(base, _)| *base != register);
    }
}
