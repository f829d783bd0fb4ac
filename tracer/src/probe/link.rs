//! Attaches one hook by one method, or many hooks by one `kprobe.multi`.

use std::{collections::HashMap, ffi::CString, io, os::fd::OwnedFd, sync::Arc};

use aya_obj::generated::{bpf_attach_type, bpf_prog_type};
use tracer_common::{Hook, HookId, Program, Site};

use super::{
    error::Error,
    object::Object,
    plan::{Method, Planned},
    sys::{self, Kind, Places},
};
use crate::kernel::Kernel;

/// File descriptors that keep a hook attached.
#[derive(Default)]
pub struct Attached {
    /// Programs.
    pub programs: Vec<OwnedFd>,
    /// Links, or perf events.
    pub links: Vec<OwnedFd>,
}

/// Name of the program that `kprobe.multi` attaches to all its functions.
pub const DISPATCH: &str = "dispatch";

/// Returns the names of the object's programs that a hook is attached by.
pub fn programs(planned: &Planned) -> Vec<String> {
    let name = |kind: &str| format!("{kind}_{}", planned.hook.name);
    let of = |entry: &str, exit: &str| {
        let kinds = order(&planned.hook, planned.method);
        kinds.into_iter().map(|kind| name(if kind == Program::Entry { entry } else { exit })).collect()
    };
    match planned.method {
        Method::Fentry => of("fentry", "fexit"),
        Method::Kprobe => of("kprobe", "kretprobe"),
        Method::KprobeMulti => vec![multi(&planned.hook)],
        Method::TpBtf => vec![name("tp_btf")],
        Method::RawTp => vec![name("raw_tp")],
    }
}

/// Returns the name of a hook's program within `kprobe.multi`.
fn multi(hook: &Hook) -> String {
    match hook.shared {
        None => format!("kprobe_{}", hook.name),
        Some(shared) => format!("shared_{shared}"),
    }
}

/// Loads and attaches all programs of a hook, or none. `no_multi` is why no hook is attached by `kprobe.multi`, if none
/// is.
pub fn attach(
    kernel: &Kernel,
    object: &Object,
    planned: &Planned,
    no_multi: Option<&Arc<Error>>,
) -> Result<Attached, Error> {
    let mut attached = Attached::default();
    let hook = &planned.hook;
    for (program, name) in order(hook, planned.method).into_iter().zip(programs(planned)) {
        let (fd, link) = match planned.method {
            Method::Fentry => fentry(kernel, object, hook, program, &name)?,
            Method::KprobeMulti => {
                return Err(no_multi.map_or(Error::NotTogether, |error| Error::Together(Arc::clone(error))));
            }
            Method::Kprobe => kprobe(object, hook, program, &name)?,
            Method::TpBtf => tp_btf(kernel, object, hook, &name)?,
            Method::RawTp => raw_tp(object, hook, &name)?,
        };
        attached.programs.push(fd);
        attached.links.push(link);
    }
    Ok(attached)
}

/// Attaches all hooks that can share one `kprobe.multi`, and returns which are attached.
///
/// One link is one wait when it is detached: the kernel takes as long for a single function.
pub fn attach_together(kernel: &Kernel, object: &Object, array: &OwnedFd, hooks: &[Hook]) -> Together {
    let mut together = Together::default();
    let (mut symbols, mut cookies) = (Vec::new(), Vec::new());
    let mut loaded: HashMap<String, Result<OwnedFd, Error>> = HashMap::new();
    for hook in hooks {
        let program = loaded.entry(multi(hook)).or_insert_with_key(|program| load_multi(object, program));
        let set = program.as_ref().map_err(ToString::to_string).and_then(|program| {
            sys::set_program(array, hook.id.0.into(), program).and_then(|()| symbol(hook)).map_err(|e| e.to_string())
        });
        match set {
            Ok(symbol) => {
                together.hooks.push(hook.id);
                symbols.push(symbol);
                cookies.push(hook.id.cookie());
            }
            Err(reason) => tracing::debug!("{}: kprobe-multi: {reason}", hook.name),
        }
    }
    together.attached.programs.extend(loaded.into_values().flatten());
    let linked = load_multi(object, DISPATCH).and_then(|dispatch| {
        let link = attach_at(kernel, &dispatch, &symbols, &cookies)?;
        Ok((dispatch, link))
    });
    match linked {
        Ok((dispatch, link)) => {
            together.attached.programs.push(dispatch);
            together.attached.links.push(link);
            together
        }
        Err(error) => {
            tracing::debug!("kprobe-multi: {error}");
            Together { refused: Some(Arc::new(error)), ..Together::default() }
        }
    }
}

