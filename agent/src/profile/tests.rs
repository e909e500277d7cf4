//! Profiles in other languages.

use lapwing_proto::dumps::{
    BindNode, Credentials, FileActivityNode, FileInfo, Metadata, OpenNode, ProcessActivityNode, ProcessInfo,
    ProfileContext, ProfileSelector, SecurityProfile, SocketNode, SyscallNode,
};

use super::*;

/// `read`, `mkdir`, `execve`, `chroot` and a number that no call has, on x86-64.
const CALLS: [i32; 5] = [0, 83, 59, 161, 5000];

fn opened(name: &str, path: &str, flags: u32, mode: u32) -> FileActivityNode {
    FileActivityNode {
        name: name.into(),
        file: Some(FileInfo { path: path.into(), mode, ..FileInfo::default() }),
        open: Some(OpenNode { flags, ..OpenNode::default() }),
        ..FileActivityNode::default()
    }
}

fn profile(arch: &str, calls: &[i32]) -> SecurityProfile {
    let program = |path: &str| {
        let credentials = Credentials { cap_effective: 1 << 10, ..Credentials::default() };
        let file = FileInfo { path: path.into(), ..FileInfo::default() };
        ProcessInfo { file: Some(file), credentials: Some(credentials), ..ProcessInfo::default() }
    };
    let etc = FileActivityNode {
        name: "etc".into(),
        children: vec![
            opened("a b\"", "/etc/a b\"", 0, 0o100_644),
            opened("log", "/etc/log", 0o2101, 0o100_644),
            opened("dir", "/etc/dir", 0o200_000, 0o040_755),
        ],
        ..FileActivityNode::default()
    };
    let library = opened("libc.so.6", "/lib/libc.so.6", 0, 0o100_755);
    let bind = |port, protocol| BindNode { port, protocol, ..BindNode::default() };
    let node = ProcessActivityNode {
        process: Some(program("/usr/sbin/web")),
        files: vec![etc, library, opened("pipe:[*]", "pipe:[*]", 0, 0), opened("0", "/proc/*/0", 0, 0)],
        sockets: vec![
            SocketNode { family: "AF_INET".into(), bind: vec![bind(80, 6)] },
            SocketNode { family: "AF_INET6".into(), bind: vec![bind(8080, 17)] },
        ],
        syscall_nodes: calls.iter().map(|number| SyscallNode { syscall: *number, ..SyscallNode::default() }).collect(),
        children: vec![ProcessActivityNode { process: Some(program("/bin/cgi")), ..ProcessActivityNode::default() }],
        ..ProcessActivityNode::default()
    };
    // `getuid`.
    let context = ProfileContext { syscalls: vec![102], ..ProfileContext::default() };
    SecurityProfile {
        metadata: Some(Metadata { arch: arch.into(), ..Metadata::default() }),
        tree: vec![node],
        profile_contexts: [("1".to_owned(), context)].into(),
        selector: Some(ProfileSelector { image_name: "web".into(), image_tag: "*".into() }),
        ..SecurityProfile::default()
    }
}

#[test]
fn seccomp_allows_what_was_called_and_what_the_runtime_needs() {
    let text = seccomp::export(&profile("x86_64", &CALLS)).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["defaultAction"], "SCMP_ACT_ERRNO");
    assert_eq!(value["architectures"], serde_json::json!(["SCMP_ARCH_X86_64"]));
    let [runtime, workload] = [&value["syscalls"][0], &value["syscalls"][1]];
    assert_eq!(workload["names"], serde_json::json!(["chroot", "getuid", "mkdir"]));
    assert!(runtime["names"].as_array().unwrap().contains(&"execve".into()));
    assert_eq!((&runtime["action"], &workload["action"]), (&"SCMP_ACT_ALLOW".into(), &"SCMP_ACT_ALLOW".into()));
}

#[test]
fn seccomp_is_not_made_of_calls_that_would_not_let_a_program_start() {
    let mut of_events = profile("x86_64", &[83, 59, 161]);
    of_events.profile_contexts.clear();
    assert_eq!(seccomp::export(&of_events), Err(seccomp::Refusal::CallsOfEvents));
    assert_eq!(
        seccomp::export(&SecurityProfile { tree: Vec::new(), ..of_events }),
        Err(seccomp::Refusal::CallsOfEvents)
    );
    assert_eq!(seccomp::export(&profile("m68k", &CALLS)), Err(seccomp::Refusal::UnknownProcessor("m68k".into())));
}

#[test]
fn numbers_are_those_of_the_processor_that_the_profile_is_of() {
    // 63 is `read` on aarch64, 34 `mkdirat`, 220 `clone`, 102 `getitimer`.
    let text = seccomp::export(&profile("aarch64", &[63, 34, 220])).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["syscalls"][1]["names"], serde_json::json!(["getitimer", "mkdirat"]));
}

#[test]
fn apparmor_allows_programs_files_ports_and_capabilities() {
    let text = apparmor::export(&profile("x86_64", &[]), None);
    let rules: Vec<_> = text.lines().skip_while(|line| !line.starts_with("profile")).map(str::trim).collect();
    assert_eq!(
        rules,
        [
            "profile \"web\" flags=(attach_disconnected,mediate_deleted) {",
            "\"/bin/cgi\" mrix,",
            "\"/usr/sbin/web\" mrix,",
            "\"/etc/a b\\\"\" r,",
            "\"/etc/dir/\" r,",
            "\"/etc/log\" rw,",
            "\"/lib/libc.so.6\" mr,",
            "\"/proc/*/0\" r,",
            "network inet stream,",
            "network inet6 dgram,",
            "capability net_bind_service,",
            "signal peer=@{profile_name},",
            "}",
        ]
    );
    assert!(apparmor::export(&profile("x86_64", &[]), Some("other")).contains("profile \"other\" "));
}

#[test]
fn the_head_of_a_profile_tells_how_far_it_is_learned() {
    let mut shown = profile("x86_64", &CALLS);
    shown.disabled = true;
    let expected = "profile of web:* (disabled)\n\
                    version 1: exec auto_learning, open auto_learning, bind auto_learning, 1 system calls\n";
    assert_eq!(show::head(&shown), expected);
}
