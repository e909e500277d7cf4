//! From definitions to rules.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::hash::{Hash as _, Hasher as _};
use std::hash::DefaultHasher;

use super::action::{Action, Doing, Kill, LogLevel, Set, Target};
use super::definition::{
    ActionDefinition, Located, MacroDefinition, Place, PolicySource, RuleDefinition, SetDefinition, What,
};
use super::fim;
use super::host::Host;
use super::merge::{From, Merged, merge, place_of};
use super::report::{Fault, Report, Severity, Status};
use super::rules::{Rule, Rules};
use crate::names;
use crate::rules::catalogue::{self, Subject, Ty};
use crate::rules::compile::{Compiled, Compiler, Feed};
use crate::rules::problem::{MeaningError, Problem};
use crate::rules::program::Template;
use crate::rules::set::RuleSet;
use crate::rules::syntax::{Expr, Node, Span, parse};
use crate::rules::variables::{DEFAULT_SIZE, Data, Declaration, Scalar, Scope, Source, VariableError};
use crate::rules::{Cidr, SampleValue};

/// What rules are loaded for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who feeds their fields.
    pub feed: Feed,
    /// The machine.
    pub host: Host,
    /// Only this rule.
    pub only: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { feed: Feed::Lapwing, host: Host::default(), only: None }
    }
}

/// What came of loading.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The rules that work.
    pub rules: Rules,
    /// What there is to say, in the order of files and lines.
    pub reports: Vec<Report>,
    /// What became of each rule.
    pub statuses: Vec<Status>,
}

impl Loaded {
    /// Whether something is wrong, beyond warnings.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.reports.iter().any(|report| report.fault.severity() == Severity::Error)
    }
}

/// Reads and compiles policies. Whatever cannot be used is reported, and the rest works.
#[must_use]
pub fn load(sources: &[PolicySource], options: &Options) -> Loaded {
    let mut reports = Vec::new();
    let merged = merge(sources, &options.host, &mut reports);
    let body = |one: &From<MacroDefinition>| {
        let values = one.definition.values.iter().map(|value| value.value.as_str());
        let text: Vec<_> = one.definition.expression.iter().map(|text| text.value.as_str()).chain(values).collect();
        (one.definition.id.clone(), text.join(","))
    };
    let macros = merged.macros.iter().map(body).collect();
    let compiler = Compiler::new(options.feed);
    let mut builder = Builder { sources, compiler, macros, reports, statuses: Vec::new() };
    let rules = builder.build(&merged, options.only.as_deref());
    let Builder { mut reports, mut statuses, .. } = builder;
    if let Some(only) = &options.only {
        let is_other = |id: &str| id != only && merged.rules.iter().any(|rule| rule.definition.id == id);
        reports.retain(|report| !is_other(&report.rule));
    }
    let order = |policy: &str| sources.iter().position(|source| source.name == policy);
    reports.sort_by_key(|report| (order(&report.policy), report.place));
    for report in reports.iter().filter(|report| !report.rule.is_empty()) {
        let error = report.fault.severity() == Severity::Error;
        let known = statuses.iter().any(|one: &Status| one.rule == report.rule && one.policy == report.policy);
        if (error || report.fault.is_filtered()) && !known {
            let state = if error { "error" } else { "filtered" };
            let (policy, rule) = (report.policy.clone(), report.rule.clone());
            statuses.push(Status { policy, rule, state, reason: report.fault.to_string() });
        }
    }
    Loaded { rules, reports, statuses }
}

struct Builder<'a> {
    sources: &'a [PolicySource],
    compiler: Compiler,
    /// Name and body of each macro.
    macros: Vec<(String, String)>,
    reports: Vec<Report>,
    statuses: Vec<Status>,
}

/// A rule on its way.
struct Draft<'a> {
    from: &'a From<RuleDefinition>,
    rule: Rule,
    compiled: Compiled,
}

