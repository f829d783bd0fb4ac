#![expect(clippy::cast_possible_truncation, reason = "half a register is what BPF means by it; programs are short")]

use aya_obj::generated::{BPF_PSEUDO_MAP_VALUE, bpf_insn};
use proptest::prelude::*;

use super::{Constants, fold_code, insn::*};

const FD: i32 = 9;
/// `bytes[2..4]` is `ABSENT`.
const BYTES: [u8; 16] = [104, 0, 0xff, 0xff, 5, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 0x88];

#[test]
fn a_field_that_is_there_leaves_its_offset() {
    // r1 = constants; r2 = *(u16 *)(r1 + 0); if r2 == ABSENT goto exit; r3 = r6; r3 += r2; r0 = *(u32 *)(r3 + 0)
    let mut code = [constants(1, 0), vec![load(2, 1, 0, 2), jump_if(0x15, 2, 0, 3, 0xffff)]].concat();
    code.extend([alu(0xbf, 3, 6, 0), alu(0x0f, 3, 2, 0), load(0, 3, 0, 4), exit()]);
    assert_eq!(text(&folded(&code)), ["61 dst 0 src 6 off 104", "95"]);
}

#[test]
fn a_field_that_is_absent_leaves_nothing() {
    let mut code = [constants(1, 2), vec![alu(0xb7, 0, 0, 0), load(2, 1, 0, 2)]].concat();
    code.extend([jump_if(0x15, 2, 0, 3, 0xffff), alu(0xbf, 3, 6, 0), alu(0x0f, 3, 2, 0), load(0, 3, 0, 4), exit()]);
    assert_eq!(text(&folded(&code)), ["b7 dst 0", "95"]);
}

#[test]
fn what_is_added_before_a_base_changes_is_no_part_of_it_afterwards() {
    // r1 = r6; r1 += 8; r6 = 0; r0 = *(u64 *)(r1 + 1); exit
    let code = [alu(0xbf, 1, 6, 0), alu(0x07, 1, 0, 8), alu(0xb7, 6, 0, 0), load(0, 1, 1, 8), exit()];
    let kept = ["bf dst 1 src 6", "07 dst 1 imm 8", "79 src 1 off 1", "95"];
    assert_eq!(text(&folded(&code)), kept);
}

#[test]
fn a_sum_goes_into_the_store_through_it() {
    // r1 = r6; r1 += 8; *(u64 *)(r1 + 1) = r7; r0 = 0; exit
    let store = instruction(STX | 0x78, 1, 7, 1, 0);
    let code = [alu(0xbf, 1, 6, 0), alu(0x07, 1, 0, 8), store, alu(0xb7, 0, 0, 0), exit()];
    assert_eq!(text(&folded(&code)), ["7b dst 6 src 7 off 9", "b7 dst 0", "95"]);
}

#[test]
fn calls_find_their_functions() {
    // if 1 == 2 goto …; call function; exit; function: r0 = 3; exit
    let code = [
        alu(0xb7, 1, 0, 1),
        jump_if(0x15, 1, 0, 1, 2),
        instruction(CALL, 0, 1, 0, 1),
        exit(),
        alu(0xb7, 0, 0, 3),
        exit(),
    ];
    // The register stays, because it may be an argument.
    assert_eq!(text(&folded(&code)), ["b7 dst 1 imm 1", "85 src 1 imm 1", "95", "b7 dst 0 imm 3", "95"]);
}

#[test]
fn what_joins_from_several_ways_is_not_known() {
    // r0 = 1; if r6 == 0 goto +1; r0 = 2; if r0 == 1 goto +1; r0 = 3; exit
    let code = [
        alu(0xb7, 0, 0, 1),
        jump_if(0x15, 6, 0, 1, 0),
        alu(0xb7, 0, 0, 2),
        jump_if(0x15, 0, 0, 1, 1),
        alu(0xb7, 0, 0, 3),
        exit(),
    ];
    assert_eq!(text(&folded(&code)), text(&code));
}

