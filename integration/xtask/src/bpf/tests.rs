//! Building and checking in copies of the sources. They need the compiler.

use std::fs;
use std::path::{Path, PathBuf};

use lapwing_integration::need;
use tempfile::TempDir;

use super::compile::{self, UNITY};
use super::tools::{CLANG, STRIP};
use super::*;

/// A folder with a copy of the sources, under a name of one's choice.
fn copy_of_sources(name: &str) -> (TempDir, PathBuf) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join(name);
    for path in sources::hashes(&repository).unwrap().keys() {
        let copy = root.join(path);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(repository.join(path), copy).unwrap();
    }
    (folder, root)
}

fn append(path: &Path, text: &str) {
    let present = fs::read_to_string(path).unwrap();
    fs::write(path, present + text).unwrap();
}

/// What a check finds that fails.
fn stale(root: &Path) -> Vec<String> {
    match check(root) {
        Err(Error::Stale { found }) => found,
        other => panic!("{other:?}"),
    }
}

#[test]
fn any_folder_gives_the_same_bytes() {
    if !need::installed(&[CLANG, STRIP]) {
        return;
    }
    let (_one, one) = copy_of_sources("a");
    let (_other, other) = copy_of_sources("deeper/a longer name, with spaces");
    let out = tempfile::tempdir().unwrap();
    for target in BUILT {
        let [first, second] = [&one, &other].map(|root| compile::object(root, target, out.path()).unwrap());
        assert!(first.starts_with(b"\x7fELF"), "{}", target.object);
        assert!(first == second, "{} depends on the folder that it is built in", target.object);
    }
}

#[test]
fn what_the_compiler_says_is_passed_on() {
    if !need::installed(&[CLANG, STRIP]) {
        return;
    }
    let (_folder, root) = copy_of_sources("a");
    fs::write(root.join(UNITY), "int f(void) { int unused; return 0; }\n").unwrap();
    let error = compile::object(&root, &BUILT[0], &root).unwrap_err();
    assert!(error.to_string().contains("bpf/lapwing.bpf.c:1:"), "{error}");
}

#[test]
fn fresh_after_writing_and_stale_after_every_kind_of_change() {
    if !need::installed(&[CLANG, STRIP]) {
        return;
    }
    let (_folder, root) = copy_of_sources("a");
    let error = check(&root).unwrap_err();
    assert!(matches!(error, Error::Manifest { .. }), "{error}");
    assert!(error.to_string().contains("run `cargo xtask bpf`"), "{error}");

    write(&root).unwrap();
    check(&root).unwrap();

    append(&root.join(UNITY), "/* Another line. */\n");
    assert_eq!(stale(&root), ["bpf/lapwing.bpf.c is not what it was"]);
    assert!(check(&root).unwrap_err().to_string().contains("run `cargo xtask bpf`"));
    write(&root).unwrap();
    check(&root).unwrap();

    let object = root.join(BUILT[0].object);
    let bytes = fs::read(&object).unwrap();
    fs::write(&object, &bytes[1..]).unwrap();
    assert_eq!(stale(&root), [format!("{} is not what it was", BUILT[0].object)]);
    fs::remove_file(&object).unwrap();
    assert_eq!(stale(&root), [format!("{} is gone", BUILT[0].object)]);
}

/// The manifest may agree with an object that was never built from the sources.
#[test]
fn an_object_of_other_sources_is_found_by_building() {
    if !need::installed(&[CLANG, STRIP]) {
        return;
    }
    let (_folder, root) = copy_of_sources("a");
    write(&root).unwrap();
    forge(&root);
    assert_eq!(stale(&root), [format!("{} is not what it was", BUILT[0].object)]);
}

#[test]
fn with_another_compiler_only_the_sources_count() {
    if !need::installed(&[CLANG, STRIP]) {
        return;
    }
    let (_folder, root) = copy_of_sources("a");
    write(&root).unwrap();
    forge(&root);
    let path = root.join(manifest::PATH);
    let mut manifest: Manifest = fs::read_to_string(&path).unwrap().parse().unwrap();
    manifest.tools.compiler = "another clang version".to_owned();
    fs::write(&path, manifest.to_string()).unwrap();
    check(&root).unwrap();

    append(&root.join(UNITY), "/* Another line. */\n");
    assert_eq!(stale(&root), ["bpf/lapwing.bpf.c is not what it was"]);
}

/// Replaces the first object, and its hash in the manifest.
fn forge(root: &Path) {
    let path = root.join(manifest::PATH);
    let mut manifest: Manifest = fs::read_to_string(&path).unwrap().parse().unwrap();
    let line = manifest.objects.get_mut(BUILT[0].object).unwrap();
    line.sha256 = manifest::sha256(b"another object");
    fs::write(root.join(BUILT[0].object), b"another object").unwrap();
    fs::write(&path, manifest.to_string()).unwrap();
}
