//! Rules that matched, once for a tree and by number in its nodes.

use alloc::boxed::Box;
use alloc::vec::Vec;

use lapwing_proto::dumps::MatchedRule;
use smallvec::SmallVec;

use super::size;

/// A rule, as a tree numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(u16);

/// The rules that a node's events matched. Few nodes have any.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules(Option<Box<SmallVec<[RuleId; 4]>>>);

/// The rules of a tree.
#[derive(Debug, Default)]
pub(super) struct RuleTable {
    rules: Vec<MatchedRule>,
    heap: usize,
}

impl RuleTable {
    /// The number of a rule. Two are the same if id, version, policy and its version are. A tree keeps 2¹⁶ of them.
    pub(super) fn number(&mut self, rule: &MatchedRule) -> Option<RuleId> {
        let known = self.rules.iter().position(|known| same(known, rule));
        let at = known.unwrap_or_else(|| {
            self.heap += heap_of(rule);
            self.rules.push(rule.clone());
            self.rules.len() - 1
        });
        u16::try_from(at).ok().map(RuleId)
    }

    pub(super) fn heap(&self) -> usize {
        size::vec(&self.rules) + self.heap
    }

    fn get(&self, rule: RuleId) -> Option<&MatchedRule> {
        self.rules.get(usize::from(rule.0))
    }
}

fn same(one: &MatchedRule, other: &MatchedRule) -> bool {
    one.rule_id == other.rule_id
        && one.rule_version == other.rule_version
        && one.policy_name == other.policy_name
        && one.policy_version == other.policy_version
}

fn heap_of(rule: &MatchedRule) -> usize {
    let texts = [&rule.rule_id, &rule.rule_version, &rule.policy_name, &rule.policy_version];
    let tags = rule.rule_tags.iter().flat_map(|(key, value)| [key, value]);
    // A map's first node has room for eleven entries.
    let map = size::block(rule.rule_tags.len().next_multiple_of(11) * 2 * size_of::<alloc::string::String>());
    texts.into_iter().chain(tags).map(size::text).sum::<usize>() + map
}

impl Rules {
    /// Adds rules that are not there yet.
    pub(super) fn add(&mut self, rules: &[RuleId]) {
        for rule in rules {
            let known = self.0.get_or_insert_default();
            if !known.contains(rule) {
                known.push(*rule);
            }
        }
    }

    pub(super) fn heap(&self) -> usize {
        self.0.as_ref().map_or(0, |rules| size::block(size_of::<SmallVec<[RuleId; 4]>>()) + size::small(rules))
    }

    pub(super) fn to_messages(&self, table: &RuleTable) -> Vec<MatchedRule> {
        self.0.iter().flat_map(|rules| rules.iter()).filter_map(|rule| table.get(*rule)).cloned().collect()
    }

    pub(super) fn from_messages(rules: &[MatchedRule], table: &mut RuleTable) -> Self {
        let mut known = Self::default();
        for rule in rules {
            known.add(table.number(rule).as_slice());
        }
        known
    }
}
