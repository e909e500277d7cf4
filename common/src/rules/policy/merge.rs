//! Several files made one: what comes first, what changes what, what is not meant for this machine.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::definition::{Combine, Document, Located, MacroDefinition, Place, PolicySource, RuleDefinition};
use super::document;
use super::host::Host;
use super::report::{Fault, Report};
use super::version::{REFERENCE, contains};

/// A definition and the file it is from.
#[derive(Debug)]
pub(super) struct From<T> {
    /// The file's place among the sources.
    pub(super) source: usize,
    /// The version that the file gives itself.
    pub(super) version: String,
    pub(super) definition: T,
}

/// What is left of all files.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) macros: Vec<From<MacroDefinition>>,
    pub(super) rules: Vec<From<RuleDefinition>>,
}

/// Reads files and puts them together. `order` is that in which they count: the default policy first.
pub(super) fn merge(sources: &[PolicySource], host: &Host, reports: &mut Vec<Report>) -> Merged {
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|index| (!sources[*index].is_default(), sources[*index].name.clone()));
    let documents: BTreeMap<usize, Document> =
        order.iter().map(|index| (*index, document::read(&sources[*index], reports))).collect();
    let replaced: Vec<_> = documents.values().filter_map(|document| document.replaces.clone()).collect();
    let mut merger = Merger { sources, host, reports, source: 0, merged: Merged::default() };
    for index in order {
        let stem = sources[index].name.trim_end_matches(".policy");
        if replaced.iter().any(|name| name.trim_end_matches(".policy") == stem) {
            continue;
        }
        merger.source = index;
        if let Some(document) = documents.get(&index) {
            document.macros.iter().for_each(|one| merger.add_macro(one, &document.version));
            document.rules.iter().for_each(|one| merger.add_rule(one, &document.version));
        }
    }
    merger.merged
}

struct Merger<'a> {
    sources: &'a [PolicySource],
    host: &'a Host,
    reports: &'a mut Vec<Report>,
    source: usize,
    merged: Merged,
}

impl Merger<'_> {
    fn report(&mut self, rule: &str, place: Place, fault: Fault) {
        let policy = self.sources[self.source].name.clone();
        self.reports.push(Report { policy, rule: rule.into(), place, width: 1, fault });
    }

    /// Whether a definition is meant for this version and machine.
    fn is_meant(&mut self, id: &str, versions: Option<&Located<String>>, filters: &[Located<String>]) -> bool {
        if let Some(range) = versions {
            match contains(&range.value, REFERENCE) {
                Some(true) => {}
                Some(false) => {
                    self.report(id, range.place, Fault::OtherVersion(range.value.clone()));
                    return false;
                }
                None => {
                    self.report(id, range.place, Fault::BadVersions(range.value.clone()));
                    return false;
                }
            }
        }
        let Some(first) = filters.first() else { return true };
        for filter in filters {
            match self.host.passes(&filter.value) {
                Ok(true) => return true,
                Ok(false) => {}
                Err(problem) => {
                    let (place, width) = place_of(&self.sources[self.source].text, filter, problem.span);
                    let policy = self.sources[self.source].name.clone();
                    let fault = Fault::Expression(problem);
                    self.reports.push(Report { policy, rule: id.into(), place, width, fault });
                    return false;
                }
            }
        }
        self.report(id, first.place, Fault::OtherHost(first.value.clone()));
        false
    }

    fn add_macro(&mut self, new: &MacroDefinition, version: &str) {
        if new.id.is_empty() {
            return self.report("", new.place, Fault::NoId);
        }
        if new.expression.is_some() != new.values.is_empty() {
            return self.report(&new.id, new.place, Fault::MacroBody);
        }
        if !self.is_meant(&new.id, new.agent_version.as_ref(), &new.filters) {
            return;
        }
        let known = self.merged.macros.iter().position(|one| one.definition.id == new.id);
        match (known, new.combine) {
            (None, _) => {}
            (Some(index), Some(Combine::Override)) => {
                let known = &mut self.merged.macros[index];
                (known.source, known.definition) = (self.source, new.clone());
                return;
            }
            (Some(index), Some(Combine::Merge)) => {
                let known = &mut self.merged.macros[index].definition;
                if known.expression.is_some() || new.expression.is_some() {
                    return self.report(&new.id, new.place, Fault::Merge);
                }
                known.values.extend(new.values.iter().cloned());
                return;
            }
            (Some(_), None) => return self.report(&new.id, new.place, Fault::Duplicate),
        }
        self.merged.macros.push(From { source: self.source, version: version.into(), definition: new.clone() });
    }

    fn add_rule(&mut self, new: &RuleDefinition, version: &str) {
        if new.id.is_empty() {
            return self.report("", new.place, Fault::NoId);
        }
        if !new.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return self.report(&new.id, new.place, Fault::BadId(new.id.clone()));
        }
        if !self.is_meant(&new.id, new.agent_version.as_ref(), &new.filters) {
            return;
        }
        let Some(index) = self.merged.rules.iter().position(|one| one.definition.id == new.id) else {
            if new.expression.is_none() && !new.disabled {
                let fault = if new.combine.is_some() { Fault::NothingToOverride } else { Fault::NoExpression };
                return self.report(&new.id, new.place, fault);
            }
            self.merged.rules.push(From { source: self.source, version: version.into(), definition: new.clone() });
            return;
        };
        let from_default = self.sources[self.merged.rules[index].source].is_default();
        let customises = from_default && !self.sources[self.source].is_default();
        let source = self.source;
        let known = &mut self.merged.rules[index];
        if new.disabled {
            if customises || known.definition.disabled {
                known.definition.disabled = true;
            } else {
                self.report(&new.id, new.place, Fault::Duplicate);
            }
            return;
        }
        if new.combine == Some(Combine::Override) {
            return overrule(&mut known.definition, new, from_default);
        }
        if known.definition.disabled {
            // The later one's word counts; what it does not say stays.
            let expression = new.expression.clone().or_else(|| known.definition.expression.take());
            known.definition = RuleDefinition { expression, ..new.clone() };
            known.source = source;
            return;
        }
        self.report(&new.id, new.place, Fault::Duplicate);
    }
}

