//! Ids of mounts are given out again at once, so whatever makes or ends a mount ends discarders.

use lapwing_common::discard::Pushed;
use lapwing_common::event::EventType;
use lapwing_integration::need::{self, Need};

use nix::sched::{CloneFlags, unshare};

use super::watching::{On, on_both};
use super::workload::{Workload, plan};

on_both! {
    what_is_mounted_where_another_mount_was,
    a_directory_does_not_cover_what_is_mounted_below_it,
    a_namespace_of_copies_ends_all,
    what_happens_to_a_file_by_one_mount_ends_what_is_said_of_it_by_another,
}

/// In a mount namespace of this thread's and the workload's own, so that nothing is left behind, and both have one root.
fn start(on: On) -> Option<Workload> {
    if !need::require(&[Need::MountNamespace]) {
        return None;
    }
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    let mut workload = Workload::start(on, plan());
    workload.types(&["private"]);
    workload.make(&["m/", "file"]);
    Some(workload)
}

fn what_is_mounted_where_another_mount_was(on: On) {
    let Some(mut workload) = start(on) else { return };
    workload.types(&["tmpfs", "m"]);
    workload.make(&["m/file"]);
    let (file, outside) = (workload.key("m/file"), workload.key("file"));
    workload.push(file, EventType::Open);
    workload.push(outside, EventType::Open);
    assert!(!workload.is_seen(&["open", "m/file"]));
    workload.types(&["umount", "m"]);
    assert!(!workload.is_seen(&["open", "file"]), "another mount");
    workload.types(&["tmpfs", "m"]);
    workload.make(&["m/file"]);
    // On tmpfs, the first file has the same number again, and Linux gives out the lowest free mount id.
    assert!(workload.is_seen(&["open", "m/file"]));
    assert_eq!(workload.key("m/file"), file, "the case that this is about");
}

fn a_directory_does_not_cover_what_is_mounted_below_it(on: On) {
    let Some(mut workload) = start(on) else { return };
    workload.make(&["d/", "d/file", "d/m/"]);
    workload.types(&["tmpfs", "d/m"]);
    workload.make(&["d/m/file", "d/m/sub/", "d/m/sub/file"]);
    let (directory, inside) = (workload.below("d"), workload.below("d/m/sub"));
    workload.push(directory, EventType::Open);
    workload.push(inside, EventType::Open);
    assert!(!workload.is_seen(&["open", "d/file"]) && !workload.is_seen(&["open", "d/m/sub/file"]));
    assert!(workload.is_seen(&["open", "d/m/file"]));
}

fn a_namespace_of_copies_ends_all(on: On) {
    let Some(mut workload) = start(on) else { return };
    let file = workload.key("file");
    workload.push(file, EventType::Open);
    assert!(!workload.is_seen(&["open", "file"]));
    assert!(workload.is_seen(&["child-with-mounts", "file"]));
    assert!(workload.is_seen(&["open", "file"]));
    assert_eq!(workload.push(file, EventType::Open), Pushed::Outdated);
    workload.make(&["other"]);
    let other = workload.key("other");
    workload.push(other, EventType::Open);
    assert!(!workload.is_seen(&["child", "other"]) && !workload.is_seen(&["open", "other"]));
    workload.types(&["unshare"]);
    assert!(workload.is_seen(&["open", "other"]));
}

/// A bind mount shows the same files, and they have other names there, too, once they were renamed elsewhere.
fn what_happens_to_a_file_by_one_mount_ends_what_is_said_of_it_by_another(on: On) {
    let Some(mut workload) = start(on) else { return };
    workload.make(&["d/", "d/a", "d/b", "d/c"]);
    workload.types(&["bind", "d", "m"]);
    let keys = ["m/a", "m/b", "m/c"].map(|name| workload.key(name));
    for key in keys {
        workload.push(key, EventType::Open);
    }
    assert!(!workload.is_seen(&["open", "m/a"]) && !workload.is_seen(&["open", "m/b"]));
    workload.types(&["rename", "d/a", "d/z"]);
    workload.types(&["unlink", "d/b"]);
    assert!(workload.is_seen(&["open", "m/z"]), "it has another name");
    // A file system may give out the number of what was removed at once.
    let renewed = |workload: &mut Workload, number: u32| {
        let name = format!("d/new{number}");
        workload.make(&[&name]);
        workload.is_seen(&["open", &name.replace("d/", "m/")])
    };
    assert!((0..20).all(|number| renewed(&mut workload, number)));
    assert!(!workload.is_seen(&["open", "m/c"]), "nothing has happened to that");
}
