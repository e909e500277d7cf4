//! ProtoJSON as Go's library writes it with `EmitUnpopulated` and `UseProtoNames`.
//!
//! Messages derive serde's traits; the functions here are for fields whose JSON is not what their Rust type would
//! give. Rules: <https://protobuf.dev/programming-guides/json/>.

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// One line, without a line feed.
///
/// # Panics
///
/// Never: writing into memory cannot fail, and every key is a string.
#[must_use]
#[expect(clippy::expect_used, reason = "writing to a vector cannot fail")]
pub fn to_json(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("messages have only string keys")
}

/// With two spaces of indent a level.
///
/// # Panics
///
/// Never: as [`to_json`].
#[must_use]
#[expect(clippy::expect_used, reason = "writing to a vector cannot fail")]
pub fn to_json_pretty(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(message).expect("messages have only string keys")
}

/// Anything, or `null` for its default.
pub(crate) fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// A number of 32 bits.
pub(crate) fn number<'de, D: Deserializer<'de>, T: Whole>(from: D) -> Result<T, D::Error> {
    Ok(Option::<Number<T>>::deserialize(from)?.map_or_else(T::default, |Number(value)| value))
}

/// A list of numbers of 32 bits.
pub(crate) fn numbers<'de, D: Deserializer<'de>, T: Whole>(from: D) -> Result<Vec<T>, D::Error> {
    let list = Option::<Vec<Number<T>>>::deserialize(from)?.unwrap_or_default();
    Ok(list.into_iter().map(|Number(value)| value).collect())
}

/// A number of 32 bits that may be missing.
pub(crate) fn optional_number<'de, D: Deserializer<'de>, T: Whole>(from: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<Number<T>>::deserialize(from)?.map(|Number(value)| value))
}

/// A type of whole numbers.
pub(crate) trait Whole: Default + TryFrom<i128> {}

impl<T: Default + TryFrom<i128>> Whole for T {}

/// A whole number, written as one or as a string of its digits.
struct Number<T>(T);

impl<'de, T: Whole> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Digits(PhantomData)).map(Self)
    }
}

struct Digits<T>(PhantomData<T>);

impl<T: Whole> Visitor<'_> for Digits<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number in range, or a string of one")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        T::try_from(value.into()).ok().ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        T::try_from(value.into()).ok().ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let value = text.parse::<i128>().ok().and_then(|value| T::try_from(value).ok());
        value.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// Numbers of 64 bits are strings, because JavaScript's have 53 bits.
pub(crate) mod wide {
    use serde::{Deserializer, Serializer};

    use super::{Whole, number};

    pub(crate) fn serialize<S: Serializer>(value: &(impl itoa::Integer + Copy), to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(itoa::Buffer::new().format(*value))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Whole>(from: D) -> Result<T, D::Error> {
        number(from)
    }
}

/// A value of an enum: its name, or its number where it has none.
struct Named(i32, fn(&str) -> Option<i32>);

impl<'de> serde::de::DeserializeSeed<'de> for Named {
    type Value = i32;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<i32, D::Error> {
        from.deserialize_any(self)
    }
}

impl Visitor<'_> for Named {
    type Value = i32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name of the enum, or a number")
    }

    fn visit_unit<E: Error>(self) -> Result<i32, E> {
        Ok(self.0)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<i32, E> {
        i32::try_from(value).ok().ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<i32, E> {
        i32::try_from(value).ok().ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i32, E> {
        (self.1)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

macro_rules! enums {
    ($($module:ident $name:ident;)*) => { $(
        pub(crate) mod $module {
            use serde::de::DeserializeSeed as _;
            use serde::{Deserializer, Serializer};

            use crate::dumps::$name;

            pub(crate) fn serialize<S: Serializer>(value: &i32, to: S) -> Result<S::Ok, S::Error> {
                match $name::try_from(*value) {
                    Ok(named) => to.serialize_str(named.as_str_name()),
                    Err(_) => to.serialize_i32(*value),
                }
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
                super::Named(0, |name| $name::from_str_name(name).map(i32::from)).deserialize(from)
            }
        }
    )* };
}

enums! {
    generationtype GenerationType;
    event_profile_state EventProfileState;
    hashstate HashState;
}
