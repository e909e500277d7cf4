//! `/proc/PID/uid_map` and `gid_map`: which numbers a user namespace has for whom.

use alloc::vec::Vec;

use crate::procfs::numbers;

/// The most lines that the kernel takes: user_namespaces(7), since Linux 4.15.
const MOST: usize = 340;

/// From the numbers of the reader of a map to those of the namespace it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdMap {
    /// First inside, first outside, how many.
    ranges: Vec<(u32, u32, u32)>,
}

impl Default for IdMap {
    /// Every number is itself: both are in the same namespace.
    fn default() -> Self {
        Self { ranges: Vec::from([(0, 0, u32::MAX)]) }
    }
}

impl IdMap {
    /// Reads the text. What is no line of a map is left out, so that an empty text maps nothing: there the map
    /// has not been written yet.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let range = |line| {
            let mut fields = numbers(line);
            Some((fields.next()?, fields.next()?, fields.next()?))
        };
        Self { ranges: text.split(|byte| *byte == b'\n').filter_map(range).take(MOST).collect() }
    }

    /// The number that the namespace has for one of the reader's; `None` if it has none.
    #[must_use]
    pub fn inside(&self, outside: u32) -> Option<u32> {
        self.ranges.iter().find_map(|(inside, first, count)| {
            let distance = outside.checked_sub(*first).filter(|distance| distance < count)?;
            inside.checked_add(distance)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::IdMap;

    #[test]
    fn maps() {
        let identity = IdMap::default();
        assert_eq!((identity.inside(0), identity.inside(4_294_967_294)), (Some(0), Some(4_294_967_294)));
        assert_eq!(IdMap::parse(b"         0          0 4294967295\n"), identity);
        let rootless = IdMap::parse(b"0 1000 1\n1 100000 65536\n");
        for (outside, inside) in [(1000, Some(0)), (100_000, Some(1)), (165_535, Some(65_536)), (165_536, None)] {
            assert_eq!(rootless.inside(outside), inside, "{outside}");
        }
        assert_eq!(rootless.inside(0), None);
        assert_eq!(IdMap::parse(b"").inside(0), None);
        assert_eq!(IdMap::parse(b"4294967290 0 4294967295\n").inside(9), None);
    }
}
