//! An exec that tells nothing new.

use crate::process::{Process, Source};

/// Whether procfs showed the outcome of an exec before the event of it came: then it is no further exec.
pub(super) fn foresaw(before: &Process, after: &Process) -> bool {
    let (before_image, after_image) = (&before.image, &after.image);
    matches!(before.source, Source::Procfs | Source::Snapshot)
        && before_image.file.path == after_image.file.path
        && before_image.arguments == after_image.arguments
}

/// Whether an exec put in place what was there, so that there is nothing to tell apart.
pub(super) fn repeats(before: &Process, after: &Process) -> bool {
    before.is_exec
        && before.image == after.image
        && before.credentials() == after.credentials()
        && before.tty == after.tty
        && (after.cgroup.is_none() || before.cgroup == after.cgroup)
}
