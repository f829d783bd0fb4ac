//! tracer's eBPF programs: they hook the kernel, match packets, assign packet ids and emit records.
//!
//! Each family of hooks has its file in `hooks/`. A hook's body is written once; [`attach`] makes an fentry and a
//! kprobe program from it (or a `tp_btf` and a raw tracepoint program).
//!
//! Invariant: a program changes nothing but its own maps, and an untracked packet at an interior hook costs one
//! look at [`packet::filter`] and nothing more.

#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

mod attach;
mod each;
mod emit;
mod frozen;
mod headers;
mod hooks;
mod log;
mod matching;
mod packet;
mod per_cpu;
mod raised;
mod read;

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
