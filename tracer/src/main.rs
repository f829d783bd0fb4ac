//! The `tracer` program.

fn main() -> tracer::cli::Status {
    tracer::run::run(std::env::args_os())
}
