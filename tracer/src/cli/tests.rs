//! The command line: its help, the arguments that it accepts, and how it refuses others.

use std::time::Duration;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::{Backend, Command, Filter, Format, Lookup, Status, Stop, TraceConfig};

fn parse(line: &str) -> Result<Command, Stop> {
    super::parse(std::iter::once("tracer").chain(line.split_whitespace()))
}

fn trace(line: &str) -> TraceConfig {
    match parse(line) {
        Ok(Command::Trace(config)) => *config,
        other => panic!("`{line}` gives {other:?}"),
    }
}

fn refusal(line: &str) -> String {
    match parse(line) {
        Err(Stop::Wrong(usage)) => usage.to_string(),
        other => panic!("`{line}` gives {other:?}"),
    }
}

/// Compares a text with its snapshot, without the version, which changes on its own.
fn assert_text(name: &str, text: &str) {
    assert_snapshot!(name, text.replace(env!("CARGO_PKG_VERSION"), "[VERSION]"));
}

#[test]
fn help_of_each_command() {
    let mut command = super::command().term_width(80);
    command.build();
    assert_text("help", &command.render_help().to_string());
    for name in ["report", "check", "explain", "completions"] {
        let text = command.find_subcommand_mut(name).map(|sub| sub.clone().term_width(80).render_help());
        assert_text(&format!("help_{name}"), &text.expect(name).to_string());
    }
}

#[test]
fn manual_page() {
    let mut page = Vec::new();
    super::man(&mut page).expect("a vector takes everything");
    assert_text("man", &String::from_utf8_lossy(&page));
}

#[test]
fn completion_scripts() {
    for shell in [clap_complete::Shell::Bash, clap_complete::Shell::Zsh, clap_complete::Shell::Fish] {
        let mut script = Vec::new();
        super::completions(shell, &mut script).expect("a vector takes everything");
        assert_text(&format!("completions_{shell}"), &String::from_utf8_lossy(&script));
    }
}

#[test]
fn help_and_version_are_asked_for() {
    for line in ["--help", "-h", "--version", "report --help", "trace --help"] {
        assert!(matches!(parse(line), Err(Stop::Asked(_))), "{line}");
    }
}

#[test]
fn trace_is_the_default_command() {
    assert_eq!(parse("--dst 10.0.0.5 --port 443").ok(), parse("trace --dst 10.0.0.5 --port 443").ok());
    let config = trace("");
    assert!(config.filter.is_all());
    assert_eq!((config.backend, config.buffer_size, config.view.format), (Backend::Auto, 4 << 20, Format::Text));
}

#[test]
fn every_flag_arrives() {
    let config = trace(
        "--src 10.0.0.1 --dst 10.0.0.0/24 --sport 4000 --dport 443 --proto TCP --iface eth0 --netns web \
         --mark 0xd00/0xf00 --one-way --backend kprobe-multi -o json -w out.jsonl -c 3 --timeout 2m \
         --ready-file ready --color never -v --buffer-size 5M --marks marks.txt",
    );
    assert_eq!(
        config.filter.to_string(),
        "proto tcp and src 10.0.0.1 and dst 10.0.0.0/24 and sport 4000 and dport 443 and iface eth0 and netns web \
         and mark 0xd00/0xf00, one way"
    );
    assert_eq!((config.backend, config.buffer_size), (Backend::KprobeMulti, 8 << 20));
    assert_eq!((config.count.map(u64::from), config.timeout), (Some(3), Some(Duration::from_secs(120))));
    assert_eq!((config.view.format, config.view.verbose), (Format::Json, true));
    assert!(config.write.is_some() && config.ready_file.is_some());
    assert_eq!(config.view.marks.as_deref(), Some(std::path::Path::new("marks.txt")));
}

