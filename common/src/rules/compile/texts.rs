//! What texts are compared with, and what a path can be.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::lower::mismatch;
use super::operand::{Operand, TextOperand};
use super::{Compiler, Rule};
use crate::rules::catalogue::TextKind;
use crate::rules::problem::{MeaningError, PathError, Problem};
use crate::rules::program::{Cond, Piece, Quantifier, Template, TextTest, Texts, Wildcards};
use crate::rules::syntax::{Expr, Node, Span};
use crate::rules::text::{Glob, Pattern, Regexp, TextSet};

/// `NAME_MAX` of linux/limits.h.
const NAME_MAX: usize = 255;
/// The most components of a path that the reference follows.
const MAX_COMPONENTS: usize = 1500;

impl Compiler {
    /// `==`, `!=`, `=~` or `!~` with a text at the left.
    pub(super) fn text_comparison(
        &mut self,
        rule: &mut Rule,
        left: TextOperand,
        right: &Node,
        as_pattern: bool,
    ) -> Result<Cond, Problem> {
        // A field at the right of a text that is written out: the other way round is the same.
        if !left.is_field && !as_pattern && matches!(right.kind, Expr::Name(_) | Expr::Field(_)) {
            match self.operand(rule, right)? {
                Operand::Text(field) if field.is_field => {
                    let test = TextTest::Among(left.texts);
                    return Ok(Cond::Text(field.texts, Quantifier::Some, test));
                }
                Operand::Text(_) => {}
                other => return Err(mismatch(&other, "a text", right.span)),
            }
        }
        let test = self.text_members(rule, &left, right, as_pattern)?;
        Ok(Cond::Text(left.texts, Quantifier::Some, test))
    }

    /// What a text is compared with. `as_pattern` makes patterns of plain texts.
    pub(super) fn text_members(
        &mut self,
        rule: &mut Rule,
        left: &TextOperand,
        right: &Node,
        as_pattern: bool,
    ) -> Result<TextTest, Problem> {
        let members = match self.written(rule, right)? {
            Some(members) => members,
            None => alloc::vec![right.clone()],
        };
        let mut set = TextSet::new(left.kind == TextKind::Folded);
        let mut others = Vec::new();
        for member in &members {
            match &member.kind {
                Expr::Str(text) => match self.text(rule, text, member.span)? {
                    Texts::Literal(_) if as_pattern => self.add_pattern(&mut set, left, text, member.span)?,
                    Texts::Literal(literal) => add_literal(&mut set, left, text, &literal, member.span)?,
                    Texts::Template(template) if as_pattern => others.push(dynamic(left, template)),
                    texts => others.push(TextTest::Among(texts)),
                },
                Expr::Pattern(text) => {
                    let template = self.template(rule, text, member.span)?;
                    match template.pieces.as_slice() {
                        [] | [Piece::Text(_)] => self.add_pattern(&mut set, left, text, member.span)?,
                        _ => others.push(dynamic(left, template)),
                    }
                }
                Expr::Regexp(text) => {
                    if left.is_real_path {
                        let error = MeaningError::Path(PathError::Regexp);
                        return Err(Problem::meaning(error, member.span).hint("use a pattern: ~\"/etc/**/*.conf\""));
                    }
                    set.regexps.push(self.regexp(text, member.span)?);
                }
                _ => match self.operand(rule, member)? {
                    Operand::Text(text) if as_pattern => match text.texts {
                        Texts::Variable(id) => {
                            others.push(dynamic(left, Template { pieces: alloc::vec![Piece::Variable(id)] }));
                        }
                        _ => return Err(Problem::meaning(MeaningError::DynamicPattern, member.span)),
                    },
                    Operand::Text(text) => others.push(TextTest::Among(text.texts)),
                    other => return Err(mismatch(&other, "a text", member.span)),
                },
            }
        }
        let is_empty =
            set.exact().next().is_none() && set.patterns.is_empty() && set.globs.is_empty() && set.regexps.is_empty();
        if others.is_empty() {
            return Ok(TextTest::Set(set));
        }
        if !is_empty {
            others.push(TextTest::Set(set));
        }
        match <[TextTest; 1]>::try_from(others) {
            Ok([only]) => Ok(only),
            Err(several) => Ok(TextTest::Either(several.into())),
        }
    }

