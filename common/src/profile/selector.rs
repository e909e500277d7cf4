//! Which workloads a profile is about.

use alloc::string::String;
use core::fmt;

use lapwing_proto::dumps::ProfileSelector;

/// The tag that stands for all.
pub const ANY_TAG: &str = "*";

/// The name of an image and a tag, which may be `*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Selector {
    /// The image's name.
    pub image_name: String,
    /// Its tag.
    pub image_tag: String,
}

impl Selector {
    /// All versions of an image.
    #[must_use]
    pub fn of(image_name: &str) -> Self {
        Self { image_name: image_name.into(), image_tag: ANY_TAG.into() }
    }

    /// Whether a profile of this selector is about a workload of the other. `*` on either side is every tag.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let (ours, theirs) = (&*self.image_tag, &*other.image_tag);
        self.image_name == other.image_name && (ours == theirs || ours == ANY_TAG || theirs == ANY_TAG)
    }

    /// Whether it says both, as a file has to.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.image_name.is_empty() && !self.image_tag.is_empty()
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.image_name, self.image_tag)
    }
}

impl From<ProfileSelector> for Selector {
    fn from(selector: ProfileSelector) -> Self {
        Self { image_name: selector.image_name, image_tag: selector.image_tag }
    }
}

impl From<&Selector> for ProfileSelector {
    fn from(selector: &Selector) -> Self {
        Self { image_name: selector.image_name.clone(), image_tag: selector.image_tag.clone() }
    }
}
