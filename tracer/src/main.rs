//! The `tracer` program.

fn main() -> tracer::cli::Status {
    tracer::commands::run(std::env::args_os())
}
