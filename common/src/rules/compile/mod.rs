//! From an expression to a condition that can be evaluated: names, types, and what follows from them.

mod lower;
mod members;
mod operand;
mod parts;
mod settle;
mod texts;

pub(crate) use operand::compute;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::catalogue::{Constants, List, Subject, Ty};
use super::problem::{MeaningError, Problem, Warning};
use super::program::{Cond, Program, Slot};
use super::syntax::{Node, Span, parse, parse_macro};
use super::variables::{Declarations, VariableId};
use crate::event::Origin;

/// The most parts of an expression, those of its macros included.
pub(crate) const MAX_PARTS: usize = 100_000;

/// Who is to feed the fields of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// Lapwing with this backend.
    Backend(Origin),
    /// Lapwing with any backend: a field counts as fed that at least one of them tells.
    Lapwing,
    /// Somebody who knows everything, such as the author of a test's events.
    Everything,
}

/// Compiles rules that share macros, variables and what they ask.
#[derive(Debug)]
pub(crate) struct Compiler {
    feed: Feed,
    /// Expressions are about a machine, not about events.
    host: bool,
    constants: Constants,
    macros: HashMap<Box<str>, Node>,
    pub(crate) variables: Declarations,
    pub(crate) program: Program,
    fields: HashMap<Box<str>, u32>,
    interned: HashMap<String, Cond>,
}

/// A rule that compiles.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) condition: Cond,
    pub(crate) subject: Subject,
    /// Numbers of the fields that it names.
    pub(crate) fields: Vec<u32>,
    pub(crate) warnings: Vec<Problem>,
}

/// What lowering one rule has met.
#[derive(Debug, Default)]
struct Rule {
    register: Option<(Box<str>, List)>,
    subject: Option<(Subject, Box<str>)>,
    fields: BTreeMap<u32, Span>,
    unfed: BTreeMap<u32, Span>,
    parts: usize,
    warnings: Vec<Problem>,
    /// The macros that are being expanded.
    within: Vec<Box<str>>,
    touched: Touched,
}

/// What lowering one comparison has met.
#[derive(Debug, Default)]
struct Touched {
    unfed: bool,
    list: Option<List>,
    volatile: bool,
    register: bool,
}

impl Compiler {
    pub(crate) fn new(feed: Feed) -> Self {
        Self {
            feed,
            host: false,
            constants: Constants::new(),
            macros: HashMap::new(),
            variables: Declarations::default(),
            program: Program::default(),
            fields: HashMap::new(),
            interned: HashMap::new(),
        }
    }

    /// Compiles filters by machine.
    pub(crate) fn for_host(feed: Feed) -> Self {
        Self { host: true, ..Self::new(feed) }
    }

    /// Makes a macro known. Whether it means anything is found out where it is used.
    pub(crate) fn add_macro(&mut self, name: &str, node: Node) {
        self.macros.insert(name.into(), node);
    }

    /// Whether a name is taken by a field or a constant.
    pub(crate) fn is_taken(&self, name: &str) -> bool {
        self.constants.get(name).is_some() || super::catalogue::find(name).is_ok()
    }

    /// Reads and compiles an expression.
    pub(crate) fn rule(&mut self, text: &str) -> Result<Compiled, Problem> {
        let parsed = parse(text)?;
        let mut compiled = self.node(&parsed.root)?;
        compiled.warnings.extend(parsed.warnings);
        compiled.warnings.sort_by_key(|warning| warning.span.start);
        Ok(compiled)
    }

    /// Compiles an expression.
    pub(crate) fn node(&mut self, node: &Node) -> Result<Compiled, Problem> {
        let mut rule = Rule::default();
        let condition = self.condition(&mut rule, node)?;
        let condition = match &rule.register {
            Some((_, list)) => Cond::Each(*list, Slot::Register, Box::new(condition)),
            None => condition,
        };
        let subject = match rule.subject {
            Some((Subject::Unobserved(name), _)) if self.feed != Feed::Everything => {
                let is_it = |id: u32| self.program.fields[id as usize].subject == Subject::Unobserved(name);
                let spans = rule.fields.iter().filter(|(id, _)| is_it(**id)).map(|(_, span)| *span);
                let span = spans.min_by_key(|span| span.start).unwrap_or(node.span);
                return Err(Problem::meaning(MeaningError::UnobservedEvent(name.into()), span));
            }
            Some((subject, _)) => subject,
            None if self.host => Subject::Any,
            None => {
                return Err(Problem::meaning(MeaningError::NoEvent, node.span)
                    .hint("name a field of an event, such as exec.file.path or open.file.path"));
            }
        };
        let whose = match self.feed {
            Feed::Backend(Origin::Kernel) => "the kernel backend does",
            Feed::Backend(Origin::Ptrace) => "the ptrace backend does",
            Feed::Lapwing | Feed::Everything => "Lapwing does",
        };
        let name_of = |id: u32| String::from(&*self.program.fields[id as usize].name);
        let condition = settle::settle(condition, &self.program);
        if let (Cond::Const(false), Some((id, span))) = (&condition, rule.unfed.first_key_value()) {
            return Err(Problem::meaning(MeaningError::CannotMatch { field: name_of(*id), whose }, *span));
        }
        let mut warnings = rule.warnings;
        warnings.extend(
            rule.unfed.iter().map(|(id, span)| Problem::warning(Warning::Unfed { field: name_of(*id), whose }, *span)),
        );
        Ok(Compiled { condition, subject, fields: rule.fields.keys().copied().collect(), warnings })
    }

    /// Reads the body of a macro.
    pub(crate) fn read_macro(text: &str) -> Result<Node, Problem> {
        Ok(parse_macro(text)?.root)
    }

    /// The number of a field that is known to be one.
    fn intern_field(&mut self, field: super::catalogue::Field) -> u32 {
        if let Some(id) = self.fields.get(&field.name) {
            return *id;
        }
        let id = u32::try_from(self.program.fields.len()).unwrap_or(u32::MAX);
        self.fields.insert(field.name.clone(), id);
        self.program.fields.push(field);
        id
    }

    fn is_fed(&self, id: u32) -> bool {
        let field = &self.program.fields[id as usize];
        match self.feed {
            Feed::Everything => true,
            Feed::Lapwing => field.is_known(),
            Feed::Backend(origin) => field.is_fed_by(origin),
        }
    }

    /// The type of a variable.
    fn variable_type(&self, id: VariableId) -> Ty {
        self.variables.ty(id)
    }
}
