//! The `tracer` program.

fn main() -> tracer::internal::Status {
    tracer::internal::run(std::env::args_os())
}
