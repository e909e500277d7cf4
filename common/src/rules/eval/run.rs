//! Conditions, numbers and addresses.

use core::cell::RefCell;

use super::{Element, Facts, Scratch, integer};
use crate::rules::Cidr;
use crate::rules::compile::compute;
use crate::rules::program::{
    Cond, FieldRef, IpTest, Ips, Num, NumberTest, Numbers, Program, Quantifier, Slot, TextTest, Texts,
};
use crate::rules::variables::{Data, Declarations, Owner, Scalar, Scope, VariableId, Variables};
use crate::schema::Value;

/// One event under evaluation.
pub(crate) struct Run<'r, 'a> {
    pub(crate) program: &'r Program,
    pub(crate) declarations: &'r Declarations,
    pub(crate) variables: &'r Variables,
    pub(crate) facts: &'a dyn Facts,
    pub(crate) scratch: &'r mut Scratch,
    nearest: Option<Element<'a>>,
    register: Option<Element<'a>>,
}

impl<'r, 'a> Run<'r, 'a> {
    pub(crate) fn new(
        program: &'r Program,
        declarations: &'r Declarations,
        variables: &'r Variables,
        facts: &'a dyn Facts,
        scratch: &'r mut Scratch,
    ) -> Self {
        Self { program, declarations, variables, facts, scratch, nearest: None, register: None }
    }

    /// Whether the condition holds.
    pub(crate) fn holds(&mut self, cond: &Cond) -> bool {
        match cond {
            Cond::Const(value) => *value,
            Cond::Unknown => false,
            Cond::Shared(id) => self.shared(*id),
            Cond::Flag(field) => matches!(self.read(*field), Value::Bool(true)),
            Cond::FlagVariable(id) => self.flag(*id),
            Cond::Not(inner) => !self.holds(inner),
            Cond::All(parts) => parts.iter().all(|part| self.holds(part)),
            Cond::Any(parts) => parts.iter().any(|part| self.holds(part)),
            Cond::Same(one, other) => self.holds(one) == self.holds(other),
            Cond::Number(numbers, quantifier, test) => {
                self.any_number(numbers, &mut |run, number| {
                    run.number_passes(number, test) == (*quantifier == Quantifier::Some)
                }) == (*quantifier == Quantifier::Some)
            }
            Cond::Text(texts, Quantifier::Some, test) => self.text_holds(texts, test),
            Cond::Text(texts, Quantifier::Every, test) => {
                !self.any_text(texts, &mut |run, text| !run.text_passes(text, test))
            }
            Cond::Ip(ips, quantifier, test) => {
                self.any_ip(ips, &mut |run, ip| run.ip_passes(ip, test) == (*quantifier == Quantifier::Some))
                    == (*quantifier == Quantifier::Some)
            }
            Cond::Each(list, slot, inner) => self.each(*list, *slot, inner),
        }
    }

    fn shared(&mut self, id: u32) -> bool {
        let index = id as usize;
        let event = self.scratch.event;
        if let Some(memo) = self.scratch.memo.get(index)
            && memo >> 1 == event
        {
            return memo & 1 == 1;
        }
        let program = self.program;
        let answer = program.shared.get(index).is_some_and(|cond| self.holds(cond));
        if let Some(memo) = self.scratch.memo.get_mut(index) {
            *memo = event << 1 | u32::from(answer);
        }
        answer
    }

    fn each(&mut self, list: crate::rules::catalogue::List, slot: Slot, inner: &Cond) -> bool {
        let facts = self.facts;
        let outer = (self.nearest, self.register);
        let found = facts.any(list, &mut |element| {
            match slot {
                Slot::Register => self.register = Some(element),
                _ => self.nearest = Some(element),
            }
            self.holds(inner)
        });
        (self.nearest, self.register) = outer;
        found
    }

