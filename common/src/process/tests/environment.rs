//! Names are kept, values on request only.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::process::{Environment, Keep};

fn capture(variables: &[&str], keep: &Keep) -> Environment {
    Environment::capture(variables.iter().map(|variable| variable.as_bytes()), false, keep)
}

fn texts(values: &[alloc::boxed::Box<[u8]>]) -> Vec<&str> {
    values.iter().map(|value| core::str::from_utf8(value).unwrap()).collect()
}

#[test]
fn values_of_the_allow_list_only() {
    let environment = capture(
        &["PATH=/bin", "PATHX=/x", "XPATH=/x", "path=/x", "AWS_SECRET=hush", "LD_PRELOAD=/evil.so=1", "BARE", "PATH"],
        &Keep::default(),
    );
    assert_eq!(
        texts(&environment.names),
        ["PATH", "PATHX", "XPATH", "path", "AWS_SECRET", "LD_PRELOAD", "BARE", "PATH"]
    );
    assert_eq!(texts(&environment.kept), ["PATH=/bin", "LD_PRELOAD=/evil.so=1"]);
    assert!(!environment.truncated);
}

#[test]
fn default_allow_list() {
    let keep = Keep::default();
    for name in ["PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "HISTSIZE", "HISTFILESIZE", "GLIBC_TUNABLES", "SSH_CLIENT"] {
        assert!(keep.contains(name.as_bytes()), "{name}");
    }
    assert!(keep.contains(b"DD_SERVICE") && keep.contains(b"OTEL_SERVICE_NAME"));
    for name in ["", "P", "PAT", "PATHX", "HOME", "LD_PRELOAD="] {
        assert!(!keep.contains(name.as_bytes()), "{name}");
    }
}

#[test]
fn own_allow_list() {
    let keep = Keep::new(["TERM", "LANG", "TERM"]);
    assert_eq!(texts(&capture(&["PATH=/bin", "TERM=xterm", "LANG="], &keep).kept), ["TERM=xterm", "LANG="]);
    assert_eq!(keep, Keep::new([String::from("LANG"), String::from("TERM")]));
    assert!(capture(&["PATH=/bin"], &Keep::new([""; 0])).kept.is_empty());
}

#[test]
fn strings_without_a_name_are_none() {
    let environment = capture(&["", "=x", "A=1", ""], &Keep::default());
    assert_eq!((texts(&environment.names), environment.truncated), (["A"].into(), false));
}

#[test]
fn bounds() {
    let value = format!("PATH={}", "x".repeat(5000));
    let name = "N".repeat(5000);
    let environment = capture(&[&value, &name], &Keep::default());
    assert_eq!((environment.kept[0].len(), environment.names[1].len()), (1024, 256));
    assert!(environment.truncated && environment.kept[0].ends_with(b"x..."));
    assert!(Environment::capture([&b"A=1"[..]], true, &Keep::default()).truncated);
    assert!(capture(&["A=1"; 257], &Keep::default()).truncated);
    assert!(!capture(&["A=1"; 256], &Keep::default()).truncated);
}

/// Otherwise padding would hide what the loader is told to load.
#[test]
fn values_are_found_past_the_limit_of_names() {
    let mut variables = ["A=1"; 1000].to_vec();
    variables.push("LD_PRELOAD=/evil.so");
    let environment = capture(&variables, &Keep::default());
    assert_eq!(environment.names.len(), 256);
    assert_eq!(texts(&environment.kept), ["LD_PRELOAD=/evil.so"]);
}
