//! Compiles the lab's tc programs for the running target and leaves the object in `OUT_DIR`.

use anyhow::Result;

#[path = "../tracer-ebpf/compile.rs"]
mod ebpf;

fn main() -> Result<()> {
    ebpf::compile("lab-ebpf", concat!(env!("CARGO_MANIFEST_DIR"), "/lab-ebpf")).map(drop)
}
