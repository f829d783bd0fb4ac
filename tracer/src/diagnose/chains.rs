//! Finds the chains of a ruleset that a packet may have walked.

use crate::model::{Chain, Netfilter, Rule};

/// Returns the reported chains that a walk from a base chain can reach, the base chain first. Empty if the ruleset
/// could not be looked up.
pub fn reachable<'a>(reported: &'a [Chain], netns: u32, netfilter: &Netfilter) -> Vec<&'a Chain> {
    let same_table = |chain: &&Chain| {
        chain.netns == netns
            && Some(chain.family) == netfilter.family
            && Some(&chain.table) == netfilter.table.as_ref()
            && chain.legacy == netfilter.legacy
    };
    let table: Vec<&Chain> = reported.iter().filter(same_table).collect();
    // Of a chain that was reported several times, the version with the packet's rule counts, otherwise the last.
    let holds = |chain: &&Chain| chain.rules.iter().any(|rule| is_by(rule, netfilter));
    let named = |name: &str| {
        let versions = || table.iter().rev().copied().filter(|chain| chain.chain == name);
        versions().find(holds).or_else(|| versions().next())
    };
    let start = netfilter.base_chain.as_ref().or(netfilter.chain.as_ref());
    let mut reached: Vec<&Chain> = start.and_then(|name| named(name)).into_iter().collect();
    let mut next = 0;
    while let Some(chain) = reached.get(next) {
        let targets: Vec<_> = chain.rules.iter().filter_map(|rule| rule.jump.as_deref()).filter_map(named).collect();
        for target in targets {
            if !reached.iter().any(|known| known.chain == target.chain) {
                reached.push(target);
            }
        }
        next += 1;
    }
    reached
}

/// Whether a rule of these chains can drop a packet, or may lead to a chain that is not among them.
pub fn may_drop(chains: &[&Chain]) -> bool {
    let leads_elsewhere = |rule: &Rule| match rule.jump.as_deref() {
        Some(target) => !chains.iter().any(|chain| chain.chain == target),
        None => rule.text.contains("vmap"),
    };
    chains.iter().flat_map(|chain| &chain.rules).any(|rule| !rule.never_drops || leads_elsewhere(rule))
}

fn is_by(rule: &Rule, netfilter: &Netfilter) -> bool {
    Some(rule.rule) == netfilter.rule && Some(&rule.text) == netfilter.text.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NfFamily;

    fn chain(name: &str, rules: &[(u64, &str, Option<&str>)]) -> Chain {
        let rules = rules.iter().map(|(number, text, jump)| Rule {
            rule: *number,
            text: (*text).into(),
            jump: jump.map(Into::into),
            ..Rule::default()
        });
        Chain {
            netns: 1,
            family: NfFamily::Inet,
            table: "fw".into(),
            chain: name.into(),
            hook: None,
            priority: None,
            policy: None,
            legacy: false,
            rules: rules.collect(),
        }
    }

    fn by(rule: Option<u64>, text: Option<&str>) -> Netfilter {
        Netfilter {
            family: Some(NfFamily::Inet),
            table: Some("fw".into()),
            chain: Some("guard".into()),
            rule,
            text: text.map(Into::into),
            ..Netfilter::default()
        }
    }

    #[test]
    fn what_is_jumped_to_comes_after_the_base_chain_and_once() {
        let reported = [
            chain("deeper", &[(3, "return", Some("guard"))]),
            chain("guard", &[(1, "jump deeper", Some("deeper")), (2, "again", Some("deeper"))]),
            chain("other", &[]),
        ];
        let names: Vec<_> = reachable(&reported, 1, &by(None, None)).into_iter().map(|chain| &chain.chain).collect();
        assert_eq!(names, ["guard", "deeper"]);
        assert!(reachable(&reported, 2, &by(None, None)).is_empty());
    }

    #[test]
    fn chains_may_drop_by_a_rule_or_by_what_is_not_known() {
        let harmless = |text: &str, jump: Option<&str>| {
            let rule = Rule { text: text.into(), jump: jump.map(Into::into), never_drops: true, ..Rule::default() };
            Chain { rules: vec![rule], ..chain("guard", &[]) }
        };
        let end = chain("end", &[]);
        assert!(!may_drop(&[&harmless("accept", None), &end]));
        assert!(!may_drop(&[&harmless("jump end", Some("end")), &end]));
        assert!(may_drop(&[&harmless("jump end", Some("end"))]), "a chain that is not known");
        assert!(may_drop(&[&harmless("tcp dport vmap @ports", None)]), "chains that are not known");
        assert!(may_drop(&[&chain("guard", &[(1, "drop", None)])]));
    }

    #[test]
    fn a_ruleset_that_was_replaced_is_the_one_with_the_rule() {
        let reported = [chain("guard", &[(2, "first", None)]), chain("guard", &[(2, "second", None)])];
        let text = |by: &Netfilter| reachable(&reported, 1, by).first().map(|chain| chain.rules[0].text.clone());
        assert_eq!(text(&by(Some(2), Some("first"))).as_deref(), Some("first"));
        assert_eq!(text(&by(Some(2), Some("second"))).as_deref(), Some("second"));
        assert_eq!(text(&by(None, None)).as_deref(), Some("second"), "a policy's is the last");
    }
}
