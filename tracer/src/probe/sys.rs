//! The `bpf(2)` and `perf_event_open(2)` calls that Aya does not offer.

use std::{
    ffi::{CStr, CString, c_char},
    fs, io,
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd},
};

use aya_obj::{
    Function,
    generated::{
        PERF_EVENT_IOC_ENABLE, PERF_EVENT_IOC_SET_BPF, bpf_attach_type::BPF_TRACE_KPROBE_MULTI, bpf_attr, bpf_btf_info,
        bpf_cmd, bpf_func_info, bpf_insn, bpf_prog_info, perf_event_attr,
    },
};

use super::object::{Kind, Target};

/// Room for what the verifier says of a program that it refuses.
const LOG_SIZE: usize = 1 << 20;

/// A program to load.
pub struct Load<'a> {
    /// Symbol in the object.
    pub name: &'a str,
    /// What it becomes.
    pub kind: Kind,
    /// Its licence.
    pub license: &'a CStr,
    /// Its function, for what the kernel wants to know of its types and lines.
    pub function: &'a Function,
    /// Its relocated code.
    pub instructions: &'a [bpf_insn],
    /// BTF of the object.
    pub btf: Option<BorrowedFd<'a>>,
    /// What it attaches to.
    pub target: Target<'a>,
}

/// `BPF_PROG_LOAD`; a second time with the verifier's log where it fails, for the reason.
pub fn load_program(load: &Load<'_>) -> Result<OwnedFd, String> {
    let error = match try_load(load, &mut []) {
        Ok(fd) => return Ok(fd),
        Err(error) => error,
    };
    let mut log = vec![0u8; LOG_SIZE];
    match try_load(load, &mut log) {
        Ok(fd) => Ok(fd),
        Err(_) => Err(with_log(&error, &log)),
    }
}

fn with_log(error: &io::Error, log: &[u8]) -> String {
    let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
    let text = String::from_utf8_lossy(&log[..end]);
    tracing::trace!("verifier: {text}");
    // The statistics come last, the complaint before them.
    let complaint = text.lines().rev().find(|line| !line.is_empty() && !line.starts_with("processed "));
    match complaint {
        Some(complaint) => format!("{error}: {complaint}"),
        None => error.to_string(),
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
    program.insns = load.instructions.as_ptr() as u64;
    program.insn_cnt = count(load.instructions.len());
    program.license = load.license.as_ptr() as u64;
    program.attach_btf_id = load.kind.btf_id;
    match load.target {
        Target::Vmlinux => {}
        Target::Module(module) => program.__bindgen_anon_1.attach_btf_obj_fd = fd(module.as_fd()),
        Target::Program(traced) => program.__bindgen_anon_1.attach_prog_fd = fd(traced.as_fd()),
    }
    for (to, from) in program.prog_name.iter_mut().take(15).zip(format!("tracer_{}", load.name).bytes()) {
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

/// `BPF_BTF_LOAD`
pub fn load_btf(data: &[u8]) -> io::Result<OwnedFd> {
    // SAFETY: all-zero is a valid `bpf_attr`, and this the member for BPF_BTF_LOAD.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let load = unsafe { &mut attr.__bindgen_anon_7 };
    load.btf = data.as_ptr() as u64;
    load.btf_size = count(data.len());
    bpf_fd(bpf_cmd::BPF_BTF_LOAD, &mut attr)
}

/// The BTF object of a loaded module, by name.
pub fn module_btf(module: &str) -> io::Result<OwnedFd> {
    let mut id = 0;
    loop {
        id = next_btf_id(id)?;
        let Ok(fd) = btf_by_id(id) else { continue };
        if btf_name(&fd)? == module {
            return Ok(fd);
        }
    }
}

fn next_btf_id(after: u32) -> io::Result<u32> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    attr.__bindgen_anon_6.__bindgen_anon_1.start_id = after;
    bpf(bpf_cmd::BPF_BTF_GET_NEXT_ID, &mut attr)?;
    // SAFETY: the kernel has written it.
    Ok(unsafe { attr.__bindgen_anon_6.next_id })
}

fn btf_by_id(id: u32) -> io::Result<OwnedFd> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    attr.__bindgen_anon_6.__bindgen_anon_1.btf_id = id;
    bpf_fd(bpf_cmd::BPF_BTF_GET_FD_BY_ID, &mut attr)
}

fn btf_name(btf: &OwnedFd) -> io::Result<String> {
    let mut name = [0u8; 64];
    // SAFETY: all-zero is a valid `bpf_btf_info`.
    let mut info: bpf_btf_info = unsafe { std::mem::zeroed() };
    info.name = name.as_mut_ptr() as u64;
    info.name_len = count(name.len());
    info_of(btf.as_raw_fd(), &mut info)?;
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    Ok(String::from_utf8_lossy(&name[..end]).into_owned())
}

/// The bytes of a BTF object.
pub fn btf_data(id: u32) -> io::Result<Vec<u8>> {
    let btf = btf_by_id(id)?;
    // SAFETY: all-zero is a valid `bpf_btf_info`.
    let mut info: bpf_btf_info = unsafe { std::mem::zeroed() };
    info_of(btf.as_raw_fd(), &mut info)?;
    let mut data = vec![0u8; info.btf_size as usize];
    // SAFETY: as above.
    info = unsafe { std::mem::zeroed() };
    info.btf = data.as_mut_ptr() as u64;
    info.btf_size = count(data.len());
    info_of(btf.as_raw_fd(), &mut info)?;
    Ok(data)
}

/// The lowest id of a loaded BPF program above this one; an error where there is none.
pub fn next_program_id(after: u32) -> io::Result<u32> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    attr.__bindgen_anon_6.__bindgen_anon_1.start_id = after;
    bpf(bpf_cmd::BPF_PROG_GET_NEXT_ID, &mut attr)?;
    // SAFETY: the kernel has written it.
    Ok(unsafe { attr.__bindgen_anon_6.next_id })
}

