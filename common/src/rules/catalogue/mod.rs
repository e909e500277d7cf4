//! What names mean: fields and constants.
//!
//! A field that the event model has is a field of the language, found in the model's own tables
//! ([`crate::schema`]), so that nothing has to be kept in step. Names that the reference has and Lapwing
//! cannot tell are in [`upstream`]: known and typed, so that a rule that uses one can be told what it lacks.

mod constants;
mod field;
mod roots;
mod suggest;
mod upstream;

pub(crate) use constants::Constants;
pub(crate) use field::{Field, Reading, TextKind, read};
pub use field::{Subject, Ty};
pub(crate) use roots::List;
pub(crate) use suggest::nearest;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::event::{Event, EventType};
use crate::schema;

/// A name of a field, taken apart.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) field: Field,
    /// The register of its sequence: `A` of `process.ancestors[A].comm`.
    pub(crate) register: Option<Box<str>>,
    /// Which element of it: 2 of `exec.argv[2]`.
    pub(crate) index: Option<usize>,
    pub(crate) part: Part,
}

/// What of a field is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Itself.
    Whole,
    /// How long it is.
    Length,
    /// The last two labels of a host's name.
    RootDomain,
}

/// Why a name means nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    Unknown,
    BadRegister,
    NotAList(String),
}

/// Finds the field of a name.
pub(crate) fn find(name: &str) -> Result<Found, Lost> {
    let Some((base, inside, rest)) = brackets(name)? else {
        return find_plain(name, None).or_else(|| special(name)).ok_or(Lost::Unknown);
    };
    if roots::list(base).is_some() {
        let named = inside.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        let member = rest.strip_prefix('.').filter(|_| named).ok_or(Lost::BadRegister)?;
        let plain = alloc::format!("{base}.{member}");
        let found = find_plain(&plain, None).or_else(|| special(&plain)).ok_or(Lost::Unknown)?;
        return Ok(Found { register: Some(inside.into()), ..found });
    }
    let found = find_plain(base, None).ok_or(Lost::Unknown)?;
    let index = inside.parse().ok().filter(|_| rest.is_empty());
    if index.is_none() || found.field.ty != Ty::Texts {
        return Err(Lost::NotAList(base.into()));
    }
    Ok(Found { index, ..found })
}

/// Finds what a filter of rules may ask about a machine.
pub(crate) fn find_of_host(name: &str) -> Result<Found, Lost> {
    let ty = upstream::find_of_host(name).ok_or(Lost::Unknown)?;
    Ok(Found { field: Field::new(name, ty, Reading::Unfed), register: None, index: None, part: Part::Whole })
}

fn brackets(name: &str) -> Result<Option<(&str, &str, &str)>, Lost> {
    let Some((base, rest)) = name.split_once('[') else { return Ok(None) };
    let (inside, rest) = rest.split_once(']').ok_or(Lost::BadRegister)?;
    if rest.contains(['[', ']']) {
        return Err(Lost::BadRegister);
    }
    Ok(Some((base, inside, rest)))
}

fn special(name: &str) -> Option<Found> {
    if let Some(base) = name.strip_suffix(".length") {
        if let Some(list) = roots::list(base) {
            let field = Field::new(name, Ty::Int, Reading::Count(list));
            return Some(Found { field, register: None, index: None, part: Part::Whole });
        }
        return find_plain(base, Some(Part::Length)).filter(|found| found.field.ty.has_length());
    }
    let base = name.strip_suffix(".root_domain")?;
    find_plain(base, Some(Part::RootDomain)).filter(|found| found.field.ty.text().is_some())
}

fn find_plain(name: &str, part: Option<Part>) -> Option<Found> {
    let name = &*upstream::renamed(name);
    let field = ours(name).or_else(|| {
        let ty = upstream::find(name)?;
        Some(Field::new(name, ty, Reading::Unfed))
    })?;
    Some(Found { field, register: None, index: None, part: part.unwrap_or(Part::Whole) })
}

fn ours(name: &str) -> Option<Field> {
    if let Some((list, member)) = roots::element(name) {
        let accessor = schema::find(member)?;
        return Some(Field::new(name, Ty::of(accessor.kind), Reading::Element(list, accessor)));
    }
    if let Some((root, member)) = roots::process(name)
        && let Some(accessor) = schema::find(member)
    {
        return Some(Field::new(name, Ty::of(accessor.kind), Reading::Process(root, accessor)));
    }
    if let Some(text) = upstream::constant(name) {
        return Some(Field::new(name, Ty::Text, Reading::Constant(text)));
    }
    let accessor = schema::find::<Event>(name)?;
    Some(Field::new(name, Ty::of(accessor.kind), Reading::Event(accessor)))
}

/// The type of events that a name is about, if it is about one; the name of the type if Lapwing does not
/// observe it.
pub(crate) fn subject(name: &str) -> Subject {
    let first = name.split(['.', '[']).next().unwrap_or_default();
    match EventType::named(first) {
        Some(event) => Subject::Event(event),
        None => upstream::unobserved(first).map_or(Subject::Any, Subject::Unobserved),
    }
}

/// The names of all fields that a rule may use, for suggestions.
pub(crate) fn names() -> Vec<String> {
    let mut names: Vec<_> = schema::describe::<Event>().into_iter().map(|field| field.name).collect();
    upstream::names(&mut names);
    names
}