impl Builder<'_> {
    fn report(&mut self, source: usize, rule: &str, place: Place, fault: Fault) {
        let policy = self.sources[source].name.clone();
        self.reports.push(Report { policy, rule: rule.into(), place, width: 1, fault });
    }

    fn problem(&mut self, source: usize, rule: &str, text: &Located<String>, problem: Problem) {
        let (place, width) = place_of(&self.sources[source].text, text, problem.span);
        let policy = self.sources[source].name.clone();
        self.reports.push(Report { policy, rule: rule.into(), place, width, fault: Fault::Expression(problem) });
    }

    /// Compiles the rules, or one of them; what actions of all set is known in any case.
    fn build(&mut self, merged: &Merged, only: Option<&str>) -> Rules {
        for From { source, definition, .. } in &merged.macros {
            match &definition.expression {
                Some(text) => match Compiler::read_macro(&text.value) {
                    Ok(node) => self.compiler.add_macro(&definition.id, node),
                    Err(problem) => self.problem(*source, &definition.id, text, problem),
                },
                None => {
                    let member = |text: &Located<String>| Node {
                        span: Span::default(),
                        kind: Expr::Str(text.value.as_str().into()),
                    };
                    let members = definition.values.iter().map(member).collect();
                    let node = Node { span: Span::default(), kind: Expr::List(members) };
                    self.compiler.add_macro(&definition.id, node);
                }
            }
        }
        let active: Vec<_> = merged.rules.iter().filter(|rule| !rule.definition.disabled).collect();
        for rule in &merged.rules {
            if rule.definition.disabled {
                self.report(rule.source, &rule.definition.id, rule.definition.place, Fault::Disabled);
            }
        }
        let sound: Vec<_> = active.into_iter().filter(|rule| self.declare(rule)).collect();
        let mut drafts = Vec::new();
        for from in sound.into_iter().filter(|from| only.is_none_or(|only| from.definition.id == only)) {
            self.rule(from, &mut drafts);
        }
        self.finish(drafts)
    }

    /// Makes the variables of a rule known. Returns whether all is well with them.
    fn declare(&mut self, from: &From<RuleDefinition>) -> bool {
        for action in &from.definition.actions {
            if let What::Set(set) = &action.value.what
                && let Err(error) = self.declare_variable(set)
            {
                self.report(from.source, &from.definition.id, action.place, Fault::Variable(error));
                return false;
            }
        }
        true
    }

    fn declare_variable(&mut self, set: &SetDefinition) -> Result<(), VariableError> {
        let name = &*set.name;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(VariableError::BadName(name.into()));
        }
        let sources = [set.value.is_some(), set.field.is_some(), set.expression.is_some()];
        if sources.into_iter().filter(|given| *given).count() != 1 {
            return Err(VariableError::OneSource);
        }
        let scope = Scope::named(&set.scope).ok_or_else(|| VariableError::BadName(set.scope.as_str().into()))?;
        let full: Box<str> = format!("{}{name}", scope.prefix()).into();
        if self.compiler.is_taken(&full) {
            return Err(VariableError::NameTaken(full));
        }
        if scope != Scope::Process {
            if set.inherited {
                return Err(VariableError::ProcessOnly("inherited"));
            }
            if set.scope_field.is_some() {
                return Err(VariableError::ProcessOnly("scope_field"));
            }
        }
        let default = match set.default.clone() {
            Some(value) => Some(data_of(value).ok_or(VariableError::BadValue("this default_value"))?),
            None => None,
        };
        let from_field = match &set.field {
            Some(field) => Some(field_type(&field.value).ok_or_else(|| VariableError::NoType(full.clone()))?),
            None => None,
        };
        let ty = match (&set.value, from_field, &default) {
            (Some(value), ..) => data_of(value.clone()).ok_or(VariableError::BadValue("this value"))?.1,
            (None, Some(ty), _) if ty.is_list() && !set.append => return Err(VariableError::NeedsAppend),
            (None, Some(ty), _) if set.append => list_of(ty).ok_or(VariableError::BadValue("a list of these"))?,
            (None, Some(ty), _) => ty,
            (None, None, Some((_, ty))) => *ty,
            (None, None, None) => return Err(VariableError::NoType(full)),
        };
        let declaration = Declaration {
            name: full.clone(),
            ty,
            scope,
            ttl: set.ttl,
            size: set.size.map_or(DEFAULT_SIZE, |size| usize::try_from(size).unwrap_or(DEFAULT_SIZE)),
            private: set.private,
            inherited: set.inherited,
            default: default.map(|(data, _)| data),
        };
        self.compiler.variables.declare(declaration).map(drop)
    }

    fn rule<'d>(&mut self, from: &'d From<RuleDefinition>, drafts: &mut Vec<Draft<'d>>) {
        let definition = &from.definition;
        let Some(text) = &definition.expression else {
            return self.report(from.source, &definition.id, definition.place, Fault::NoExpression);
        };
        let parsed = match parse(&text.value) {
            Ok(parsed) => parsed,
            Err(problem) => return self.problem(from.source, &definition.id, text, problem),
        };
        let expanded = if fim::is_expandable(&parsed.root) {
            fim::expand(&definition.id, &definition.group_id, &parsed.root)
        } else {
            Ok(alloc::vec![(definition.id.clone(), parsed.root)])
        };
        for warning in parsed.warnings {
            self.problem(from.source, &definition.id, text, warning);
        }
        let mut loaded = false;
        match expanded {
            Err(problem) => self.problem(from.source, &definition.id, text, problem),
            Ok(expanded) => {
                for (id, node) in expanded {
                    match self.compiler.node(&node) {
                        Ok(mut compiled) => {
                            for warning in core::mem::take(&mut compiled.warnings) {
                                self.problem(from.source, &definition.id, text, warning);
                            }
                            loaded = true;
                            let rule = self.describe(from, id, compiled.subject);
                            drafts.push(Draft { from, rule, compiled });
                        }
                        Err(problem) => {
                            self.problem(from.source, &definition.id, text, problem);
                            break;
                        }
                    }
                }
            }
        }
        if loaded {
            let (policy, rule) = (self.sources[from.source].name.clone(), definition.id.clone());
            self.statuses.push(Status { policy, rule, state: "loaded", reason: String::new() });
        }
    }

    fn describe(&self, from: &From<RuleDefinition>, id: String, subject: Subject) -> Rule {
        let definition = &from.definition;
        Rule {
            id,
            version: definition.version.clone(),
            description: definition.description.clone(),
            tags: definition.tags.clone(),
            product_tags: definition.product_tags.clone(),
            policy: self.sources[from.source].name.clone(),
            policy_version: from.version.clone(),
            event: subject.name().into(),
            silent: definition.silent,
            every: definition.every,
            meaning: self.meaning(definition),
        }
    }

    /// A number for what a rule says, with what the macros in it say.
    fn meaning(&self, definition: &RuleDefinition) -> u64 {
        let mut text = definition.expression.as_ref().map_or_else(String::new, |text| text.value.clone());
        let mut left: Vec<_> = self.macros.iter().collect();
        loop {
            let (used, unused): (Vec<_>, Vec<_>) = left.into_iter().partition(|(id, _)| text.contains(&**id));
            if used.is_empty() {
                break;
            }
            used.into_iter().for_each(|(_, body)| text.push_str(body));
            left = unused;
        }
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        hasher.finish()
    }

    fn finish(&mut self, drafts: Vec<Draft<'_>>) -> Rules {
        let mut rules = Rules::default();
        let mut compiled = Vec::new();
        for Draft { from, rule, compiled: condition } in drafts {
            let actions = from
                .definition
                .actions
                .iter()
                .filter_map(|action| self.action(from, condition.subject, action))
                .collect();
            let token = self.token(from, condition.subject);
            rules.actions.push(actions);
            rules.tokens.push(token);
            rules.rules.push(rule);
            compiled.push(condition);
        }
        let compiler = core::mem::replace(&mut self.compiler, Compiler::new(Feed::Everything));
        rules.set = RuleSet::new(compiler.program, compiler.variables, compiled);
        rules
    }

    /// The values that tell matches apart, as one text.
    fn token(&mut self, from: &From<RuleDefinition>, subject: Subject) -> Option<Template> {
        let mut text = String::new();
        for field in &from.definition.limiter_token {
            text.push_str("%{");
            text.push_str(&field.value);
            text.push_str("};");
        }
        let first = from.definition.limiter_token.first()?;
        match self.compiler.message(&text, subject) {
            Ok(template) => Some(template),
            Err(problem) => {
                let problem = Problem { span: Span::default(), ..problem };
                self.problem(from.source, &from.definition.id, first, problem);
                None
            }
        }
    }

    fn action(
        &mut self,
        from: &From<RuleDefinition>,
        subject: Subject,
        action: &Located<ActionDefinition>,
    ) -> Option<Action> {
        let id = &from.definition.id;
        let filter = match &action.value.filter {
            Some(text) => match self.compiler.filter(&text.value, subject) {
                Ok(cond) => Some(cond),
                Err(problem) => {
                    self.problem(from.source, id, text, problem);
                    return None;
                }
            },
            None => None,
        };
        let what = match &action.value.what {
            What::Unsupported(name) => {
                self.report(from.source, id, action.place, Fault::Unsupported(name));
                return None;
            }
            What::Set(set) => Doing::Set(self.set(from, subject, set)?),
            What::Kill { signal, scope } => {
                let found = names::SIGNALS.names.iter().find(|(_, name)| *name == signal.value);
                let Some(signal) = found.and_then(|(number, _)| i32::try_from(*number).ok()) else {
                    self.report(from.source, id, signal.place, Fault::Signal(signal.value.clone()));
                    return None;
                };
                let target = match scope.as_str() {
                    "container" => Target::Container,
                    "cgroup" => Target::Cgroup,
                    _ => Target::Process,
                };
                Doing::Kill(Kill { signal, target })
            }
            What::Log { level, message } => {
                let level = match level.as_str() {
                    "error" | "critical" => LogLevel::Error,
                    "warn" | "warning" => LogLevel::Warn,
                    "debug" | "trace" => LogLevel::Debug,
                    _ => LogLevel::Info,
                };
                let text = if message.is_empty() { format!("Rule {id} triggered") } else { message.clone() };
                match self.compiler.message(&text, subject) {
                    Ok(template) => Doing::Log(level, template),
                    Err(problem) => {
                        self.report(from.source, id, action.place, Fault::Expression(problem));
                        return None;
                    }
                }
            }
            What::Hash { field, max_file_size } => {
                let usual = || format!("{}.file", if subject == Subject::Any { "process" } else { subject.name() });
                let name = field.as_ref().map_or_else(usual, |field| field.value.clone());
                if catalogue::find(&format!("{name}.path")).is_err() {
                    let error = MeaningError::UnknownField(name);
                    let fault = Fault::Expression(Problem::meaning(error, Span::default()));
                    self.report(from.source, id, action.place, fault);
                    return None;
                }
                Doing::Hash { field: name, max_file_size: *max_file_size }
            }
        };
        Some(Action { filter, what })
    }

    fn set(&mut self, from: &From<RuleDefinition>, subject: Subject, set: &SetDefinition) -> Option<Set> {
        let id = &from.definition.id;
        let scope = Scope::named(&set.scope)?;
        let name = format!("{}{}", scope.prefix(), set.name);
        let variable = self.compiler.variables.declared(&name)?;
        let field = |this: &mut Self, text: &Located<String>| match this.compiler.plain_field(&text.value, subject) {
            Ok(found) => Some(found),
            Err(problem) => {
                this.problem(from.source, id, text, problem);
                None
            }
        };
        let scope_field = match &set.scope_field {
            Some(text) => Some(field(self, text)?.0),
            None => None,
        };
        let source = match (&set.value, &set.field, &set.expression) {
            (Some(value), ..) => Source::Data(data_of(value.clone())?.0),
            (_, Some(text), _) => {
                let (reference, ty) = field(self, text)?;
                Source::Field(reference, ty)
            }
            (.., Some(text)) => match self.compiler.value(&text.value, subject, self.compiler.variables.ty(variable)) {
                Ok(source) => source,
                Err(problem) => {
                    self.problem(from.source, id, text, problem);
                    return None;
                }
            },
            _ => return None,
        };
        Some(Set { id: variable, scope, scope_field, append: set.append, source })
    }
}