/// What the kernel tells of a BPF program.
pub struct ProgramInfo {
    /// Its id.
    pub id: u32,
    /// `BPF_PROG_TYPE_*`
    pub kind: u32,
    /// The kernel's copy of its name, 15 bytes at most.
    pub name: String,
    /// Id of its BTF, 0 for none.
    pub btf: u32,
    /// Id of its main function in that BTF.
    pub function: Option<u32>,
}

/// A loaded BPF program, held open, and what is known of it.
pub fn program_by_id(id: u32) -> io::Result<(OwnedFd, ProgramInfo)> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    attr.__bindgen_anon_6.__bindgen_anon_1.prog_id = id;
    let program = bpf_fd(bpf_cmd::BPF_PROG_GET_FD_BY_ID, &mut attr)?;
    // SAFETY: all-zero is a valid `bpf_func_info`.
    let mut main: bpf_func_info = unsafe { std::mem::zeroed() };
    // SAFETY: all-zero is a valid `bpf_prog_info`.
    let mut info: bpf_prog_info = unsafe { std::mem::zeroed() };
    info.func_info = std::ptr::from_mut(&mut main) as u64;
    info.func_info_rec_size = count(size_of::<bpf_func_info>());
    info.nr_func_info = 1;
    info_of(program.as_raw_fd(), &mut info)?;
    let name: Vec<u8> = info.name.iter().map(|byte| *byte as u8).take_while(|byte| *byte != 0).collect();
    let function = (info.btf_id != 0 && info.nr_func_info > 0 && main.type_id != 0).then_some(main.type_id);
    let name = String::from_utf8_lossy(&name).into_owned();
    Ok((program, ProgramInfo { id, kind: info.type_, name, btf: info.btf_id, function }))
}

/// Hits that a program missed because it was running already on that CPU (5.12 and newer).
pub fn recursion_misses(program: BorrowedFd<'_>) -> u64 {
    // SAFETY: all-zero is a valid `bpf_prog_info`.
    let mut info: bpf_prog_info = unsafe { std::mem::zeroed() };
    match info_of(program.as_raw_fd(), &mut info) {
        Ok(()) => info.recursion_misses,
        Err(_) => 0,
    }
}

fn info_of<T>(object: i32, info: &mut T) -> io::Result<()> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    attr.info.bpf_fd = object as u32;
    attr.info.info = std::ptr::from_mut(info) as u64;
    attr.info.info_len = count(size_of::<T>());
    bpf(bpf_cmd::BPF_OBJ_GET_INFO_BY_FD, &mut attr).map(drop)
}