proptest! {
    #[test]
    fn folded_code_does_as_before(code in programs(), given in prop::array::uniform4(any::<u64>())) {
        prop_assert_eq!(run(&folded(&code), given), run(&code, given));
    }
}

/// Generates programs that only jump forward, and therefore end. They receive `r6` to `r9` and return `r0`.
fn programs() -> impl Strategy<Value = Vec<bpf_insn>> {
    let register = || prop_oneof![0u8..4, 6u8..10];
    let operations = prop::sample::select(vec![ADD, SUB, OR, AND, LSH, RSH, XOR, MOV, MOV, 0x20]);
    let small = prop_oneof![-3i32..70, any::<i32>()];
    let arithmetic = (prop::bool::ANY, prop::bool::ANY, operations, 0u8..4, register(), small.clone()).prop_map(
        |(wide, takes, operation, dst, src, imm)| {
            let code = operation | if wide { ALU64 } else { ALU } | if takes { X } else { 0 };
            vec![if takes { alu(code, dst, src, 0) } else { alu(code, dst, 0, imm) }]
        },
    );
    let loads = (0u8..4, 0i32..16, prop::sample::select(vec![1usize, 2, 4, 8]))
        .prop_map(|(dst, at, size)| [constants(4, at.min(16 - size as i32)), vec![load(dst, 4, 0, size)]].concat());
    // A sum, and a load from that address.
    let sums = (0u8..4, register(), small.clone(), 0u8..4, -9i16..9, prop::bool::ANY).prop_map(
        |(pointer, base, imm, dst, off, again)| {
            let load = load(dst, pointer, off, 8);
            let sum = vec![alu(0xbf, pointer, base, 0), alu(0x07, pointer, 0, imm), load];
            if again { [sum, vec![load]].concat() } else { sum }
        },
    );
    let tests = prop::sample::select(vec![0x10u8, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0]);
    let jumps = (prop::bool::ANY, prop::bool::ANY, tests, register(), register(), small, 0usize..4).prop_map(
        |(wide, takes, test, dst, src, imm, over)| {
            let code = test | if wide { JMP } else { JMP32 } | if takes { X } else { 0 };
            let (src, imm) = if takes { (src, 0) } else { (0, imm) };
            vec![jump_if(code, dst, src, over as i16, imm)]
        },
    );
    prop::collection::vec(prop_oneof![arithmetic, loads, sums, jumps], 1..40).prop_map(|pieces| {
        // Jumps skip whole pieces, so that none ends in the middle of a wide instruction.
        let starts: Vec<usize> = pieces
            .iter()
            .scan(4, |at, piece| {
                let start = *at;
                *at += piece.len();
                Some(start)
            })
            .collect();
        let end = starts.last().map_or(4, |start| start + pieces.last().map_or(0, Vec::len));
        let mut code: Vec<bpf_insn> = (0..4).map(|register| alu(0xb7, register, 0, 1)).collect();
        for (index, piece) in pieces.iter().enumerate() {
            for it in piece {
                let mut it = *it;
                if is_jump(&it) {
                    let to = starts.get(index + 1 + it.off as usize).copied().unwrap_or(end);
                    it.off = (to - starts[index] - 1) as i16;
                }
                code.push(it);
            }
        }
        code.push(exit());
        code
    })
}

