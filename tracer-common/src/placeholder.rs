//! Numbers that stand in the programs' code until user space knows what belongs there.
//!
//! Each spells four letters, so that it differs from any number that a program uses for something else.

/// The operand of a move into a register, in the programs that trace a BPF program. User space loads a copy for each
/// traced program, with that program's id instead.
pub const PROGRAM_ID: i32 = 0x7472_6163;

/// The target of a call. User space puts a call of `bpf_rdonly_cast` here, by the function's BTF id. No helper has this
/// number.
pub const RDONLY_CAST: i32 = 0x7472_6372;
