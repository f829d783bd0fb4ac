//! Loads programs and types into the kernel.

use std::{
    ffi::{CStr, c_char},
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
};

use aya_obj::{
    Function,
    generated::{bpf_attach_type, bpf_attr, bpf_cmd, bpf_insn, bpf_prog_type},
};

use super::{bpf, bpf_fd, count, fd};
use crate::probe::Error;

/// Size of the buffer for the verifier's log.
const LOG_SIZE: usize = 1 << 20;

/// A program to load.
pub struct Load<'a> {
    /// Symbol in the object.
    pub name: &'a str,
    /// What it becomes.
    pub kind: Kind,
    /// Its licence.
    pub license: &'a CStr,
    /// Its relocated code, with its type and line information.
    pub function: &'a Function,
    /// BTF of the object.
    pub btf: Option<BorrowedFd<'a>>,
    /// What it attaches to.
    pub target: Target<'a>,
}

/// The types of a program, and the function or tracepoint that it attaches to.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// `BPF_PROG_TYPE_*`.
    pub program: bpf_prog_type,
    /// Attach type, if the verifier needs it in advance.
    pub attach: Option<bpf_attach_type>,
    /// BTF id of the function or tracepoint, if the verifier needs it in advance.
    pub btf_id: Option<u32>,
}

/// The BTF that contains `Kind::btf_id`.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// The BTF of vmlinux, or nothing.
    Vmlinux,
    /// The BTF of a module.
    Module(&'a OwnedFd),
    /// The BTF of a BPF program.
    Program(&'a OwnedFd),
}

/// `BPF_PROG_LOAD`: loads a program. If that fails, repeats it with the verifier's log to learn the reason.
pub fn load_program(load: &Load<'_>) -> Result<OwnedFd, Error> {
    let error = match try_load(load, &mut []) {
        Ok(fd) => return Ok(fd),
        Err(error) => error,
    };
    let mut log = vec![0u8; LOG_SIZE];
    match try_load(load, &mut log) {
        Ok(fd) => Ok(fd),
        Err(_) => Err(with_log(error, &log)),
    }
}

fn with_log(error: io::Error, log: &[u8]) -> Error {
    let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
    let text = String::from_utf8_lossy(&log[..end]);
    tracing::trace!("verifier: {text}");
    // The statistics come last, the error message before them.
    let complaint = text.lines().rev().find(|line| !line.is_empty() && !line.starts_with("processed "));
    match complaint {
        Some(complaint) => Error::Verifier { error, complaint: complaint.to_owned() },
        None => error.into(),
    }
}

fn try_load(load: &Load<'_>, log: &mut [u8]) -> io::Result<OwnedFd> {
    let function = load.function;
    let (func_info, line_info) = (function.func_info.func_info_bytes(), function.line_info.line_info_bytes());
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    // SAFETY: the union's member for BPF_PROG_LOAD; plain integers.
    let program = unsafe { &mut attr.__bindgen_anon_3 };
    program.prog_type = load.kind.program as u32;
    program.expected_attach_type = load.kind.attach.map_or(0, |attach| attach as u32);
    program.insns = function.instructions.as_ptr() as u64;
    program.insn_cnt = count(function.instructions.len());
    program.license = load.license.as_ptr() as u64;
    program.attach_btf_id = load.kind.btf_id.unwrap_or(0);
    match load.target {
        Target::Vmlinux => {}
        Target::Module(module) => program.__bindgen_anon_1.attach_btf_obj_fd = fd(module.as_fd()),
        Target::Program(traced) => program.__bindgen_anon_1.attach_prog_fd = fd(traced.as_fd()),
    }
    for (to, from) in program.prog_name.iter_mut().take(NAME).zip(shown_as(load.name).bytes()) {
        *to = from as c_char;
    }
    if !log.is_empty() {
        program.log_level = 1;
        program.log_buf = log.as_mut_ptr() as u64;
        program.log_size = count(log.len());
    }
    if let Some(btf) = load.btf {
        program.prog_btf_fd = fd(btf);
        if function.func_info_rec_size > 0 {
            program.func_info_rec_size = count(function.func_info_rec_size);
            program.func_info = func_info.as_ptr() as u64;
            program.func_info_cnt = count(func_info.len() / function.func_info_rec_size);
        }
        if function.line_info_rec_size > 0 {
            program.line_info_rec_size = count(function.line_info_rec_size);
            program.line_info = line_info.as_ptr() as u64;
            program.line_info_cnt = count(line_info.len() / function.line_info_rec_size);
        }
    }
    bpf_fd(bpf_cmd::BPF_PROG_LOAD, &mut attr)
}

/// `BPF_PROG_LOAD` of a few self-contained instructions.
pub fn load_code(kind: bpf_prog_type, flags: u32, code: &[bpf_insn]) -> io::Result<OwnedFd> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    // SAFETY: the union's member for BPF_PROG_LOAD; plain integers.
    let program = unsafe { &mut attr.__bindgen_anon_3 };
    program.prog_type = kind as u32;
    program.prog_flags = flags;
    program.insns = code.as_ptr() as u64;
    program.insn_cnt = count(code.len());
    program.license = c"Dual MIT/GPL".as_ptr() as u64;
    bpf_fd(bpf_cmd::BPF_PROG_LOAD, &mut attr)
}

/// Loads a program of type `BPF_PROG_TYPE_SYSCALL`, which the kernel runs for us: see [`run`].
pub fn load_syscall(code: &[bpf_insn]) -> io::Result<OwnedFd> {
    /// From `include/uapi/linux/bpf.h`.
    const BPF_F_SLEEPABLE: u32 = 16;
    load_code(bpf_prog_type::BPF_PROG_TYPE_SYSCALL, BPF_F_SLEEPABLE, code)
}

/// `BPF_PROG_TEST_RUN` of such a program, which reads and writes `context`.
pub fn run(program: BorrowedFd<'_>, context: &mut [u64]) -> io::Result<()> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    // SAFETY: the union's member for BPF_PROG_TEST_RUN; plain integers.
    let test = unsafe { &mut attr.test };
    test.prog_fd = fd(program);
    test.ctx_in = context.as_mut_ptr() as u64;
    test.ctx_size_in = count(size_of_val(context));
    bpf(bpf_cmd::BPF_PROG_TEST_RUN, &mut attr).map(drop)
}

/// `BPF_BTF_LOAD`
pub fn load_btf(data: &[u8]) -> io::Result<OwnedFd> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    // SAFETY: the union's member for BPF_BTF_LOAD; plain integers.
    let load = unsafe { &mut attr.__bindgen_anon_7 };
    load.btf = data.as_ptr() as u64;
    load.btf_size = count(data.len());
    bpf_fd(bpf_cmd::BPF_BTF_LOAD, &mut attr)
}

/// Maximum length of a program's name. If it is longer, `bpftool` shows the name in the BTF instead, which is that of a
/// macro's function.
const NAME: usize = 14;

/// Returns the name that other tools show for a program, before it is cut: `t_ip_rcv`, `tx_nft_do_chain` for a return.
fn shown_as(name: &str) -> String {
    let kinds = [("fentry_", "t_"), ("fexit_", "tx_"), ("kprobe_", "t_"), ("kretprobe_", "tx_"), ("tp_btf_", "t_")];
    let short = kinds.iter().find_map(|(kind, short)| Some(format!("{short}{}", name.strip_prefix(kind)?)));
    short.unwrap_or_else(|| format!("t_{name}"))
}
