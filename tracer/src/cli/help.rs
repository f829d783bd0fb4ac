//! Longer texts of `--help` and the manual page.

/// The sentence under the name.
pub(super) const ABOUT: &str = "Shows where and why packets disappear inside this Linux node";

/// The usage lines. clap would not show that `trace` may be omitted.
pub(super) const USAGE: &str = "tracer [trace] [FLAGS]\n       tracer <COMMAND>";

/// Example commands, each below the situation that it is for.
pub(super) const EXAMPLES: &str = "\
Why does this connection hang? Trace it until Ctrl-C, then read the diagnosis:
    tracer --dst 10.0.0.5 --port 443
Watch pings from or to a network for half a minute:
    tracer --host fd00:1::/64 --proto icmp6 --timeout 30s
Save ten packets of one namespace to a capture, and read its report elsewhere:
    tracer --netns web --dport 8080 -c 10 -w web.jsonl
    tracer report -v web.jsonl
Pass the drops to a script:
    tracer --dst 10.0.0.5 -o json --timeout 10s | jq 'select(.type == \"drop\")'";

/// The exit statuses that scripts may rely on.
pub(super) const EXIT_STATUS: &str = "\
0  no problem found       1  at least one error found
2  the run failed         3  nothing matched the filter";

/// Returns the text that follows the flags.
pub(super) fn after() -> String {
    let indented = |text: &str| text.lines().map(|line| format!("  {line}\n")).collect::<String>();
    format!("Examples:\n{}\nExit status:\n{}", indented(EXAMPLES), indented(EXIT_STATUS))
}