/// A value as variables hold it, and its type.
pub(super) fn data_of(value: SampleValue) -> Option<(Data, Ty)> {
    let text = |text: Box<[u8]>| match core::str::from_utf8(&text).ok().and_then(crate::rules::address::parse) {
        // Addresses are told from texts by how they look.
        Some(cidr) => (Scalar::Ip(cidr), Ty::Ip),
        None => (Scalar::Text(text), Ty::Text),
    };
    Some(match value {
        SampleValue::Bool(value) => (Data::Bool(value), Ty::Bool),
        SampleValue::Int(value) => (Data::One(Scalar::Int(value)), Ty::Int),
        SampleValue::Text(value) => {
            let (scalar, ty) = text(value);
            (Data::One(scalar), ty)
        }
        SampleValue::Ints(values) => (Data::List(values.into_iter().map(Scalar::Int).collect()), Ty::Ints),
        SampleValue::Texts(values) => {
            let (scalars, types): (Vec<_>, Vec<_>) = values.into_iter().map(text).unzip();
            match types.first()? {
                Ty::Ip if types.iter().all(|ty| *ty == Ty::Ip) => (Data::List(scalars), Ty::Ips),
                _ => {
                    let plain = |scalar: Scalar| match scalar {
                        Scalar::Ip(cidr) => Scalar::Text(shown(cidr)),
                        scalar => scalar,
                    };
                    (Data::List(scalars.into_iter().map(plain).collect()), Ty::Texts)
                }
            }
        }
    })
}

fn shown(cidr: Cidr) -> Box<[u8]> {
    cidr.to_string().into_bytes().into()
}

fn field_type(name: &str) -> Option<Ty> {
    let found = catalogue::find(name).ok()?;
    let is_whole = found.part == catalogue::Part::Whole && found.register.is_none() && found.index.is_none();
    match found.field.ty {
        _ if !is_whole || found.field.list().is_some() => None,
        Ty::Time => Some(Ty::Int),
        ty => Some(ty),
    }
}

fn list_of(ty: Ty) -> Option<Ty> {
    match ty {
        Ty::Int | Ty::Time | Ty::Ints => Some(Ty::Ints),
        Ty::Text | Ty::Texts => Some(Ty::Texts),
        Ty::Ip | Ty::Ips => Some(Ty::Ips),
        Ty::Bool => None,
    }
}
