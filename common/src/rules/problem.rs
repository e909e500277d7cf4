//! What can be wrong with a rule, and where.

use alloc::string::String;
use core::fmt;

use thiserror::Error;

use super::syntax::Span;

/// Something to mend, or to know, about an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is.
    pub kind: ProblemKind,
    /// Where in the expression.
    pub span: Span,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What is wrong or doubtful.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProblemKind {
    /// The text is no expression.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// The expression has no meaning.
    #[error(transparent)]
    Meaning(#[from] MeaningError),
    /// The expression works, and may not mean what its author thinks.
    #[error(transparent)]
    Warning(#[from] Warning),
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SyntaxError {
    /// Something else had to come here.
    #[error("{found} where {expected} is expected")]
    Unexpected {
        /// What is there.
        found: String,
        /// What could be.
        expected: &'static str,
    },
    /// No word begins like this.
    #[error("`{0}` has no meaning here")]
    UnexpectedCharacter(char),
    /// A string without its end.
    #[error("the closing quote is missing")]
    Unterminated,
    /// `${` or `%{` without a name and `}`.
    #[error("a reference is a name in braces")]
    BadReference,
    /// Neither an address nor a network.
    #[error("not an IP address or network")]
    BadAddress,
    /// A number with letters behind it.
    #[error("not a duration")]
    BadDuration,
    /// A number in another base.
    #[error("numbers are decimal")]
    BadNumber,
    /// More than 64 bits.
    #[error("the number is too large")]
    NumberTooLarge,
    /// Parentheses or operators nest too deep.
    #[error("the expression nests more than {} deep", super::syntax::MAX_DEPTH)]
    TooDeep,
    /// The text is too long.
    #[error("the expression is longer than {} bytes", super::syntax::MAX_LENGTH)]
    TooLong,
}

/// Why an expression has no meaning.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MeaningError {
    /// Neither field nor constant nor macro.
    #[error("no field, constant or macro is called `{0}`")]
    UnknownName(String),
    /// `%{...}` with something else inside.
    #[error("no field is called `{0}`")]
    UnknownField(String),
    /// No action sets it.
    #[error("no rule sets the variable `{0}`")]
    UnknownVariable(String),
    /// An operand of another type than its operator or its other operand wants.
    #[error("{found} where {expected} is expected")]
    Type {
        /// The type that it has.
        found: &'static str,
        /// The type that it should have.
        expected: &'static str,
    },
    /// The operator does not apply to these operands.
    #[error("`{operator}` does not apply to {operand}")]
    Operator {
        /// As it is written.
        operator: &'static str,
        /// The type of an operand.
        operand: &'static str,
    },
    /// Not a true or false.
    #[error("a rule is a condition, and this is {0}")]
    NotACondition(&'static str),
    /// A pattern that depends on the event.
    #[error("what is matched against must be written out or be a variable")]
    DynamicPattern,
    /// The regular expression is none.
    #[error("not a regular expression: {0}")]
    Regexp(String),
    /// The glob is none.
    #[error("`**` may stand once in a path, as a whole component")]
    Glob,
    /// A path that no path can be.
    #[error("{0}")]
    Path(PathError),
    /// A register without a name.
    #[error("a register has a name, as in process.ancestors[A].comm")]
    BadRegister,
    /// Two registers in one rule.
    #[error("a rule has one register, and this one has `{0}` already")]
    TwoRegisters(String),
    /// A register of two sequences.
    #[error("the register `{0}` is that of another sequence")]
    RegisterOfTwo(String),
    /// Brackets behind something that is no sequence.
    #[error("`{0}` is no list")]
    NotAList(String),
    /// Fields of types of events that never coincide.
    #[error("fields of `{first}` and of `{second}`: an event has one type")]
    TwoEvents {
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
    /// No field tells which events the rule is about.
    #[error("no field tells which type of event this is about")]
    NoEvent,
    /// The type of events is known from the reference and not observed by Lapwing.
    #[error("Lapwing does not observe {0} events")]
    UnobservedEvent(String),
    /// A field that is not one of this type of event.
    #[error("`{field}` is not a field of {event} events")]
    FieldOfOther {
        /// The field.
        field: String,
        /// The type of the rule.
        event: String,
    },
    /// All that could make the rule true depends on what is not known.
    #[error("cannot match: {whose} not feed `{field}`")]
    CannotMatch {
        /// The field.
        field: String,
        /// `Lapwing does` or the backend's name with `does`.
        whose: &'static str,
    },
    /// Macros that contain themselves.
    #[error("the macro `{0}` contains itself")]
    MacroCycle(String),
    /// Macros make the expression too large.
    #[error("with its macros, the expression has more than {} parts", super::compile::MAX_PARTS)]
    TooLarge,
    /// Text with a variable that is neither text nor number inside.
    #[error("`{0}` cannot be shown inside a text")]
    NotText(String),
}

/// Why a text is never a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PathError {
    /// It has a dot, two dots or two slashes.
    #[error("a path in an event has no `.`, `..` or `//`")]
    NotClean,
    /// It does not start at the root.
    #[error("a path starts with `/`, or with `*`")]
    Relative,
    /// Everything.
    #[error("`*` alone is no path")]
    Lone,
    /// The user's directory.
    #[error("`~` is not expanded")]
    Home,
    /// More than a path can have.
    #[error("the path is deeper or longer than any can be")]
    TooLong,
    /// A regular expression.
    #[error("paths are not matched by regular expressions")]
    Regexp,
}

/// What may not be meant.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Warning {
    /// `&&` and `||` without parentheses.
    #[error("`&&` and `||` bind alike: this is read as `{read_as}`")]
    MixedLogic {
        /// How.
        read_as: &'static str,
    },
    /// A part of the condition that is never true.
    #[error("{whose} not feed `{field}`: what depends on it never holds")]
    Unfed {
        /// The field.
        field: String,
        /// `Lapwing does` or the backend's name with `does`.
        whose: &'static str,
    },
    /// A number that looks octal.
    #[error("numbers are decimal, and this is {0}")]
    LeadingZero(i64),
}

impl Problem {
    pub(crate) fn syntax(error: SyntaxError, span: Span) -> Self {
        Self { kind: error.into(), span, hint: None }
    }

    pub(crate) fn meaning(error: MeaningError, span: Span) -> Self {
        Self { kind: error.into(), span, hint: None }
    }

    pub(crate) fn warning(warning: Warning, span: Span) -> Self {
        Self { kind: warning.into(), span, hint: None }
    }

    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Whether the rule works all the same.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        matches!(self.kind, ProblemKind::Warning(_))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl core::error::Error for Problem {}
