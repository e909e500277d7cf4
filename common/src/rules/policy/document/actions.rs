//! What rules ask to be done.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde_saphyr::Spanned;

use super::FileReader;
use super::yaml::{Yaml, place};
use crate::rules::policy::definition::{ActionDefinition, Located, SetDefinition, What};
use crate::rules::policy::report::Fault;

impl FileReader<'_> {
    pub(super) fn action(&mut self, node: &Spanned<Yaml>) -> Option<Located<ActionDefinition>> {
        let entries = self.map(node, "actions")?;
        let mut filter = None;
        let mut found = Vec::new();
        for (key, node) in entries {
            match key.as_str() {
                "filter" => filter = self.text(node, key),
                "set" => found.extend(self.set(node).map(|set| What::Set(Box::new(set)))),
                "kill" => found.extend(self.kill(node)),
                "log" => found.extend(self.log(node)),
                "hash" => found.extend(self.hash(node)),
                "coredump" => found.push(What::Unsupported("coredump")),
                "network_filter" => found.push(What::Unsupported("network_filter")),
                _ => self.unknown(key, node, "an action", &["filter", "set", "kill", "log", "hash", "coredump"]),
            }
        }
        match <[What; 1]>::try_from(found) {
            Ok([what]) => Some(Located { value: ActionDefinition { filter, what }, place: place(node) }),
            Err(_) => {
                self.report(place(node), Fault::Action);
                None
            }
        }
    }

    fn set(&mut self, node: &Spanned<Yaml>) -> Option<SetDefinition> {
        const KEYS: [&str; 12] = [
            "name",
            "value",
            "field",
            "expression",
            "default_value",
            "append",
            "scope",
            "scope_field",
            "size",
            "ttl",
            "private",
            "inherited",
        ];
        let mut set = SetDefinition::default();
        for (key, node) in self.map(node, "set")? {
            match key.as_str() {
                "name" => set.name = self.plain(node, key),
                "value" => set.value = self.value(node, key),
                "field" => set.field = self.text(node, key),
                "expression" => set.expression = self.text(node, key),
                "default_value" => set.default = self.value(node, key),
                "append" => set.append = self.bool(node, key),
                "scope" => set.scope = self.plain(node, key),
                "scope_field" => set.scope_field = self.text(node, key),
                "size" => set.size = self.number(node, key).and_then(|size| u64::try_from(size).ok()),
                "ttl" => set.ttl = self.duration(node, key).unwrap_or(0),
                "private" => set.private = self.bool(node, key),
                "inherited" => set.inherited = self.bool(node, key),
                _ => self.unknown(key, node, "set", &KEYS),
            }
        }
        Some(set)
    }

    fn kill(&mut self, node: &Spanned<Yaml>) -> Option<What> {
        let mut signal = Located { value: "SIGKILL".into(), place: place(node) };
        let mut scope = "process".into();
        for (key, node) in self.map(node, "kill")? {
            match key.as_str() {
                "signal" => signal = self.text(node, key)?,
                "scope" => scope = self.plain(node, key),
                "disable_container_disarmer" | "disable_executable_disarmer" => {}
                _ => self.unknown(key, node, "kill", &["signal", "scope"]),
            }
        }
        if !matches!(scope.as_str(), "process" | "container" | "cgroup") {
            self.report(place(node), Fault::Choice { found: scope, expected: "process, container, cgroup" });
            return None;
        }
        Some(What::Kill { signal, scope })
    }

    fn log(&mut self, node: &Spanned<Yaml>) -> Option<What> {
        let (mut level, mut message) = ("info".into(), String::new());
        for (key, node) in self.map(node, "log")? {
            match key.as_str() {
                "level" => level = self.plain(node, key),
                "message" => message = self.plain(node, key),
                _ => self.unknown(key, node, "log", &["level", "message"]),
            }
        }
        Some(What::Log { level, message })
    }

    fn hash(&mut self, node: &Spanned<Yaml>) -> Option<What> {
        let (mut field, mut size) = (None, 0);
        for (key, node) in self.map(node, "hash")? {
            match key.as_str() {
                "field" => field = self.text(node, key),
                "max_file_size" => size = self.number(node, key).and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
                _ => self.unknown(key, node, "hash", &["field", "max_file_size"]),
            }
        }
        Some(What::Hash { field, max_file_size: size })
    }
}