#[test]
fn filters_read_as_they_are_meant() {
    let words = |line| trace(line).filter.to_string();
    assert_eq!(words(""), "");
    assert_eq!(words("--one-way"), "all packets, one way");
    assert_eq!(words("--dst 10.0.0.5 --port 443"), "dst 10.0.0.5 and port 443");
    assert_eq!(words("--host fd00::1/64 --proto icmpv6"), "proto icmp6 and host fd00::/64");
    assert_eq!(words("--mark 32"), "mark 0x20");
}

#[test]
fn names_are_left_to_be_looked_up() {
    let config = trace("--src 10.0.0.1 --dst web.example --port 443");
    assert_eq!(config.filter.to_string(), "src 10.0.0.1 and port 443");
    assert_eq!(config.lookups, [Lookup { flag: "--dst", name: "web.example".to_owned() }]);
}

#[test]
fn wrong_command_lines_are_refused_in_one_sentence() {
    let lines = [
        "--dst 10.0.0",
        "--dst 10.0.0.5:443",
        "--dst web.example:443",
        "--dst 10.0.0.5/40",
        "--port 0",
        "--mark 0x1d00/0xf00",
        "--mark blue",
        "--timeout 10",
        "--timeout 0s",
        "--count 0",
        "--buffer-size 2G",
        "--proto quic",
        "--iface a/b",
        "--netns pid:me",
        "--src 10.0.0.1 --dst fd00::5",
        "--host 10.0.0.1 --src 10.0.0.2",
        "--port 80 --dport 80",
        "--proto icmp --port 80",
        "--proto icmp --dst fd00::5",
        "--proto icmp6 --host 10.0.0.5",
        "-q -v",
        "-w -",
        "-w x --ready-file x",
        "--dsst 10.0.0.5",
        "--dst",
        "--dst 10.0.0.1 --dst 10.0.0.2",
        "--backend magic",
        "-o xml",
        "host 10.0.0.5 and port 443",
        "chekc",
        "--dst 10.0.0.5 tcp",
        "-v report x.jsonl",
        "-v chekc",
        "report",
        "completions",
        "completions cmd",
        "check --dst 10.0.0.5",
    ];
    let refusals: Vec<_> = lines.iter().map(|line| format!("$ tracer {line}\n{}\n", refusal(line))).collect();
    assert!(refusals.iter().all(|refusal| refusal.lines().count() == 2), "{refusals:#?}");
    assert_text("refusals", &refusals.join("\n"));
}

#[test]
fn statuses_are_those_of_the_contract() {
    assert_eq!(
        [Status::Clean, Status::Problem, Status::Failed, Status::Nothing].map(|status| status as u8),
        [0, 1, 2, 3]
    );
}

proptest! {
    #[test]
    fn any_words_are_taken_or_refused_in_one_line(words in proptest::collection::vec("[ -~]{0,12}", 0..4)) {
        if let Err(Stop::Wrong(usage)) = super::parse(std::iter::once("tracer".to_owned()).chain(words)) {
            prop_assert_eq!(usage.to_string().lines().count(), 1);
        }
    }

    #[test]
    fn filter_values_survive(
        dst in any::<std::net::Ipv4Addr>(), port in 1..=u16::MAX, value in any::<u32>(), mask in any::<u32>(),
    ) {
        let mark = format!("{:#x}/{mask}", value & mask);
        let config = trace(&format!("--dst {dst} --port {port} --mark {mark}"));
        let expected = Filter {
            dst: Some(std::net::IpAddr::V4(dst).into()),
            port: Some(port),
            mark: Some((value & mask, mask)),
            ..Filter::default()
        };
        prop_assert_eq!(config.filter, expected);
    }

    #[test]
    fn networks_have_no_host_bits(addr in any::<std::net::Ipv6Addr>(), len in 0..=128_u8) {
        let dst = trace(&format!("--dst {addr}/{len}")).filter.dst;
        prop_assert_eq!(dst.map(|net| net.trunc()), dst);
    }
}
