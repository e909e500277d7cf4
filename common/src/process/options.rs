//! What the arguments of a program say by convention: flags and options with values.
//!
//! There is no knowing which options of a program take a value, so one argument may be read in both
//! ways: after `-T 8` the flag `T` is given and the option `T=8` too. A rule names the one it means.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convention {
    /// Without values: `-ln` gives `l`, `n` and `ln`; `--version` gives `version`.
    Flags,
    /// With values, as `name=value`: from `-T 8`, `-T=8`, `--width 8` or `--width=8`.
    Options,
}

impl Convention {
    /// Calls back with each that `arguments` (without the first, the program's name) hold.
    pub fn each(self, arguments: &[Box<[u8]>], found: impl FnMut(&[u8])) {
        self.each_with(&mut Vec::new(), arguments, found);
    }

    /// The same, with room for what has to be put together.
    pub fn each_with(self, room: &mut Vec<u8>, arguments: &[Box<[u8]>], mut found: impl FnMut(&[u8])) {
        for (index, argument) in arguments.iter().enumerate() {
            let Some((name, short)) = name_of(argument) else { continue };
            match (self, name.contains(&b'=')) {
                (Self::Flags, assigned) => {
                    if short && name.iter().all(u8::is_ascii_alphanumeric) {
                        name.chunks(1).for_each(&mut found);
                        if name.len() == 1 {
                            continue;
                        }
                    }
                    if !assigned {
                        found(name);
                    }
                }
                (Self::Options, true) => found(name),
                (Self::Options, false) => {
                    if let Some(value) = arguments.get(index + 1).filter(|next| !next.starts_with(b"-")) {
                        room.clear();
                        room.extend_from_slice(name);
                        room.push(b'=');
                        room.extend_from_slice(value);
                        found(room);
                    }
                }
            }
        }
    }

    /// All that `arguments` hold.
    #[must_use]
    pub fn all(self, arguments: &[Box<[u8]>]) -> Vec<Box<[u8]>> {
        let mut all = Vec::new();
        self.each(arguments, |one| all.push(one.into()));
        all
    }
}

/// What follows the dashes, and whether there is only one. `-` and `--` alone are no options.
fn name_of(argument: &[u8]) -> Option<(&[u8], bool)> {
    let rest = argument.strip_prefix(b"-")?;
    let (name, short) = rest.strip_prefix(b"-").map_or((rest, true), |name| (name, false));
    (!name.is_empty()).then_some((name, short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn found(convention: Convention, arguments: &str, expected: &[&str]) {
        let arguments: Vec<Box<[u8]>> = arguments.split(' ').map(|argument| argument.as_bytes().into()).collect();
        let all = convention.all(&arguments);
        let all: Vec<_> = all.iter().map(|one| core::str::from_utf8(one).unwrap()).collect();
        assert_eq!(all, expected);
    }

    #[test]
    fn flags_have_no_value() {
        found(Convention::Flags, "-ln --version file - --", &["l", "n", "ln", "version"]);
        found(Convention::Flags, "-T 8 --width=8 -a", &["T", "a"]);
        found(Convention::Flags, "-java.home -x=1", &["java.home"]);
    }

    #[test]
    fn options_have_one() {
        found(Convention::Options, "-T 8 --width=8 -x=1 --depth 3", &["T=8", "width=8", "x=1", "depth=3"]);
        found(Convention::Options, "-a -b file", &["b=file"]);
        found(Convention::Options, "--last", &[]);
        found(Convention::Options, "plain - --", &[]);
    }
}
