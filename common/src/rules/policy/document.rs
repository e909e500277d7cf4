//! From YAML to definitions.
//!
//! The file is read into a tree that knows where each part stands, and the tree is taken apart by hand, so that one
//! part of a wrong kind costs one rule and not the file.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::definition::{
    ActionDefinition, Combine, Document, Located, MacroDefinition, Place, PolicySource, RuleDefinition, SetDefinition,
    What,
};
use super::report::{Fault, Report};
use crate::rules::SampleValue;
use crate::rules::catalogue::nearest;

/// The largest file that is read, in bytes.
const MAX_FILE: usize = 8 * 1024 * 1024;

/// A part of a file.
#[derive(Clone, Debug)]
pub(super) enum Yaml {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Yaml>>),
    Map(Vec<(String, Spanned<Yaml>)>),
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Yaml, E> {
        Ok(Yaml::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Yaml, E> {
        Ok(Yaml::Int(value.cast_signed()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Yaml, E> {
        Ok(Yaml::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Yaml, E> {
        Ok(Yaml::Text(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_none<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Yaml, D::Error> {
        Yaml::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Yaml, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Yaml::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Yaml, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            all.push(entry);
        }
        Ok(Yaml::Map(all))
    }
}

/// Reads a file. What cannot be used is reported.
pub(super) fn read(source: &PolicySource, reports: &mut Vec<Report>) -> Document {
    let mut reader = FileReader { source, rule: String::new(), reports };
    let start = Place { line: 1, column: 1, offset: 0 };
    if source.text.len() > MAX_FILE {
        reader.report(start, Fault::Yaml(format!("the file is larger than {MAX_FILE} bytes")));
        return Document::default();
    }
    let read: Result<Option<Spanned<Yaml>>, _> = serde_saphyr::from_str(&source.text);
    match read {
        Ok(Some(root)) => reader.document(&root),
        Ok(None) => {
            reader.report(start, Fault::Empty);
            Document::default()
        }
        Err(error) => {
            let location = error.location();
            let (line, column) = location.map_or((1, 1), |at| (at.line(), at.column()));
            let number = |value: u64| usize::try_from(value).unwrap_or(1);
            let place = Place { line: number(line), column: number(column), offset: 0 };
            let message = error.without_snippet().to_string();
            reader.report(place, Fault::Yaml(message.lines().next().unwrap_or_default().into()));
            Document::default()
        }
    }
}

struct FileReader<'a> {
    source: &'a PolicySource,
    /// The rule or macro that is being read.
    rule: String,
    reports: &'a mut Vec<Report>,
}

type Entries = [(String, Spanned<Yaml>)];

fn place(node: &Spanned<Yaml>) -> Place {
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    let at = node.referenced;
    Place {
        line: number(at.line()),
        column: number(at.column()),
        offset: at.span().byte_offset().map_or(usize::MAX, number),
    }
}

impl FileReader<'_> {
    fn report(&mut self, place: Place, fault: Fault) {
        let (policy, rule) = (self.source.name.clone(), self.rule.clone());
        self.reports.push(Report { policy, rule, place, width: 1, fault });
    }

    fn shape(&mut self, node: &Spanned<Yaml>, key: &str, expected: &'static str) {
        self.report(place(node), Fault::Shape { key: key.into(), expected });
    }

    fn map<'n>(&mut self, node: &'n Spanned<Yaml>, key: &str) -> Option<&'n Entries> {
        match &node.value {
            Yaml::Map(entries) => Some(entries),
            Yaml::Null => Some(&[]),
            _ => {
                self.shape(node, key, "a map");
                None
            }
        }
    }

    fn list<'n>(&mut self, node: &'n Spanned<Yaml>, key: &str) -> &'n [Spanned<Yaml>] {
        match &node.value {
            Yaml::List(items) => items,
            Yaml::Null => &[],
            _ => {
                self.shape(node, key, "a list");
                &[]
            }
        }
    }

    fn text(&mut self, node: &Spanned<Yaml>, key: &str) -> Option<Located<String>> {
        let value = match &node.value {
            Yaml::Text(text) => text.clone(),
            // As it is written: 1.10 is no 1.1, and somebody may be called y.
            Yaml::Int(value) => self.raw(node).unwrap_or_else(|| value.to_string()),
            Yaml::Float(value) => self.raw(node).unwrap_or_else(|| value.to_string()),
            Yaml::Bool(value) => self.raw(node).unwrap_or_else(|| value.to_string()),
            Yaml::Null => return None,
            Yaml::List(_) | Yaml::Map(_) => {
                self.shape(node, key, "a text");
                return None;
            }
        };
        Some(Located { value, place: place(node) })
    }

    fn raw(&self, node: &Spanned<Yaml>) -> Option<String> {
        let rest = self.source.text.get(place(node).offset..)?;
        let end = rest.find(['\n', ',', '}', ']', '#']).unwrap_or(rest.len());
        Some(rest[..end].trim().into())
    }

    fn plain(&mut self, node: &Spanned<Yaml>, key: &str) -> String {
        self.text(node, key).map(|text| text.value).unwrap_or_default()
    }

    fn bool(&mut self, node: &Spanned<Yaml>, key: &str) -> bool {
        match node.value {
            Yaml::Bool(value) => value,
            Yaml::Null => false,
            _ => {
                self.shape(node, key, "true or false");
                false
            }
        }
    }

    fn texts(&mut self, node: &Spanned<Yaml>, key: &str) -> Vec<Located<String>> {
        if let Yaml::Text(_) = node.value {
            return self.text(node, key).into_iter().collect();
        }
        self.list(node, key).iter().filter_map(|item| self.text(item, key)).collect()
    }

    /// `5s`, `1h30m`, or nanoseconds.
    fn duration(&mut self, node: &Spanned<Yaml>, key: &str) -> Option<u64> {
        let parsed = match &node.value {
            Yaml::Int(value) => u64::try_from(*value).ok(),
            Yaml::Text(text) => duration(text),
            Yaml::Null => return None,
            _ => None,
        };
        if parsed.is_none() {
            self.shape(node, key, "a duration, such as 10s or 5m");
        }
        parsed
    }

    fn number(&mut self, node: &Spanned<Yaml>, key: &str) -> Option<i64> {
        match &node.value {
            Yaml::Int(value) => Some(*value),
            Yaml::Null => None,
            _ => {
                self.shape(node, key, "a number");
                None
            }
        }
    }

    fn unknown(&mut self, key: &str, node: &Spanned<Yaml>, of: &'static str, known: &[&str]) {
        let nearest = nearest(key, known.iter().copied());
        self.report(place(node), Fault::UnknownKey { key: key.into(), of, nearest });
    }

    fn document(&mut self, root: &Spanned<Yaml>) -> Document {
        let mut document = Document::default();
        let Some(entries) = self.map(root, "a policy") else { return document };
        for (key, node) in entries {
            match key.as_str() {
                "version" => document.version = self.plain(node, key),
                "type" => {}
                "replace_policy_id" => document.replaces = self.text(node, key).map(|text| text.value),
                "macros" => {
                    for node in self.list(node, key) {
                        document.macros.extend(self.macro_definition(node));
                    }
                }
                "rules" => {
                    for node in self.list(node, key) {
                        document.rules.extend(self.rule(node));
                    }
                }
                _ => self.unknown(key, node, "a policy", &["version", "type", "macros", "rules"]),
            }
        }
        self.rule.clear();
        if document.rules.is_empty() && document.macros.is_empty() && !entries.iter().any(|(key, _)| key == "rules") {
            self.report(place(root), Fault::Empty);
        }
        document
    }

    fn begin(&mut self, entries: &Entries) {
        self.rule.clear();
        if let Some((_, id)) = entries.iter().find(|(key, _)| key == "id") {
            self.rule = match &id.value {
                Yaml::Text(id) => id.clone(),
                Yaml::Int(id) => id.to_string(),
                _ => String::new(),
            };
        }
    }

    fn combine(&mut self, node: &Spanned<Yaml>) -> Option<Combine> {
        let text = self.text(node, "combine")?;
        match text.value.as_str() {
            "" => None,
            "merge" => Some(Combine::Merge),
            "override" => Some(Combine::Override),
            _ => {
                self.report(text.place, Fault::Choice { found: text.value, expected: "merge, override" });
                None
            }
        }
    }

    fn macro_definition(&mut self, node: &Spanned<Yaml>) -> Option<MacroDefinition> {
        let entries = self.map(node, "macros")?;
        self.begin(entries);
        let mut macro_ = MacroDefinition { place: place(node), id: self.rule.clone(), ..MacroDefinition::default() };
        for (key, node) in entries {
            match key.as_str() {
                "id" | "description" => {}
                "expression" => macro_.expression = self.text(node, key),
                "values" => macro_.values = self.texts(node, key),
                "agent_version" => macro_.agent_version = self.text(node, key),
                "filters" => macro_.filters = self.texts(node, key),
                "combine" => macro_.combine = self.combine(node),
                _ => self.unknown(key, node, "a macro", &["id", "expression", "values", "combine", "filters"]),
            }
        }
        Some(macro_)
    }

    fn rule(&mut self, node: &Spanned<Yaml>) -> Option<RuleDefinition> {
        const KEYS: [&str; 18] = [
            "id",
            "version",
            "expression",
            "description",
            "tags",
            "product_tags",
            "agent_version",
            "filters",
            "disabled",
            "combine",
            "override_options",
            "actions",
            "every",
            "limiter_token",
            "rate_limiter_token",
            "silent",
            "group_id",
            "priority",
        ];
        let entries = self.map(node, "rules")?;
        self.begin(entries);
        let before = self.reports.len();
        let mut rule = RuleDefinition { place: place(node), id: self.rule.clone(), ..RuleDefinition::default() };
        for (key, node) in entries {
            match key.as_str() {
                "id" => rule.place = place(node),
                "version" => rule.version = self.plain(node, key),
                "expression" => rule.expression = self.text(node, key).filter(|text| !text.value.trim().is_empty()),
                "description" => rule.description = self.plain(node, key),
                "tags" => rule.tags = self.tags(node),
                "product_tags" => {
                    rule.product_tags = self.texts(node, key).into_iter().map(|text| text.value).collect()
                }
                "agent_version" => rule.agent_version = self.text(node, key).filter(|text| !text.value.is_empty()),
                "filters" => rule.filters = self.texts(node, key),
                "disabled" => rule.disabled = self.bool(node, key),
                "combine" => rule.combine = self.combine(node),
                "override_options" => {
                    for (key, node) in self.map(node, key)? {
                        match key.as_str() {
                            "fields" => {
                                rule.override_fields =
                                    self.texts(node, key).into_iter().map(|text| text.value).collect();
                            }
                            _ => self.unknown(key, node, "override_options", &["fields"]),
                        }
                    }
                }
                "actions" => {
                    for node in self.list(node, key) {
                        rule.actions.extend(self.action(node));
                    }
                }
                "every" => rule.every = self.duration(node, key),
                "limiter_token" | "rate_limiter_token" => rule.limiter_token = self.texts(node, key),
                "silent" => rule.silent = self.bool(node, key),
                "group_id" => rule.group_id = self.plain(node, key),
                "priority" => rule.priority = self.number(node, key).unwrap_or(0),
                _ => self.unknown(key, node, "a rule", &KEYS),
            }
        }
        // Half a rule would do something else than what its author wrote.
        let is_broken = self.reports[before..].iter().any(|report| report.fault.severity() == super::Severity::Error);
        (!is_broken).then_some(rule)
    }

    /// A map, or a list of `key:value`.
    fn tags(&mut self, node: &Spanned<Yaml>) -> BTreeMap<String, String> {
        match &node.value {
            Yaml::Map(entries) => entries.iter().map(|(key, node)| (key.clone(), self.plain(node, key))).collect(),
            Yaml::List(items) => items
                .iter()
                .map(|item| self.plain(item, "tags"))
                .map(|tag| match tag.split_once(':') {
                    Some((key, value)) => (key.into(), value.trim().into()),
                    None => (tag, String::new()),
                })
                .collect(),
            Yaml::Null => BTreeMap::new(),
            _ => {
                self.shape(node, "tags", "a map");
                BTreeMap::new()
            }
        }
    }

    fn action(&mut self, node: &Spanned<Yaml>) -> Option<Located<ActionDefinition>> {
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

    fn value(&mut self, node: &Spanned<Yaml>, key: &str) -> Option<SampleValue> {
        let bytes = |text: &str| -> Box<[u8]> { text.as_bytes().into() };
        match &node.value {
            Yaml::Bool(value) => Some(SampleValue::Bool(*value)),
            Yaml::Int(value) => Some(SampleValue::Int(*value)),
            Yaml::Text(text) => Some(SampleValue::Text(bytes(text))),
            Yaml::List(items) if !items.is_empty() => {
                let numbers =
                    items.iter().map(|item| if let Yaml::Int(value) = item.value { Some(value) } else { None });
                let texts =
                    items.iter().map(|item| if let Yaml::Text(text) = &item.value { Some(bytes(text)) } else { None });
                let texts = || texts.collect::<Option<Vec<_>>>().map(SampleValue::Texts);
                let value = numbers.collect::<Option<Vec<_>>>().map(SampleValue::Ints).or_else(texts);
                if value.is_none() {
                    self.shape(node, key, "a list of texts or of numbers");
                }
                value
            }
            Yaml::Null => None,
            _ => {
                self.shape(node, key, "true, false, a number, a text or a list of them");
                None
            }
        }
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

/// A duration as Go writes it, in nanoseconds.
fn duration(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 6] = [
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let mut rest = text.trim();
    let mut total: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|one: char| !one.is_ascii_digit())?;
        let value: u64 = rest[..digits].parse().ok()?;
        let after = &rest[digits..];
        let length = after.find(|one: char| one.is_ascii_digit()).unwrap_or(after.len());
        let (_, scale) = UNITS.iter().find(|(unit, _)| *unit == &after[..length])?;
        total = total.checked_add(value.checked_mul(*scale)?)?;
        rest = &after[length..];
    }
    Some(total)
}
