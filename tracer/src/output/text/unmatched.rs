//! What the report says if no packet matched.

use textwrap::core::display_width;

use super::{
    node,
    phrase::{heading, plural},
    style::{Look, PLACE, clean, hang, pad, paint},
};
use crate::model::{NodeFact, RouteAnswer, Trace, Unmatched};

/// Renders the sentence that no packet matched, and what the node could send.
pub(super) fn render(trace: &Trace, look: Look) -> String {
    let none = "No packet matched. Is the traffic running, and does it pass this node?";
    let mut text = hang("", none, look.prose()) + "\n\n";
    if let Some(unmatched) = &trace.unmatched {
        text += &senders(unmatched, look);
    }
    let programs: Vec<_> = trace.start.socket_programs.iter().map(|name| clean(name)).collect();
    if !programs.is_empty() {
        let hint = format!(
            "BPF programs see connect() and sendmsg() here, and may choose another destination before there is a packet: \
             {}. For the address of a service, trace the address of one of its backends instead.",
            programs.join(", ")
        );
        text += &(hang("", &hint, look.prose()) + "\n\n");
    }
    text
}

fn senders(unmatched: &Unmatched, look: Look) -> String {
    let Some(to) = unmatched.to.filter(|_| !unmatched.senders.is_empty()) else { return String::new() };
    let mut text = heading(&format!("What could send to {to}"));
    let names: Vec<_> = unmatched.senders.iter().map(|sender| clean(&sender.name)).collect();
    let width = names.iter().map(|name| display_width(name)).max().unwrap_or(0);
    for (sender, name) in unmatched.senders.iter().zip(&names) {
        let mut label = format!("  {}  ", pad(&paint(PLACE, name), width));
        if sender.node.is_empty() {
            text += &(hang(&label, "could not be asked", look.prose()) + "\n");
        }
        for fact in &sender.node {
            text += &(hang(&label, &line(fact), look.prose()) + "\n");
            label = " ".repeat(width + 4);
        }
    }
    if unmatched.skipped > 0 {
        text += &format!("  {} not asked\n", plural(unmatched.skipped, "more network namespace"));
    }
    text + "\n"
}

fn line(fact: &NodeFact) -> String {
    match fact {
        NodeFact::Route(RouteAnswer { error: Some(error), .. }) => {
            format!("no route: connect() fails with {}, and no packet is sent", clean(error))
        }
        NodeFact::Route(RouteAnswer { kind: Some(kind), .. }) if kind == "local" => {
            "an address of this netns: its own packets to it stay on lo".to_owned()
        }
        other => node::line(other),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::model::{Proto, Sender, Start};

    #[test]
    fn what_could_send_is_listed_by_netns() {
        let to = IpAddr::from([10, 0, 0, 5]);
        let route = |answer: RouteAnswer| NodeFact::Route(RouteAnswer { to: Some(to), ..answer });
        let sender = |name: &str, node: Vec<NodeFact>| Sender { netns: 1, name: name.to_owned(), node };
        let way = RouteAnswer {
            gateway: Some([192, 0, 2, 1].into()),
            device: Some("eth0".to_owned()),
            route: Some("default via 192.0.2.1 dev eth0 table main".to_owned()),
            ..RouteAnswer::default()
        };
        let connection = NodeFact::Connection {
            local: "192.0.2.20:4000".to_owned(),
            remote: "10.0.0.5:443".to_owned(),
            proto: Proto::TCP,
            state: Some("SYN_SENT".to_owned()),
            owner: Some("curl[7]".to_owned()),
        };
        let refused = RouteAnswer { error: Some("ENETUNREACH".to_owned()), ..RouteAnswer::default() };
        let local = RouteAnswer { kind: Some("local".to_owned()), ..RouteAnswer::default() };
        let senders = vec![
            sender("host", vec![route(way), connection]),
            sender("web", vec![route(refused)]),
            sender("db\u{1b}[1m", vec![route(local)]),
            sender("gone", Vec::new()),
        ];
        let start = Start { socket_programs: vec!["cil_sock4_connect".to_owned()], ..Start::default() };
        let unmatched = Some(Unmatched { to: Some(to), senders, skipped: 2 });
        let trace = Trace { start, unmatched, ..Trace::default() };
        let text = render(&trace, Look { width: 80, verbose: false });
        insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string());
    }
}
