//! Determines the register contents that are known before each instruction.

#![expect(clippy::cast_possible_truncation, reason = "half a register is what BPF means by it")]

use aya_obj::generated::{BPF_PSEUDO_MAP_VALUE, bpf_insn};

use super::{
    Constants,
    insn::{
        self, ADD, ALU, ALU64, AND, CALL, CLASS, EXIT, JA, JMP32, LD_IMM64, LSH, MOV, NEG, OP, OR, RSH, SUB, X, XOR,
    },
};

/// Known contents of a register.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Value {
    /// Unknown.
    Any,
    /// A number.
    Known(u64),
    /// An address in the map of constants, relative to its beginning.
    Constants(i64),
}

/// The registers before an instruction.
pub type Registers = [Value; 11];

const NOTHING: Registers = [Value::Any; 11];

/// Register contents known where paths join: before each instruction that is reached from elsewhere than the one before
/// it.
pub struct Analysis<'a> {
    constants: Constants<'a>,
    /// By instruction; `None` if it is never reached, or only from the instruction before it.
    met: Vec<Option<Registers>>,
    reached: Vec<bool>,
}

impl<'a> Analysis<'a> {
    /// Follows all paths that can be taken.
    pub fn of(code: &[bpf_insn], constants: Constants<'a>) -> Self {
        let mut this = Self { constants, met: vec![None; code.len()], reached: vec![false; code.len()] };
        let meets = meets(code);
        let mut waiting = vec![0];
        this.met[0] = Some(NOTHING);
        while let Some(mut at) = waiting.pop() {
            let Some(mut registers) = this.met[at] else { continue };
            loop {
                let it = &code[at];
                this.reached[at] = true;
                if insn::refers_to_function(it) {
                    this.meet(insn::referred(at, it), &NOTHING, &mut waiting);
                }
                let decided = decided(it, &registers);
                if insn::is_jump(it) && decided != Some(false) {
                    this.meet(insn::target(at, it), &registers, &mut waiting);
                }
                if decided == Some(true) || it.code == EXIT {
                    break;
                }
                this.step(code, at, &mut registers);
                at += 1 + usize::from(insn::is_wide(it));
                if meets[at] {
                    this.meet(at, &registers, &mut waiting);
                    break;
                }
            }
        }
        this
    }

    /// Whether the instruction is ever executed.
    pub fn is_reached(&self, at: usize) -> bool {
        self.reached.get(at).copied().unwrap_or(false)
    }

    /// Calls `visit` with each instruction that is executed, the registers before it, and the constant that it loads.
    pub fn each(&self, code: &mut [bpf_insn], mut visit: impl FnMut(&mut bpf_insn, &Registers, Option<u64>)) {
        let mut registers = NOTHING;
        for at in 0..code.len() {
            if !self.reached[at] {
                continue;
            }
            if let Some(met) = self.met[at] {
                registers = met;
            }
            let before = registers;
            self.step(code, at, &mut registers);
            let loaded = load(&code[at], &before, self.constants);
            visit(&mut code[at], &before, loaded);
        }
    }

    /// Merges the registers of another path into those before an instruction. If that changes anything, the instruction
    /// is queued again.
    fn meet(&mut self, at: usize, registers: &Registers, waiting: &mut Vec<usize>) {
        let changed = match &mut self.met[at] {
            Some(known) => {
                let before = *known;
                for (mine, others) in known.iter_mut().zip(registers) {
                    if mine != others {
                        *mine = Value::Any;
                    }
                }
                before != *known
            }
            none => {
                *none = Some(*registers);
                true
            }
        };
        if changed {
            waiting.push(at);
        }
    }

    /// Updates the registers to those after an instruction.
    fn step(&self, code: &[bpf_insn], at: usize, registers: &mut Registers) {
        let it = &code[at];
        let dst = usize::from(it.dst_reg());
        match it.code & CLASS {
            _ if it.code == LD_IMM64 => {
                let second = code[at + 1].imm;
                registers[dst] = match u32::from(it.src_reg()) {
                    0 => Value::Known(u64::from(it.imm as u32) | u64::from(second as u32) << 32),
                    BPF_PSEUDO_MAP_VALUE if it.imm == self.constants.fd => Value::Constants(i64::from(second)),
                    _ => Value::Any,
                }
            }
            ALU | ALU64 => registers[dst] = computed(it, registers),
            insn::LDX => registers[dst] = load(it, registers, self.constants).map_or(Value::Any, Value::Known),
            // Some atomic operations fetch.
            insn::STX if insn::is_atomic(it) => {
                registers[0] = Value::Any;
                registers[usize::from(it.src_reg())] = Value::Any;
            }
            insn::LD => registers[0] = Value::Any,
            _ if it.code == CALL => registers[..6].fill(Value::Any),
            _ => {}
        }
    }
}

