//! From YAML to definitions.
//!
//! The file is read into a tree that knows where each part stands (`yaml`), and the tree is taken apart by hand
//! (`nodes`), so that one part of a wrong kind costs one rule and not the file.

mod actions;
mod nodes;
mod yaml;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde_saphyr::Spanned;

use super::definition::{Combine, Document, MacroDefinition, Place, PolicySource, RuleDefinition};
use super::report::{Fault, Report};
use yaml::{Entries, Yaml, place};

/// The largest file that is read, in bytes.
const MAX_FILE: usize = 8 * 1024 * 1024;

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
impl FileReader<'_> {
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
}
