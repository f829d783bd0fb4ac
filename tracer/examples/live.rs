//! Traces one destination for ten seconds, and prints where its packets are dropped. Needs the privileges of `tracer`.
//!
//! `cargo build --example live && sudo target/debug/examples/live 10.0.0.5`

use std::{
    error::Error,
    net::IpAddr,
    ops::ControlFlow::{self, Continue},
    time::Duration,
};

use tracer::{
    capture::Record,
    live::{Builder, Filter, Sink, SinkError},
};

/// Prints drops as they come.
#[derive(Default)]
struct Drops {
    steps: u64,
}

impl Sink for Drops {
    fn put(&mut self, record: &Record) -> Result<ControlFlow<()>, SinkError> {
        match record {
            Record::Step(_) => self.steps += 1,
            Record::Drop(step) => println!("dropped at {} on {}: {}", step.hook, step.ifname, step.tuple),
            _ => {}
        }
        Ok(Continue(()))
    }

    fn ready(&mut self) -> Result<(), SinkError> {
        println!("tracing");
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let destination: IpAddr = std::env::args().nth(1).ok_or("give an address")?.parse()?;
    let mut drops = Drops::default();
    let trace = Builder::new()
        .filter(Filter { dst: Some(destination.into()), ..Filter::default() })
        .timeout(Duration::from_secs(10))
        .run(&mut drops)?;
    println!("{} packets, {} steps, {} lost", trace.summary.packets, drops.steps, trace.summary.lost.events);
    for finding in trace.findings {
        println!("{}: {}", finding.title, finding.advice);
    }
    Ok(())
}
