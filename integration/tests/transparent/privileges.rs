//! Programs that gain or drop privileges do so under Lapwing too, when Lapwing may let them.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use lapwing_integration::harness::Backend;
use lapwing_integration::need::{Need, require};
use lapwing_integration::need::{installed, path_of};
use lapwing_integration::under_each_backend;

use super::both::{Both, Did};

under_each_backend!(
    su_and_sudo_change_the_user,
    set_user_id_programs_keep_elevating,
    no_new_privileges_by_choice,
    namespaces_and_roots_of_its_own,
);

fn agrees(backend: Backend, command: &[&str]) -> Did {
    Both::new(command).agree(backend)
}

fn su_and_sudo_change_the_user(backend: Backend) {
    if !require(&[Need::Root]) {
        return;
    }
    if installed(&["su"]) {
        let did = agrees(backend, &["su", "nobody", "-s", "/bin/sh", "-c", "id; exit 5"]);
        assert!(did.stdout.starts_with("uid=65534") && did.status == 5, "{did:?}");
    }
    if installed(&["sudo"]) {
        let did = agrees(backend, &["sudo", "-n", "-u", "nobody", "id", "-un"]);
        assert_eq!((did.stdout.as_str(), did.status), ("nobody\n", 0), "{did:?}");
    }
    if installed(&["setpriv"]) {
        let drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"];
        agrees(backend, &[&drop[..], &["id"]].concat());
        agrees(backend, &[&drop[..], &["grep", "Cap", "/proc/self/status"]].concat());
    }
}

/// A copy of `id` that belongs to root and is set-user-id.
fn elevating_id(directory: &Path) {
    let copy = directory.join("id");
    fs::copy(path_of("id").unwrap(), &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o4755)).unwrap();
    // `nobody` has to get there.
    for ancestor in [directory, directory.parent().unwrap()] {
        fs::set_permissions(ancestor, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// When Lapwing runs as root, the kernel lets a traced program elevate.
fn set_user_id_programs_keep_elevating(backend: Backend) {
    if !require(&[Need::Root]) || !installed(&["setpriv", "id"]) {
        return;
    }
    let did = Both::new(&["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "./id"])
        .files(elevating_id)
        .agree(backend);
    assert!(did.stdout.contains("euid=0"), "is the temporary directory mounted nosuid? {did:?}");
    assert_eq!(fs::metadata("/").unwrap().uid(), 0);
}

/// `no_new_privs`, once set, is the command's own choice and has its effect.
fn no_new_privileges_by_choice(backend: Backend) {
    if !require(&[Need::Root]) || !installed(&["setpriv", "id"]) {
        return;
    }
    let drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs", "./id"];
    let did = Both::new(&drop).files(elevating_id).agree(backend);
    assert!(!did.stdout.contains("euid=0"), "{did:?}");
}

/// A sandbox of the command's own, on top of Lapwing's filter.
fn namespaces_and_roots_of_its_own(backend: Backend) {
    if !require(&[Need::Root, Need::MountNamespace]) || !installed(&["unshare", "chroot"]) {
        return;
    }
    agrees(
        backend,
        &[
            "unshare",
            "--mount",
            "sh",
            "-c",
            "mount -t tmpfs none /mnt && touch /mnt/x && ls /mnt; umount /mnt; ls /mnt | wc -l",
        ],
    );
    agrees(
        backend,
        &[
            "unshare",
            "--pid",
            "--fork",
            "--mount-proc",
            "sh",
            "-c",
            "echo $$; echo /proc/[0-9]*; sh -c 'echo $$ $PPID'",
        ],
    );
    agrees(backend, &["unshare", "--user", "--map-root-user", "id", "-u"]);
    agrees(backend, &["unshare", "--uts", "sh", "-c", "hostname lapwing-test; hostname"]);
    agrees(backend, &["chroot", "/", "sh", "-c", "cd /etc; pwd; exit 4"]);
}
