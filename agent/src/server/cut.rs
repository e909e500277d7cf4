//! Why a connection ends before its peer ends it.

use lapwing_proto::control::v1::Reason;

/// A reason with what is told to the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

impl Cut {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// How many connections ended so, by reason.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cuts([u64; NAMES.len()]);

/// Stable names, in the order of [`Reason`]'s numbers.
const NAMES: [&str; 7] = ["unknown", "not_permitted", "too_many", "version", "malformed", "too_slow", "ending"];

impl Cuts {
    pub(crate) fn count(&mut self, reason: Reason) {
        if let Some(count) = usize::try_from(reason as i32).ok().and_then(|index| self.0.get_mut(index)) {
            *count += 1;
        }
    }

    /// Each reason with its count, without those that never occurred.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
        NAMES.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_the_protocol_has_its_name() {
        for (number, name) in (0..).zip(NAMES) {
            let reason = Reason::try_from(number).unwrap();
            assert_eq!(reason.as_str_name(), format!("REASON_{}", name.to_uppercase()));
            let mut cuts = Cuts::default();
            cuts.count(reason);
            assert_eq!(cuts.each().collect::<Vec<_>>(), [(name, 1)]);
        }
        assert!(Reason::try_from(i32::try_from(NAMES.len()).unwrap()).is_err());
    }
}