/// `BPF_RAW_TRACEPOINT_OPEN`: attaches tracing programs (no name) and raw tracepoints (by name).
pub fn raw_tracepoint_open(program: &OwnedFd, name: Option<&CStr>) -> io::Result<OwnedFd> {
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    attr.raw_tracepoint.prog_fd = program.as_raw_fd() as u32;
    attr.raw_tracepoint.name = name.map_or(0, |name| name.as_ptr() as u64);
    bpf_fd(bpf_cmd::BPF_RAW_TRACEPOINT_OPEN, &mut attr)
}

/// `BPF_LINK_CREATE` of a `kprobe.multi` on all symbols, each with its cookie.
pub fn kprobe_multi(program: &OwnedFd, symbols: &[CString], cookies: &[u64]) -> io::Result<OwnedFd> {
    let symbols: Vec<*const c_char> = symbols.iter().map(|symbol| symbol.as_ptr()).collect();
    // SAFETY: all-zero is a valid `bpf_attr`.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    attr.link_create.__bindgen_anon_1.prog_fd = program.as_raw_fd() as u32;
    attr.link_create.attach_type = BPF_TRACE_KPROBE_MULTI as u32;
    attr.link_create.__bindgen_anon_3.kprobe_multi.cnt = count(symbols.len());
    attr.link_create.__bindgen_anon_3.kprobe_multi.syms = symbols.as_ptr() as u64;
    attr.link_create.__bindgen_anon_3.kprobe_multi.cookies = cookies.as_ptr() as u64;
    bpf_fd(bpf_cmd::BPF_LINK_CREATE, &mut attr)
}

/// `BPF_MAP_UPDATE_ELEM` of a program array.
pub fn set_program(array: RawFd, index: u32, program: &OwnedFd) -> io::Result<()> {
    let value = program.as_raw_fd();
    // SAFETY: all-zero is a valid `bpf_attr`, and this the member for map elements.
    let mut attr: bpf_attr = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let element = unsafe { &mut attr.__bindgen_anon_2 };
    element.map_fd = array as u32;
    element.key = std::ptr::from_ref(&index) as u64;
    element.__bindgen_anon_1.value = std::ptr::from_ref(&value) as u64;
    bpf(bpf_cmd::BPF_MAP_UPDATE_ELEM, &mut attr).map(drop)
}

/// A kprobe, or kretprobe, as a perf event: it goes when its file descriptor goes.
pub fn kprobe(program: &OwnedFd, symbol: &str, on_return: bool) -> io::Result<OwnedFd> {
    const PMU: &str = "/sys/bus/event_source/devices/kprobe";
    let pmu = fs::read_to_string(format!("{PMU}/type"))?;
    let symbol = CString::new(symbol)?;
    // SAFETY: all-zero is a valid `perf_event_attr`.
    let mut attr: perf_event_attr = unsafe { std::mem::zeroed() };
    attr.type_ = pmu.trim().parse().map_err(io::Error::other)?;
    attr.size = count(size_of::<perf_event_attr>());
    // `format/retprobe` is `config:0` on every kernel that has this PMU.
    attr.config = u64::from(on_return);
    attr.__bindgen_anon_3.kprobe_func = symbol.as_ptr() as u64;
    const PERF_FLAG_FD_CLOEXEC: libc::c_ulong = 8;
    // SAFETY: the attributes and the name outlive the call. Any process, CPU 0: kprobes are not per CPU.
    let fd = unsafe { libc::syscall(libc::SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC) };
    let event = owned(fd)?;
    ioctl(&event, PERF_EVENT_IOC_SET_BPF, program.as_raw_fd())?;
    ioctl(&event, PERF_EVENT_IOC_ENABLE, 0)?;
    Ok(event)
}

fn ioctl(event: &OwnedFd, request: u32, argument: i32) -> io::Result<()> {
    // SAFETY: both requests take an integer.
    match unsafe { libc::ioctl(event.as_raw_fd(), request.into(), argument) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn bpf_fd(command: bpf_cmd, attr: &mut bpf_attr) -> io::Result<OwnedFd> {
    bpf(command, attr).and_then(owned)
}

fn bpf(command: bpf_cmd, attr: &mut bpf_attr) -> io::Result<libc::c_long> {
    // SAFETY: the attributes are a valid union; what they point to outlives the call.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attr), size_of::<bpf_attr>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn owned(fd: libc::c_long) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just handed out this descriptor. `bpf(2)` sets O_CLOEXEC by itself.
    i32::try_from(fd).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }).map_err(io::Error::other)
}

fn fd(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd() as u32
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
