//! Changes of user, group and capabilities.

use crate::accounts::Naming;
use crate::names;
use crate::schema::{Kind, Member, Record, Value, field, worded};

macro_rules! id_events {
    ($($(#[$doc:meta])* $name:ident $real:ident $effective:ident $fs:ident $what:literal
       $by:ident $real_name:literal $effective_name:literal $fs_name:literal;)*) => { $(
        $(#[$doc])*
        ///
        /// After success the ids are those in force; after a refusal those that were asked for, with
        /// −1 where the call leaves one as it is.
        #[derive(Clone, Debug)]
        pub struct $name {
            /// Real id.
            pub $real: i64,
            /// Effective id.
            pub $effective: i64,
            /// File system id.
            pub $fs: i64,
            /// The result.
            pub retval: i64,
            /// By which they have their names.
            pub naming: Naming,
        }

        impl Record for $name {
            const MEMBERS: &'static [Member<Self>] = &[
                field(stringify!($real), Kind::Int, concat!("Real ", $what, " id"), |event| Value::Int(event.$real)),
                field($real_name, Kind::String, concat!("Name of the real ", $what), |event| Value::text(event.naming.$by(event.$real))),
                field(stringify!($effective), Kind::Int, concat!("Effective ", $what, " id"), |event| Value::Int(event.$effective)),
                field($effective_name, Kind::String, concat!("Name of the effective ", $what), |event| Value::text(event.naming.$by(event.$effective))),
                field(stringify!($fs), Kind::Int, concat!("File system ", $what, " id"), |event| Value::Int(event.$fs)),
                field($fs_name, Kind::String, concat!("Name of the file system ", $what), |event| Value::text(event.naming.$by(event.$fs))),
                retval!(),
            ];
        }
    )* };
}

id_events! {
    /// `setuid`, `setreuid`, `setresuid`, `setfsuid`.
    Setuid uid euid fsuid "user" user_of "user" "euser" "fsuser";
    /// `setgid`, `setregid`, `setresgid`, `setfsgid`.
    Setgid gid egid fsgid "group" group_of "group" "egroup" "fsgroup";
}

/// `capset`.
#[derive(Clone, Debug)]
pub struct Capset {
    /// Effective capabilities asked for.
    pub effective: u64,
    /// Permitted capabilities asked for.
    pub permitted: u64,
    /// The result.
    pub retval: i64,
}

impl Record for Capset {
    const MEMBERS: &'static [Member<Self>] = &[
        worded(
            "cap_effective",
            "cap_effective_str",
            Kind::Flags(&names::CAPABILITIES),
            "Effective capabilities",
            |event| Value::Flags(event.effective, &names::CAPABILITIES),
        ),
        worded(
            "cap_permitted",
            "cap_permitted_str",
            Kind::Flags(&names::CAPABILITIES),
            "Permitted capabilities",
            |event| Value::Flags(event.permitted, &names::CAPABILITIES),
        ),
        retval!(),
    ];
}