    fn regexp(&mut self, text: &str, span: Span) -> Result<u32, Problem> {
        if let Some(index) = self.program.regexps.iter().position(|regexp| regexp.text() == text) {
            return Ok(u32::try_from(index).unwrap_or(u32::MAX));
        }
        let regexp = Regexp::new(text).map_err(|reason| Problem::meaning(MeaningError::Regexp(reason), span))?;
        self.program.regexps.push(regexp);
        Ok(u32::try_from(self.program.regexps.len() - 1).unwrap_or(u32::MAX))
    }

    fn add_pattern(&mut self, set: &mut TextSet, left: &TextOperand, text: &str, span: Span) -> Result<(), Problem> {
        let bytes = text.as_bytes();
        if !bytes.contains(&b'*') {
            return add_literal(set, left, text, bytes, span);
        }
        if left.kind != TextKind::Path {
            let dotted = left.kind == TextKind::Extension && !bytes.starts_with(b".") && !bytes.starts_with(b"*");
            let text: Box<[u8]> = if dotted { [b".", bytes].concat().into() } else { bytes.into() };
            set.patterns.push(Pattern::new(&text, set.fold));
            return Ok(());
        }
        if left.is_real_path {
            check_path(text, true).map_err(|error| refuse(error, span))?;
        }
        let glob = Glob::new(bytes).map_err(|_bad| Problem::meaning(MeaningError::Glob, span))?;
        set.globs.push(glob);
        Ok(())
    }
}

fn add_literal(set: &mut TextSet, left: &TextOperand, text: &str, literal: &[u8], span: Span) -> Result<(), Problem> {
    if left.is_real_path {
        check_path(text, false).map_err(|error| refuse(error, span))?;
    }
    match (left.kind, literal) {
        (TextKind::Extension, [first, ..]) if *first != b'.' => set.add(&[b".", literal].concat()),
        (TextKind::Origin, b"ebpf") => set.add(b"kernel"),
        (TextKind::Origin, b"ebpfless") => set.add(b"ptrace"),
        // What has no place has no path in the reference: the rules that it comes with find programs in memory by that.
        (TextKind::Path, b"") => {
            set.add(literal);
            set.patterns.push(Pattern::new(b"memfd:*", set.fold));
        }
        _ => set.add(literal),
    }
    Ok(())
}

fn dynamic(left: &TextOperand, template: Template) -> TextTest {
    let wildcards = if left.kind == TextKind::Path { Wildcards::Path } else { Wildcards::Plain };
    TextTest::Pattern(template, wildcards)
}

fn refuse(error: PathError, span: Span) -> Problem {
    let problem = Problem::meaning(MeaningError::Path(error), span);
    match error {
        PathError::Relative => problem.hint("match the last component by `.name`, or the end by ~\"**/...\""),
        PathError::Home => problem.hint("write the directory out, or ~\"/home/*/...\""),
        _ => problem,
    }
}

/// Whether a path in an event could be this. Empty text is one: that of a file without a path.
fn check_path(text: &str, is_pattern: bool) -> Result<(), PathError> {
    if text.is_empty() {
        return Ok(());
    }
    if text == "*" {
        return Err(PathError::Lone);
    }
    if text.starts_with('~') {
        return Err(PathError::Home);
    }
    // What the kernel names so has no place in the tree: `memfd:`, `pipe:[...]`, a deleted file.
    let starts_well = text.starts_with('/') || text.starts_with("memfd:") || (is_pattern && text.starts_with('*'));
    if !starts_well {
        return Err(PathError::Relative);
    }
    let body = text.strip_prefix('/').unwrap_or(text);
    let components = || body.split('/');
    if text != "/" && components().any(|component| matches!(component, "" | "." | "..")) {
        return Err(PathError::NotClean);
    }
    if components().count() > MAX_COMPONENTS || components().any(|component| component.len() > NAME_MAX) {
        return Err(PathError::TooLong);
    }
    Ok(())
}
