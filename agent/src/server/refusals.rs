//! How many tracers were refused or cut, by reason.

use lapwing_proto::tracer::v1::RefusalReason;

/// Stable names, in the order of [`RefusalReason`]'s numbers.
const NAMES: [&str; 9] =
    ["unspecified", "version", "user", "namespace", "container", "busy", "ending", "protocol", "slow"];

/// Counts by reason.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusals([u64; NAMES.len()]);

impl Refusals {
    pub(crate) fn count(&mut self, reason: RefusalReason) {
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
            let reason = RefusalReason::try_from(number).unwrap();
            assert_eq!(reason.as_str_name(), format!("REFUSAL_REASON_{}", name.to_uppercase()));
            let mut refusals = Refusals::default();
            refusals.count(reason);
            assert_eq!(refusals.each().collect::<Vec<_>>(), [(name, 1)]);
        }
        assert!(RefusalReason::try_from(i32::try_from(NAMES.len()).unwrap()).is_err());
    }
}
