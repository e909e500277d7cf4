//! Activity dumps: read by others' libraries, and the same tree whichever backend was at work.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

mod apparmor;
mod backends;
mod files;
mod peers;
mod profiles;
mod seccomp;