/// Attaches by address if addresses are available, because the kernel searches all of its symbols for names.
///
/// Before 6.2 the kernel searches them for each address, too. A kernel with `bpf_rdonly_cast`, which came with 6.2,
/// does not. If several symbols have the same name, the address may be that of one that cannot be traced; the names are
/// tried then.
fn attach_at(kernel: &Kernel, dispatch: &OwnedFd, symbols: &[CString], cookies: &[u64]) -> io::Result<OwnedFd> {
    let finds_by_name = kernel.vmlinux().function("bpf_rdonly_cast").is_some();
    if finds_by_name && let Some(addresses) = sys::addresses(symbols.iter().map(CString::as_c_str)) {
        match sys::kprobe_multi(dispatch, Places::Addresses(&addresses), cookies) {
            Ok(link) => return Ok(link),
            Err(error) => tracing::debug!("kprobe-multi by address: {error}"),
        }
    }
    sys::kprobe_multi(dispatch, Places::Symbols(symbols), cookies)
}

/// The result of [`attach_together`].
#[derive(Default)]
pub struct Together {
    /// Rows of the hooks that are attached.
    pub hooks: Vec<HookId>,
    /// File descriptors that keep the hooks attached.
    pub attached: Attached,
    /// Why no hook is attached, if none is.
    pub refused: Option<Arc<Error>>,
}

fn load_multi(object: &Object, program: &str) -> Result<OwnedFd, Error> {
    let kind = Kind {
        program: bpf_prog_type::BPF_PROG_TYPE_KPROBE,
        attach: Some(bpf_attach_type::BPF_TRACE_KPROBE_MULTI),
        btf_id: None,
    };
    object.load(program, kind, None)
}

/// Returns the programs of a hook in the order in which they are attached.
///
/// A kretprobe needs the kprobe that keeps its arguments, even if nothing happens at entry. The kretprobe is attached
/// first, so that the return of every call whose arguments are kept is seen.
fn order(hook: &Hook, method: Method) -> Vec<Program> {
    let returns = hook.programs.contains(&Program::Return);
    match method {
        Method::Kprobe if returns => vec![Program::Return, Program::Entry],
        _ => hook.programs.to_vec(),
    }
}

type Link = Result<(OwnedFd, OwnedFd), Error>;

fn fentry(kernel: &Kernel, object: &Object, hook: &Hook, program: Program, name: &str) -> Link {
    let Site::Function { module } = hook.site else { return Err(Error::NotAFunction) };
    // The functions of a built-in module are in vmlinux.
    let loaded = module.and_then(|module| Some((module, kernel.types(module)?)));
    let types = loaded.map_or_else(|| kernel.vmlinux(), |(_, types)| types);
    let btf_id = types.function(hook.name).ok_or(Error::NotInBtf)?;
    let module_btf = match loaded {
        None => None,
        Some((module, _)) => Some(sys::module_btf(module).map_err(|error| Error::ModuleBtf { module, error })?),
    };
    let attach = match program {
        Program::Entry => bpf_attach_type::BPF_TRACE_FENTRY,
        Program::Return => bpf_attach_type::BPF_TRACE_FEXIT,
    };
    let kind = Kind { program: bpf_prog_type::BPF_PROG_TYPE_TRACING, attach: Some(attach), btf_id: Some(btf_id) };
    let fd = object.load(name, kind, module_btf.as_ref())?;
    let link = sys::raw_tracepoint_open(&fd, None)?;
    Ok((fd, link))
}

fn kprobe(object: &Object, hook: &Hook, program: Program, name: &str) -> Link {
    let kind = Kind { program: bpf_prog_type::BPF_PROG_TYPE_KPROBE, attach: None, btf_id: None };
    let fd = object.load(name, kind, None)?;
    let link = sys::kprobe(&fd, hook.name, program == Program::Return)?;
    Ok((fd, link))
}

fn tp_btf(kernel: &Kernel, object: &Object, hook: &Hook, name: &str) -> Link {
    let btf_id = kernel.vmlinux().tracepoint(hook.name).ok_or(Error::NotInBtf)?;
    let kind = Kind {
        program: bpf_prog_type::BPF_PROG_TYPE_TRACING,
        attach: Some(bpf_attach_type::BPF_TRACE_RAW_TP),
        btf_id: Some(btf_id),
    };
    let fd = object.load(name, kind, None)?;
    let link = sys::raw_tracepoint_open(&fd, None)?;
    Ok((fd, link))
}

fn raw_tp(object: &Object, hook: &Hook, name: &str) -> Link {
    let kind = Kind { program: bpf_prog_type::BPF_PROG_TYPE_RAW_TRACEPOINT, attach: None, btf_id: None };
    let fd = object.load(name, kind, None)?;
    let link = sys::raw_tracepoint_open(&fd, Some(&symbol(hook)?))?;
    Ok((fd, link))
}

fn symbol(hook: &Hook) -> io::Result<CString> {
    Ok(CString::new(hook.name)?)
}
