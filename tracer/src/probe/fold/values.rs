//! What is known of registers before each instruction.

use aya_obj::generated::{BPF_PSEUDO_MAP_VALUE, bpf_insn};

use super::{
    Constants,
    insn::{self, ADD, ALU, ALU64, AND, CALL, CLASS, EXIT, JA, JMP32, LD_IMM64, LSH, MOV, NEG, OP, OR, RSH, SUB, X, XOR},
};

/// What is in a register.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Value {
    /// Not known.
    Any,
    /// A number.
    Known(u64),
    /// An address in the map of constants, from its beginning.
    Constants(i64),
}

/// What is known before an instruction that can be reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct State {
    /// By register.
    pub registers: [Value; 11],
    /// What a load here gives, if that is known.
    pub after_load: Option<u64>,
}

const NOTHING: State = State { registers: [Value::Any; 11], after_load: None };

/// The state before each instruction; none where it is never reached.
pub fn analyse(code: &[bpf_insn], constants: Constants<'_>) -> Vec<Option<State>> {
    let mut states = vec![None; code.len()];
    let mut waiting = vec![0];
    states[0] = Some(NOTHING);
    while let Some(at) = waiting.pop() {
        let Some(state) = states[at] else { continue };
        let it = &code[at];
        let second = code.get(at + 1).map_or(0, |second| second.imm);
        let loaded = load(it, &state, constants);
        if let Some(state) = &mut states[at] {
            state.after_load = loaded;
        }
        let after = State { registers: step(it, second, &state, loaded, constants), after_load: None };
        let mut go = |to: usize, state: &State| {
            if let Some(known) = states.get_mut(to)
                && join(known, state)
            {
                waiting.push(to);
            }
        };
        if insn::refers_to_function(it) {
            go(insn::referred(at, it), &NOTHING);
        }
        let next = at + 1 + usize::from(insn::is_wide(it));
        match decided(it, &state) {
            _ if it.code == EXIT => {}
            Some(true) => go(insn::target(at, it), &after),
            Some(false) => go(next, &after),
            None => {
                if insn::is_jump(it) {
                    go(insn::target(at, it), &after);
                }
                go(next, &after);
            }
        }
    }
    states
}

/// Whether a jump is taken, where that is certain.
pub fn decided(it: &bpf_insn, state: &State) -> Option<bool> {
    if !insn::is_jump(it) {
        return None;
    }
    if it.code == JA {
        return Some(true);
    }
    let Value::Known(left) = state.registers[usize::from(it.dst_reg())] else { return None };
    let right = operand(it, state)?;
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

/// The second operand, where it is a known number.
fn operand(it: &bpf_insn, state: &State) -> Option<u64> {
    if it.code & X == 0 {
        return Some(i64::from(it.imm) as u64);
    }
    match state.registers[usize::from(it.src_reg())] {
        Value::Known(value) => Some(value),
        _ => None,
    }
}

/// What a load from the constants gives.
fn load(it: &bpf_insn, state: &State, constants: Constants<'_>) -> Option<u64> {
    let Value::Constants(base) = state.registers[usize::from(it.src_reg())] else { return None };
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

/// The registers afterwards.
fn step(it: &bpf_insn, second: i32, state: &State, loaded: Option<u64>, constants: Constants<'_>) -> [Value; 11] {
    let mut registers = state.registers;
    let dst = usize::from(it.dst_reg());
    match it.code & CLASS {
        _ if it.code == LD_IMM64 => {
            registers[dst] = match u32::from(it.src_reg()) {
                0 => Value::Known(u64::from(it.imm as u32) | u64::from(second as u32) << 32),
                BPF_PSEUDO_MAP_VALUE if it.imm == constants.fd => Value::Constants(i64::from(second)),
                _ => Value::Any,
            }
        }
        ALU | ALU64 => registers[dst] = computed(it, state),
        insn::LDX => registers[dst] = loaded.map_or(Value::Any, Value::Known),
        // Atomic operations may fetch.
        insn::STX => {
            for register in [0, usize::from(it.src_reg())] {
                if it.code & 0xe0 == 0xc0 {
                    registers[register] = Value::Any;
                }
            }
        }
        insn::LD => registers[0] = Value::Any,
        _ if it.code == CALL => registers[..6].fill(Value::Any),
        _ => {}
    }
    registers
}

/// What arithmetic gives.
fn computed(it: &bpf_insn, state: &State) -> Value {
    let wide = it.code & CLASS == ALU64;
    let (before, operation) = (state.registers[usize::from(it.dst_reg())], it.code & OP);
    // What extends signs (cpu v4) has an offset.
    if it.off != 0 || matches!(operation, NEG | insn::END) {
        return Value::Any;
    }
    if operation == MOV && wide && it.code & X != 0 {
        return state.registers[usize::from(it.src_reg())];
    }
    let Some(by) = operand(it, state) else { return Value::Any };
    let known = match before {
        _ if operation == MOV => by,
        Value::Constants(offset) if operation == ADD && wide => return Value::Constants(offset.wrapping_add(by as i64)),
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

/// Adds what is known on another way to an instruction; whether that changed anything.
fn join(known: &mut Option<State>, other: &State) -> bool {
    let Some(state) = known else {
        *known = Some(*other);
        return true;
    };
    let mut changed = false;
    for (mine, others) in state.registers.iter_mut().zip(other.registers) {
        if *mine != others && *mine != Value::Any {
            *mine = Value::Any;
            changed = true;
        }
    }
    changed
}
