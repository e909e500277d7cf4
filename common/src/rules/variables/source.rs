//! Where a new value comes from.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{Data, Scalar};
use crate::rules::catalogue::Ty;
use crate::rules::eval::Run;
use crate::rules::program::{Cond, FieldRef, Ips, Num, Texts};
use crate::schema::Value;

/// What a variable is set to.
#[derive(Debug)]
pub(crate) enum Source {
    Data(Data),
    Field(FieldRef, Ty),
    Flag(Cond),
    Number(Num),
    Text(Texts),
    Ip(Ips),
}

impl Source {
    /// The value for an event; `None` if there is none.
    pub(crate) fn data(&self, run: &mut Run<'_, '_>) -> Option<Data> {
        let texts = |run: &mut Run<'_, '_>, texts: &Texts| {
            let mut all: Vec<Scalar> = Vec::new();
            run.any_text(texts, &mut |_, text| {
                all.push(Scalar::Text(Box::from(text)));
                false
            });
            all
        };
        Some(match self {
            Self::Data(data) => data.clone(),
            Self::Flag(cond) => Data::Bool(run.holds(cond)),
            Self::Number(num) => Data::One(Scalar::Int(run.number(num))),
            Self::Text(source) => Data::One(texts(run, source).into_iter().next()?),
            Self::Ip(ips) => Data::One(Scalar::Ip(run.first_ip(ips)?)),
            Self::Field(field, ty) => match ty {
                Ty::Bool => Data::Bool(matches!(run.read(*field), Value::Bool(true))),
                Ty::Int | Ty::Time | Ty::Ints => Data::One(Scalar::Int(run.number(&Num::Field(*field)))),
                Ty::Ip | Ty::Ips => Data::One(Scalar::Ip(run.first_ip(&Ips::Field(*field))?)),
                Ty::Text => Data::One(texts(run, &Texts::Field(*field)).into_iter().next()?),
                Ty::Texts => Data::List(texts(run, &Texts::Field(*field))),
            },
        })
    }
}
