//! Tells the linker how to make code of `memset` and `memmove`.

fn main() {
    // Unless told otherwise, bpf-linker has LLVM call loops over bytes for them, however short they are.
    println!("cargo::rustc-link-arg-bins=--disable-expand-memcpy-in-order");
    println!("cargo::rerun-if-changed=build.rs");
}