    pub(crate) fn read(&self, field: FieldRef) -> Value<'a> {
        let element = match field.slot {
            Slot::Event => None,
            Slot::Nearest => self.nearest,
            Slot::Register => self.register,
        };
        self.facts.read(self.program.field(field), element)
    }

    /// Text with one part that is looked for in a set of written-out texts is by far the most frequent question.
    fn text_holds(&mut self, texts: &Texts, test: &TextTest) -> bool {
        if let (Texts::Field(field), TextTest::Set(set)) = (texts, test)
            && let Value::Bytes(text) = self.read(*field)
            && !self.program.field(*field).aliased
        {
            return self.in_set(set, text);
        }
        self.any_text(texts, &mut |run, text| run.text_passes(text, test))
    }

    // Numbers.

    pub(crate) fn number(&mut self, num: &Num) -> i64 {
        match num {
            Num::Const(value) => *value,
            Num::Field(field) => integer(&self.read(*field)),
            Num::Variable(id) => self.integer_variable(*id),
            Num::Length(field) => self.length(*field),
            Num::Age(then) => {
                let now = self.facts.now().0.cast_signed();
                now.wrapping_sub(self.number(then))
            }
            Num::Negative(inner) => self.number(inner).wrapping_neg(),
            Num::Complement(inner) => !self.number(inner),
            Num::Both(operation, one, other) => compute(*operation, self.number(one), self.number(other)),
        }
    }

    fn any_number(&mut self, numbers: &Numbers, test: &mut dyn FnMut(&mut Self, i64) -> bool) -> bool {
        match numbers {
            Numbers::One(num) => {
                let number = self.number(num);
                test(self, number)
            }
            // No field of an event is a list of numbers yet; one would be a list of one.
            Numbers::Field(field) => {
                let value = self.read(*field);
                !matches!(value, Value::Absent) && test(self, integer(&value))
            }
            Numbers::Variable(id) => {
                let run = RefCell::new(self);
                let found = {
                    let (variables, declarations, facts) = {
                        let run = run.borrow();
                        (run.variables, run.declarations, run.facts)
                    };
                    any_of(variables, declarations, facts, *id, &mut |value| match value {
                        Scalar::Int(number) => test(*run.borrow_mut(), *number),
                        _ => false,
                    })
                };
                found.unwrap_or(false)
            }
        }
    }

    fn number_passes(&mut self, number: i64, test: &NumberTest) -> bool {
        match test {
            NumberTest::Order(order, num) => order.holds(number, self.number(num)),
            NumberTest::In(numbers) => numbers.binary_search(&number).is_ok(),
            NumberTest::Among(numbers) => self.any_number(numbers, &mut |_, other| number == other),
        }
    }

    // Addresses.

    /// The first of them.
    pub(crate) fn first_ip(&mut self, ips: &Ips) -> Option<Cidr> {
        let mut first = None;
        self.any_ip(ips, &mut |_, ip| {
            first = Some(ip);
            true
        });
        first
    }

    fn any_ip(&mut self, ips: &Ips, test: &mut dyn FnMut(&mut Self, Cidr) -> bool) -> bool {
        match ips {
            Ips::Literal(cidr) => test(self, *cidr),
            Ips::Field(field) => match self.read(*field) {
                Value::Ip(ip) => test(self, Cidr::host(ip)),
                _ => false,
            },
            Ips::Variable(id) => {
                let (variables, declarations, facts) = (self.variables, self.declarations, self.facts);
                any_of(variables, declarations, facts, *id, &mut |value| match value {
                    Scalar::Ip(cidr) => test(self, *cidr),
                    _ => false,
                })
                .unwrap_or(false)
            }
        }
    }

    fn ip_passes(&mut self, ip: Cidr, test: &IpTest) -> bool {
        match test {
            IpTest::In(networks) => networks.iter().any(|network| network.overlaps(ip)),
            IpTest::Among(ips) => self.any_ip(ips, &mut |_, other| other.overlaps(ip)),
        }
    }

    // Variables.

    fn flag(&self, id: VariableId) -> bool {
        let default =
            || matches!(self.declarations.get(id).and_then(|one| one.default.as_ref()), Some(Data::Bool(true)));
        let owner = owner_of(self.variables, self.declarations, self.facts, id);
        self.variables.flag(id, owner.as_ref(), self.facts.now()).unwrap_or_else(default)
    }

    fn integer_variable(&self, id: VariableId) -> i64 {
        let mut number = 0;
        any_of(self.variables, self.declarations, self.facts, id, &mut |value| {
            if let Scalar::Int(value) = value {
                number = *value;
            }
            true
        });
        number
    }
}

/// Whose value is read: a process without one may have inherited an ancestor's.
fn owner_of(variables: &Variables, declarations: &Declarations, facts: &dyn Facts, id: VariableId) -> Option<Owner> {
    let declaration = declarations.get(id)?;
    let own = facts.owner(declaration.scope)?;
    if declaration.inherited && declaration.scope == Scope::Process && !variables.has(id, Some(&own)) {
        let mut found = None;
        facts.ancestor(&mut |key| {
            let owner = Owner::Process(key);
            let has = variables.has(id, Some(&owner));
            found = has.then_some(owner);
            has
        });
        return Some(found.unwrap_or(own));
    }
    Some(own)
}

/// Asks of each value of a variable, or of its default.
pub(super) fn any_of(
    variables: &Variables,
    declarations: &Declarations,
    facts: &dyn Facts,
    id: VariableId,
    test: &mut dyn FnMut(&Scalar) -> bool,
) -> Option<bool> {
    let owner = owner_of(variables, declarations, facts, id);
    if let Some(answer) = variables.any(id, owner.as_ref(), facts.now(), test) {
        return Some(answer);
    }
    match declarations.get(id)?.default.as_ref()? {
        Data::One(value) => Some(test(value)),
        Data::List(values) => Some(values.iter().any(test)),
        Data::Bool(_) => None,
    }
}