/// Changes what an override names. Without names it is the expression.
fn overrule(known: &mut RuleDefinition, new: &RuleDefinition, from_default: bool) {
    let has = |field: &str| new.override_fields.iter().any(|name| name == field);
    let expression = known.expression.clone();
    if has("all") && from_default {
        *known = RuleDefinition { expression, combine: None, ..new.clone() };
        return;
    }
    if (new.override_fields.is_empty() || has("expression")) && new.expression.is_some() {
        known.expression.clone_from(&new.expression);
    }
    if has("actions") {
        for action in &new.actions {
            if !known.actions.iter().any(|one| one.value == action.value) {
                known.actions.push(action.clone());
            }
        }
    }
    if has("every") {
        known.every = new.every;
    }
    if has("tags") {
        known.tags.extend(new.tags.clone());
    }
    if has("product_tags") {
        for tag in &new.product_tags {
            if !known.product_tags.contains(tag) {
                known.product_tags.push(tag.clone());
            }
        }
    }
}

/// Where in a file a part of an expression stands, and how many characters of the line it takes.
///
/// YAML folds lines and knows quotes, so that a text is not in the file as it is. What is not blank is found again
/// in order.
pub(super) fn place_of(text: &str, located: &Located<String>, span: crate::rules::Span) -> (Place, usize) {
    let fallback = (located.place, 1);
    let Some(raw) = text.get(located.place.offset..) else { return fallback };
    let mut characters = raw.char_indices().peekable();
    match raw.chars().next() {
        Some('>' | '|') => while characters.next_if(|(_, one)| *one != '\n').is_some() {},
        Some('"' | '\'') => drop(characters.next()),
        _ => {}
    }
    let (mut start, mut end) = (None, None);
    for (index, expected) in located.value.char_indices().filter(|(_, one)| !one.is_whitespace()) {
        let mut skipped = 0;
        let at = loop {
            match characters.next() {
                Some((at, found)) if found == expected => break at,
                Some((_, found)) if found.is_whitespace() => {}
                Some(_) if skipped < 2 => skipped += 1,
                _ => return fallback,
            }
        };
        if index >= span.start && start.is_none() {
            start = Some(at);
        }
        if index < span.end.max(span.start + 1) {
            end = Some(at + expected.len_utf8());
        }
    }
    // Past the end: behind the last character.
    let start = start.or(end).unwrap_or(0);
    let offset = located.place.offset + start;
    let (line, column) = crate::rules::Span { start: offset, end: offset }.position(text);
    let line_end = raw[start..].find('\n').map_or(raw.len(), |length| start + length);
    let end = end.unwrap_or(start).min(line_end).max(start);
    (Place { line, column, offset }, raw[start..end].chars().count().max(1))
}
