//! How many peers were refused or cut, by reason of the protocol.

use std::marker::PhantomData;

use lapwing_proto::control::v1::Reason;
use lapwing_proto::tracer::v1::RefusalReason;

/// A protocol's reasons, which are numbered from 0 without a gap.
pub(crate) trait Numbered: Copy + Into<i32> {
    /// Stable names, in the order of the numbers.
    const NAMES: &[&str];
}

impl Numbered for Reason {
    const NAMES: &[&str] = &["unknown", "not_permitted", "too_many", "version", "malformed", "too_slow", "ending"];
}

impl Numbered for RefusalReason {
    const NAMES: &[&str] =
        &["unspecified", "version", "user", "namespace", "container", "busy", "ending", "protocol", "slow"];
}

/// Counts by reason.
#[derive(Clone, Debug)]
pub(crate) struct Tally<R> {
    counts: Vec<u64>,
    of: PhantomData<R>,
}

impl<R: Numbered> Default for Tally<R> {
    fn default() -> Self {
        Self { counts: vec![0; R::NAMES.len()], of: PhantomData }
    }
}

impl<R: Numbered> Tally<R> {
    pub(crate) fn count(&mut self, reason: R) {
        if let Some(count) = usize::try_from(reason.into()).ok().and_then(|index| self.counts.get_mut(index)) {
            *count += 1;
        }
    }

    /// Each reason with its count, without those that never occurred.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
        R::NAMES.iter().copied().zip(self.counts.iter().copied()).filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `spelled` is the name in the protocol.
    fn names<R: Numbered + TryFrom<i32>>(spelled: impl Fn(R) -> String) {
        for (number, name) in (0..).zip(R::NAMES) {
            let reason = || R::try_from(number).ok().unwrap();
            assert!(spelled(reason()).ends_with(&format!("REASON_{}", name.to_uppercase())));
            let mut tally = Tally::default();
            tally.count(reason());
            assert_eq!(tally.each().collect::<Vec<_>>(), [(*name, 1)]);
        }
        assert!(R::try_from(i32::try_from(R::NAMES.len()).unwrap()).is_err(), "a reason has no name");
    }

    #[test]
    fn every_reason_of_the_protocols_has_its_name() {
        names(|reason: Reason| reason.as_str_name().to_owned());
        names(|reason: RefusalReason| reason.as_str_name().to_owned());
    }
}
