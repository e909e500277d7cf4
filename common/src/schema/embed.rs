//! Records inside records, with the inner type erased so that lists of members stay constants.

use alloc::string::String;
use alloc::vec::Vec;

use super::lookup::{self, Accessor, Description};
use super::{Detail, Record, Sink, walk};

/// A record that lies inside a `T`.
pub trait Embed<T>: core::fmt::Debug + Sync {
    /// Shows its fields, if it is there.
    fn walk(&self, outer: &T, sink: &mut dyn Sink);
    /// Lists its fields.
    fn describe(&self, prefix: &mut String, out: &mut Vec<Description>);
    /// Finds the field of this name.
    fn find(&self, name: &str) -> Option<Accessor<T>>;
}

/// A sequence of records that lies inside a `T`.
pub trait Listing<T>: core::fmt::Debug + Sync {
    /// Shows each record, unless there is none.
    fn walk(&self, name: &'static str, outer: &T, sink: &mut dyn Sink);
    /// Lists the fields of one record.
    fn describe(&self, prefix: &mut String, out: &mut Vec<Description>);
}

/// The accessor of an inner record.
pub struct Embedded<T: 'static, U: 'static> {
    /// Reads the inner record.
    pub get: fn(&T) -> Option<&U>,
}

/// An inner record of which only the identity is shown, unless much detail is wanted.
pub struct Reduced<T: 'static, U: 'static> {
    /// Reads the inner record.
    pub get: fn(&T) -> Option<&U>,
    /// The detail from which on it is shown as it would be elsewhere.
    pub full_from: Detail,
}

/// An inner record that is shown in full.
pub struct Expanded<T: 'static, U: 'static> {
    /// Reads the inner record.
    pub get: fn(&T) -> Option<&U>,
}

macro_rules! embeds {
    ($name:ident, |$this:ident, $wanted:ident| $detail:expr) => {
        impl<T, U> core::fmt::Debug for $name<T, U> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(core::any::type_name::<U>())
            }
        }

        impl<T: 'static, U: Record> Embed<T> for $name<T, U> {
            fn walk(&self, outer: &T, sink: &mut dyn Sink) {
                if let Some(inner) = (self.get)(outer) {
                    let ($this, $wanted) = (self, sink.detail());
                    let _ = $this;
                    let restore = sink.set_detail($detail);
                    walk(U::MEMBERS, inner, sink);
                    sink.set_detail(restore);
                }
            }

            fn describe(&self, prefix: &mut String, out: &mut Vec<Description>) {
                lookup::describe_members(U::MEMBERS, prefix, out);
            }

            fn find(&self, name: &str) -> Option<Accessor<T>> {
                Some(lookup::find::<U>(name)?.through(self.get))
            }
        }
    };
}

embeds!(Embedded, |this, wanted| wanted);
embeds!(Reduced, |this, wanted| if wanted >= this.full_from { wanted } else { Detail::Identity });
embeds!(Expanded, |this, wanted| wanted.max(Detail::Full));

/// Calls back with each of the inner records, in order.
pub type Each<T, U> = fn(&T, &mut dyn FnMut(&U));

/// The accessor of a sequence of inner records.
pub struct Listed<T: 'static, U: 'static> {
    /// Visits them.
    pub each: Each<T, U>,
    /// How much of each is shown.
    pub detail: Detail,
}

impl<T, U> core::fmt::Debug for Listed<T, U> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "[{}]", core::any::type_name::<U>())
    }
}

impl<T: 'static, U: Record> Listing<T> for Listed<T, U> {
    fn walk(&self, name: &'static str, outer: &T, sink: &mut dyn Sink) {
        let mut any = false;
        (self.each)(outer, &mut |inner| {
            if !any {
                sink.enter_list(name);
                any = true;
            }
            let restore = sink.set_detail(self.detail);
            sink.enter_item();
            walk(U::MEMBERS, inner, sink);
            sink.leave_item();
            sink.set_detail(restore);
        });
        if any {
            sink.leave_list();
        }
    }

    fn describe(&self, prefix: &mut String, out: &mut Vec<Description>) {
        lookup::describe_members(U::MEMBERS, prefix, out);
    }
}
