//! Recording what a command does, as a tree, while it does it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use lapwing_common::activity::{ActivityTree, Dropped, Generation, Mark, NodeCounts, Novelty, Options, RuleId};
use lapwing_common::engine::EventSet;
use lapwing_common::event::{Event, EventType};
use lapwing_common::ids::Timestamp;
use lapwing_common::process::Process;
use lapwing_common::rules::policy::Rule;
use lapwing_proto::dumps::{MatchedRule, Metadata, ProfileSelector, SecDump};

use super::{Document, host};
use crate::pipeline::{Consumer, Made};

/// What a dump's source is said to be, so that readers of Datadog's take it.
const SOURCE: &str = "runtime-security-agent";

/// A workload by the name and the tag of its image, as `NAME:TAG`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Workload {
    pub(crate) name: String,
    pub(crate) tag: String,
}

/// What is no workload.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a workload is NAME or NAME:TAG")]
pub(crate) struct BadWorkload;

impl FromStr for Workload {
    type Err = BadWorkload;

    fn from_str(text: &str) -> Result<Self, BadWorkload> {
        // A colon may also be that of a registry's port, and then a slash follows.
        let (name, tag) = match text.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (text, "latest"),
        };
        if name.is_empty() || tag.is_empty() {
            return Err(BadWorkload);
        }
        Ok(Self { name: name.into(), tag: tag.into() })
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.tag)
    }
}

impl Workload {
    pub(super) fn tags(&self) -> [String; 2] {
        [format!("image_name:{}", self.name), format!("image_tag:{}", self.tag)]
    }

    pub(super) fn selector(&self) -> ProfileSelector {
        ProfileSelector { image_name: self.name.clone(), image_tag: self.tag.clone() }
    }
}

/// Puts every event into a tree.
#[derive(Debug)]
pub(crate) struct Recorder {
    tree: ActivityTree,
    workload: Workload,
    name: String,
    container: String,
    cgroup: String,
    began: Timestamp,
    /// The rules that the event matched that comes next.
    matched: Vec<RuleId>,
    full: u64,
    unplaced: u64,
}

impl Recorder {
    /// The events that a recording is made of.
    pub(crate) const EVENTS: EventSet =
        EventSet::NONE.with(EventType::Exec).with(EventType::Exit).with(EventType::Open).with(EventType::Bind);

    /// A recording that begins now.
    pub(crate) fn new(workload: Workload, options: Options, began: Timestamp) -> Self {
        let tree = ActivityTree::new(options);
        Self {
            tree,
            workload,
            name: host::dump_name(),
            container: String::new(),
            cgroup: String::new(),
            began,
            matched: Vec::new(),
            full: 0,
            unplaced: 0,
        }
    }

    /// Says of which workload it is, in words as the agent has them.
    pub(crate) fn of(mut self, what: &str) -> Self {
        self.container = what.strip_prefix("container ").unwrap_or_default().to_owned();
        self.cgroup = what.strip_prefix("cgroup ").unwrap_or_default().to_owned();
        self
    }

    /// What the dump is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of memory that it takes.
    pub(crate) fn size(&self) -> usize {
        self.tree.size()
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    /// A process that runs already. Those that are none of the workload's are left out.
    pub(crate) fn running(&mut self, process: &Arc<Process>) {
        let tag = self.tree.tag(&self.workload.tag);
        let mark = Mark { tag, generation: Generation::Snapshot, ..Mark::default() };
        let inserted = self.tree.insert_process(process, self.began, &mark);
        self.note(inserted);
    }

    /// Takes an event.
    ///
    /// # Errors
    ///
    /// Why it is not in the tree; what is lost by that is counted.
    pub(crate) fn insert(&mut self, event: &Event) -> Result<Novelty, Dropped> {
        let tag = self.tree.tag(&self.workload.tag);
        let inserted = self.tree.insert(event, &Mark { tag, rules: &self.matched, ..Mark::default() });
        self.matched.clear();
        self.note(inserted);
        inserted
    }

    /// Takes, as if it were an event, something that was there when the recording began.
    ///
    /// # Errors
    ///
    /// As for [`Self::insert`].
    pub(crate) fn held(&mut self, event: &Event) -> Result<Novelty, Dropped> {
        let tag = self.tree.tag(&self.workload.tag);
        let inserted = self.tree.insert(event, &Mark { tag, generation: Generation::Snapshot, ..Mark::default() });
        self.note(inserted);
        inserted
    }

    /// How much there is.
    pub(crate) fn counts(&self) -> NodeCounts {
        self.tree.counts()
    }

    /// Events for which there was no room.
    pub(crate) fn full(&self) -> u64 {
        self.full
    }

    /// Events whose place is not known: their process's ancestors are not, or their file.
    pub(crate) fn unplaced(&self) -> u64 {
        self.unplaced
    }

    /// The recording as a dump.
    pub(crate) fn finish(&self, command: &str, ended: Timestamp) -> Document {
        let metadata = Metadata {
            comm: command.into(),
            start: self.began.0,
            end: ended.0,
            size: self.tree.size() as u64,
            name: self.name.clone(),
            container_id: self.container.clone(),
            cgroup_id: self.cgroup.clone(),
            ..host::metadata()
        };
        let hostname = host::name();
        let mut tags = vec![format!("host:{hostname}"), format!("source:{SOURCE}")];
        tags.extend(self.workload.tags());
        tags.extend((!self.container.is_empty()).then(|| format!("container_id:{}", self.container)));
        Document::Dump(SecDump {
            host: hostname,
            service: self.workload.name.clone(),
            source: SOURCE.into(),
            metadata: Some(metadata),
            tags,
            tree: self.tree.to_messages(),
        })
    }
}

impl Consumer for Recorder {
    fn calls(&mut self, made: &Made<'_>) {
        let tag = self.tree.tag(&self.workload.tag);
        let inserted = self.tree.insert_calls(made.process, made.calls, made.at, &Mark { tag, ..Mark::default() });
        self.note(inserted);
    }

    fn event(&mut self, event: &Event) {
        // What could not be taken has been counted.
        let _ = self.insert(event);
    }
}

impl Recorder {
    /// The event that comes next has matched a rule.
    pub(crate) fn matched(&mut self, rule: &Rule) {
        let message = MatchedRule {
            rule_id: rule.id.to_string(),
            rule_version: rule.version.to_string(),
            policy_name: rule.policy.to_string(),
            policy_version: rule.policy_version.to_string(),
            rule_tags: rule.tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
        };
        self.matched.extend(self.tree.rule(&message));
    }

    /// The event that matched does not come.
    pub(crate) fn unmatch(&mut self) {
        self.matched.clear();
    }

    fn note(&mut self, inserted: Result<Novelty, Dropped>) {
        match inserted {
            Err(Dropped::Full) => self.full += 1,
            Err(Dropped::BrokenLineage | Dropped::BrokenEvent) => self.unplaced += 1,
            // What trees do not hold, and what failed, is nothing lost.
            Ok(_) | Err(_) => {}
        }
    }
}
