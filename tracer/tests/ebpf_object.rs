//! The compiled eBPF object matches the table of hooks.

use object::{Object as _, ObjectSymbol as _};
use tracer_common::{HOOKS, Program, Site};

static OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tracer-ebpf"));

fn symbols() -> Vec<String> {
    let file = object::File::parse(OBJECT).expect("the build made an ELF object");
    file.symbols().filter_map(|symbol| symbol.name().ok()).map(str::to_owned).collect()
}

#[test]
fn every_hook_has_its_programs() {
    let symbols = symbols();
    for hook in HOOKS {
        let prefixes: &[&str] = match (hook.site, hook.programs) {
            (Site::Program, _) => &["fentry", "fexit"],
            (Site::Tracepoint { .. }, _) => &["tp_btf", "raw_tp"],
            (Site::Function { .. }, [Program::Entry]) => &["fentry", "kprobe"],
            (Site::Function { .. }, _) => &["fentry", "kprobe", "fexit", "kretprobe"],
        };
        if let Some(shared) = hook.shared.map(|shared| format!("shared_{shared}")) {
            assert!(symbols.contains(&shared), "{shared} is missing");
        }
        for prefix in prefixes {
            let program = format!("{prefix}_{}", hook.name);
            assert!(symbols.contains(&program), "{program} is missing");
        }
    }
}

#[test]
fn nothing_can_panic() {
    // The verifier rejects a bounds check that can panic, but only on a user's machine. This test finds it earlier.
    let panicking: Vec<_> = symbols().into_iter().filter(|name| name.contains("panicking")).collect();
    assert!(panicking.is_empty(), "{panicking:?}");
}
