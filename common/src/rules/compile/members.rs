//! The right side of `in` and its kin: lists, macros of lists, variables, fields.

use alloc::vec::Vec;

use super::lower::{Named, mismatch};
use super::operand::Operand;
use super::{Compiler, Rule};
use crate::rules::address;
use crate::rules::problem::{MeaningError, Problem};
use crate::rules::program::{IpTest, Ips, Num, NumberTest};
use crate::rules::syntax::{Expr, Node};

impl Compiler {
    /// The members of what is written as a list, in a macro or here; `None` for what is not written out.
    pub(super) fn written(&mut self, rule: &mut Rule, node: &Node) -> Result<Option<Vec<Node>>, Problem> {
        self.count(rule, node)?;
        match &node.kind {
            Expr::List(members) => {
                let mut all = Vec::with_capacity(members.len());
                for member in members {
                    match self.written(rule, member)? {
                        Some(inner) => all.extend(inner),
                        None => all.push(member.clone()),
                    }
                }
                Ok(Some(all))
            }
            Expr::Name(name) if self.is_macro(name) => {
                let Named::Macro(body) = self.named(rule, name, node.span)? else { return Ok(None) };
                let members = self.within(rule, name, node.span, |this, rule| this.written(rule, &body))?;
                // Shown where the macro is named, should one of them be wrong.
                let at_use = |member: Node| Node { span: node.span, ..member };
                Ok(members.map(|members| members.into_iter().map(at_use).collect()))
            }
            Expr::Str(_) | Expr::Pattern(_) | Expr::Regexp(_) | Expr::Cidr(_) | Expr::Int(_) => {
                Ok(Some(alloc::vec![node.clone()]))
            }
            _ => Ok(None),
        }
    }

    fn is_macro(&self, name: &str) -> bool {
        self.constants.get(name).is_none() && self.macros.contains_key(name)
    }

    pub(super) fn number_members(&mut self, rule: &mut Rule, node: &Node) -> Result<NumberTest, Problem> {
        let Some(members) = self.written(rule, node)? else {
            return match self.operand(rule, node)? {
                Operand::Numbers(numbers) => Ok(NumberTest::Among(numbers)),
                other => Err(mismatch(&other, "a list of numbers", node.span)),
            };
        };
        let mut numbers = Vec::with_capacity(members.len());
        for member in members {
            match self.operand(rule, &member)? {
                Operand::Number { num: Num::Const(value), .. } => numbers.push(value),
                Operand::Number { .. } => {
                    let error = MeaningError::Type { found: "a field", expected: "a number that is written out" };
                    return Err(Problem::meaning(error, member.span));
                }
                other => return Err(mismatch(&other, "a number", member.span)),
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(NumberTest::In(numbers.into()))
    }

    pub(super) fn ip_members(&mut self, rule: &mut Rule, node: &Node) -> Result<IpTest, Problem> {
        let Some(members) = self.written(rule, node)? else {
            return match self.operand(rule, node)? {
                Operand::Ip(ips) => Ok(IpTest::Among(ips)),
                other => Err(mismatch(&other, "an IP address", node.span)),
            };
        };
        let mut networks = Vec::with_capacity(members.len());
        for member in members {
            match &member.kind {
                Expr::Cidr(cidr) => networks.push(*cidr),
                Expr::Str(text) => match address::parse(text) {
                    Some(cidr) => networks.push(cidr),
                    None => {
                        let error = MeaningError::Type { found: "a text", expected: "an IP address" };
                        return Err(Problem::meaning(error, member.span).hint("addresses stand without quotes"));
                    }
                },
                _ => match self.operand(rule, &member)? {
                    Operand::Ip(Ips::Literal(cidr)) => networks.push(cidr),
                    other => return Err(mismatch(&other, "an IP address", member.span)),
                },
            }
        }
        networks.sort_unstable();
        networks.dedup();
        Ok(IpTest::In(networks.into()))
    }
}