/// Marks where paths join: the beginning, the targets of jumps and calls, and the end.
pub fn meets(code: &[bpf_insn]) -> Vec<bool> {
    let mut meets = vec![false; code.len() + 1];
    meets[0] = true;
    meets[code.len()] = true;
    for (at, it) in code.iter().enumerate() {
        if insn::is_jump(it) {
            meets[insn::target(at, it)] = true;
        } else if insn::refers_to_function(it) {
            meets[insn::referred(at, it)] = true;
        }
    }
    meets
}

/// Returns whether a jump is taken, if that is certain.
pub fn decided(it: &bpf_insn, registers: &Registers) -> Option<bool> {
    if !insn::is_jump(it) {
        return None;
    }
    if it.code == JA {
        return Some(true);
    }
    let Value::Known(left) = registers[usize::from(it.dst_reg())] else { return None };
    let right = operand(it, registers)?;
    let (left, right, left_signed, right_signed) = if it.code & CLASS == JMP32 {
        let (left, right) = (left as u32, right as u32);
        (u64::from(left), u64::from(right), i64::from(left as i32), i64::from(right as i32))
    } else {
        (left, right, left as i64, right as i64)
    };
    Some(match it.code & OP {
        0x10 => left == right,
        0x20 => left > right,
        0x30 => left >= right,
        0x40 => left & right != 0,
        0x50 => left != right,
        0x60 => left_signed > right_signed,
        0x70 => left_signed >= right_signed,
        0xa0 => left < right,
        0xb0 => left <= right,
        0xc0 => left_signed < right_signed,
        0xd0 => left_signed <= right_signed,
        _ => return None,
    })
}

/// Returns the second operand, if it is a known number.
fn operand(it: &bpf_insn, registers: &Registers) -> Option<u64> {
    if it.code & X == 0 {
        return Some(i64::from(it.imm) as u64);
    }
    match registers[usize::from(it.src_reg())] {
        Value::Known(value) => Some(value),
        _ => None,
    }
}

/// Returns the result of a load from the constants.
fn load(it: &bpf_insn, registers: &Registers, constants: Constants<'_>) -> Option<u64> {
    let Value::Constants(base) = registers[usize::from(it.src_reg())] else { return None };
    if !insn::is_load(it) {
        return None;
    }
    let from = usize::try_from(base + i64::from(it.off)).ok()?;
    let bytes = constants.bytes.get(from..from.checked_add(insn::size(it))?)?;
    let mut word = [0; 8];
    if cfg!(target_endian = "little") {
        word[..bytes.len()].copy_from_slice(bytes);
    } else {
        word[8 - bytes.len()..].copy_from_slice(bytes);
    }
    Some(u64::from_ne_bytes(word))
}

/// Returns the result of arithmetic.
fn computed(it: &bpf_insn, registers: &Registers) -> Value {
    let wide = it.code & CLASS == ALU64;
    let (before, operation) = (registers[usize::from(it.dst_reg())], it.code & OP);
    // Operations that extend signs (cpu v4) have an offset.
    if it.off != 0 || matches!(operation, NEG | insn::END) {
        return Value::Any;
    }
    if operation == MOV && wide && it.code & X != 0 {
        return registers[usize::from(it.src_reg())];
    }
    let Some(by) = operand(it, registers) else { return Value::Any };
    let known = match before {
        _ if operation == MOV => by,
        Value::Constants(offset) if operation == ADD && wide => {
            return Value::Constants(offset.wrapping_add(by as i64));
        }
        Value::Known(value) => {
            let width = if wide { 63 } else { 31 };
            match operation {
                ADD => value.wrapping_add(by),
                SUB => value.wrapping_sub(by),
                OR => value | by,
                AND => value & by,
                XOR => value ^ by,
                LSH if by <= width => value << by,
                RSH if by <= width && wide => value >> by,
                RSH if by <= width => u64::from(value as u32) >> by,
                _ => return Value::Any,
            }
        }
        _ => return Value::Any,
    };
    Value::Known(if wide { known } else { u64::from(known as u32) })
}