/// Interprets a program that [`programs`] generated, and returns its result.
fn run(code: &[bpf_insn], given: [u64; 4]) -> u64 {
    let mut registers = [0u64; 11];
    registers[6..10].copy_from_slice(&given);
    let mut at = 0;
    loop {
        let it = &code[at];
        let dst = usize::from(it.dst_reg());
        let from = registers[usize::from(it.src_reg())];
        let operand = if it.code & X != 0 { from } else { i64::from(it.imm) as u64 };
        at += 1;
        match it.code & CLASS {
            _ if it.code == EXIT => return registers[0],
            _ if is_wide(it) => {
                registers[dst] = code[at].imm as u64;
                at += 1;
            }
            LDX => {
                let from = from.wrapping_add_signed(it.off.into());
                let bytes = usize::try_from(from).ok().and_then(|from| BYTES.get(from..from.checked_add(size(it))?));
                let mut word = [0; 8];
                // Elsewhere, the contents depend on the address.
                let elsewhere = from.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
                word[..size(it)].copy_from_slice(bytes.unwrap_or(&elsewhere[..size(it)]));
                registers[dst] = u64::from_le_bytes(word);
            }
            ALU64 => registers[dst] = compute(it.code & OP, registers[dst], operand, 63),
            ALU => {
                let (value, operand) = (u64::from(registers[dst] as u32), u64::from(operand as u32));
                registers[dst] = u64::from(compute(it.code & OP, value, operand, 31) as u32);
            }
            class => {
                let (left, right) = if class == JMP32 {
                    (i64::from(registers[dst] as i32), i64::from(operand as i32))
                } else {
                    (registers[dst] as i64, operand as i64)
                };
                let (low, high) = if class == JMP32 {
                    (u64::from(left as u32), u64::from(right as u32))
                } else {
                    (left as u64, right as u64)
                };
                let taken = match it.code & OP {
                    0x00 => true,
                    0x10 => low == high,
                    0x20 => low > high,
                    0x30 => low >= high,
                    0x40 => low & high != 0,
                    0x50 => low != high,
                    0x60 => left > right,
                    0x70 => left >= right,
                    0xa0 => low < high,
                    0xb0 => low <= high,
                    0xc0 => left < right,
                    _ => left <= right,
                };
                if taken {
                    at = at.wrapping_add_signed(it.off.into());
                }
            }
        }
    }
}

fn compute(operation: u8, value: u64, by: u64, mask: u64) -> u64 {
    match operation {
        ADD => value.wrapping_add(by),
        SUB => value.wrapping_sub(by),
        0x20 => value.wrapping_mul(by),
        OR => value | by,
        AND => value & by,
        XOR => value ^ by,
        LSH => value << (by & mask),
        RSH => value >> (by & mask),
        _ => by,
    }
}

fn folded(code: &[bpf_insn]) -> Vec<bpf_insn> {
    let mut code = code.to_vec();
    fold_code(&mut code, Constants { fd: FD, bytes: &BYTES });
    code
}

fn constants(dst: u8, at: i32) -> Vec<bpf_insn> {
    vec![instruction(LD_IMM64, dst, BPF_PSEUDO_MAP_VALUE as u8, 0, FD), instruction(0, 0, 0, 0, at)]
}

fn load(dst: u8, src: u8, off: i16, size: usize) -> bpf_insn {
    let size = match size {
        1 => 0x10,
        2 => 0x08,
        4 => 0x00,
        _ => 0x18,
    };
    instruction(LDX | 0x60 | size, dst, src, off, 0)
}

fn alu(code: u8, dst: u8, src: u8, imm: i32) -> bpf_insn {
    instruction(code, dst, src, 0, imm)
}

fn jump_if(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> bpf_insn {
    instruction(code, dst, src, off, imm)
}

fn exit() -> bpf_insn {
    instruction(EXIT, 0, 0, 0, 0)
}

/// Formats the fields that are not zero.
fn text(code: &[bpf_insn]) -> Vec<String> {
    let part = |name: &str, value: i32| if value == 0 { String::new() } else { format!(" {name} {value}") };
    code.iter()
        .map(|it| {
            let registers = part("dst", it.dst_reg().into()) + &part("src", it.src_reg().into());
            format!("{:02x}{registers}{}{}", it.code, part("off", it.off.into()), part("imm", it.imm))
        })
        .map(|line| line.replacen("b7 imm", "b7 dst 0 imm", 1).replacen("61 src", "61 dst 0 src", 1))
        .map(|line| if line == "b7" { "b7 dst 0".to_owned() } else { line })
        .collect()
}
