//! What expressions mean.

use super::{matches, matches_with};

const OPEN: &str = r#"
    open.file.path = "/etc/passwd"
    open.file.name = "passwd"
    open.file.extension = ""
    open.flags = 577
    open.retval = -13
    process.comm = "cat"
    process.uid = 1000
    process.is_thread = false
    process.is_kworker = true
    process.argv = ["-n", "--all", "/etc/passwd"]
    process.ancestors.comm = ["bash", "sshd", "systemd"]
    process.ancestors.uid = [1000, 0, 0]
    process.created_at = 1699999990000000000
"#;

#[track_caller]
fn holds(expression: &str) {
    let whole = alloc::format!("open.file.path != \"\" && ({expression})");
    assert!(matches(&whole, OPEN), "{expression}");
}

#[track_caller]
fn fails(expression: &str) {
    let whole = alloc::format!("open.file.path != \"\" && ({expression})");
    assert!(!matches(&whole, OPEN), "{expression}");
}

#[test]
fn texts_are_compared() {
    holds(r#"open.file.path == "/etc/passwd""#);
    fails(r#"open.file.path != "/etc/passwd""#);
    holds(r#"open.file.name in ["shadow", "passwd"]"#);
    holds(r#"open.file.name not in ["shadow", ~"g*"]"#);
    holds(r#"open.file.name in ["shadow", ~"pass*"]"#);
    holds(r#"open.file.name in [r"^p.ss", "shadow"]"#);
    holds(r#"open.file.name =~ "pass*""#);
    fails(r#"open.file.name == "pass*""#);
    holds(r#"open.file.name == ~"pass*""#);
    holds(r#"open.file.name !~ "shadow*""#);
    holds(r#"open.file.name == r"w[d]$""#);
    holds(r#"open.file.name =~ r"(?i)^PASS""#);
    holds(r#""passwd" == open.file.name"#);
    fails(r#"process.argv0 == "cat""#);
    holds(r#"process.argv0 == """#);
}

#[test]
fn a_program_in_memory_has_no_path() {
    const LOADER: &str = r#"
        exec.file.path = "memfd:loader"
        exec.file.name = "memfd:loader"
    "#;
    for expression in [
        r#"exec.file.name =~ "memfd*" && exec.file.path == """#,
        r#"exec.file.path in ["/bin/sh", ""]"#,
        r#"exec.file.path =~ "memfd:*""#,
    ] {
        assert!(matches(expression, LOADER), "{expression}");
        assert!(!matches(expression, "exec.file.path = \"/memfd:loader\"\nexec.file.name = \"memfd:loader\""));
    }
    assert!(!matches(r#"exec.file.path != """#, LOADER));
    assert!(matches(r#"exec.file.path == """#, ""));
}

#[test]
fn a_star_in_a_path_stays_in_its_component() {
    holds(r#"open.file.path =~ "/etc/*""#);
    fails(r#"open.file.path =~ "/*""#);
    holds(r#"open.file.path =~ "/**""#);
    holds(r#"open.file.path in ["/x", ~"/**/passwd"]"#);
    holds(r#"open.file.path =~ "*/passwd""#);
    assert!(!matches(r#"exec.file.name =~ "a/*/b" && exec.args =~ "x""#, "exec.file.name = \"a/x/y/b\""));
    assert!(matches(r#"exec.file.name =~ "a/*/b""#, "exec.file.name = \"a/x/y/b\""));
}

#[test]
fn numbers_are_computed_and_compared() {
    holds("open.flags & (O_CREAT | O_TRUNC) > 0");
    holds("open.flags & O_CREAT|O_TRUNC > 0");
    holds("open.flags & O_ACCMODE == O_WRONLY");
    fails("open.flags & O_APPEND > 0");
    holds("process.uid + 1 == 1001 && process.uid - 1 == 999 && process.uid-1 == 999");
    holds("process.uid >= 1000 && process.uid <= 1000 && !(process.uid > 1000) && !(process.uid < 1000)");
    holds("process.uid in [0, 1000]");
    fails("process.uid not in [0, 1000]");
    holds("-process.uid == -1000 && ^0 == -1");
    holds("open.retval == EACCES && open.retval == -13 && open.retval in [EPERM, EACCES]");
    holds("1000 == process.uid && 2000 > process.uid");
    holds("process.uid ^ 1000 == 0");
}

#[test]
fn conditions_have_a_truth() {
    holds("process.is_kworker && !process.is_thread");
    holds("process.is_kworker == true && process.is_thread == false && process.is_thread != true");
    holds("not process.is_thread and (process.is_thread or process.is_kworker)");
    holds("!process.is_thread == process.is_kworker");
    holds("(process.uid == 1000) == true");
}

#[test]
fn mixed_logic_reads_to_the_right() {
    // a && (b || c), a || (b && c): as the reference has it.
    fails("process.uid == 1 && process.uid == 2 || true");
    holds("true || process.uid == 1 && false");
    fails("false && true || true");
    holds("(false && true) || true");
}

#[test]
fn lists_are_asked_for_one_of_them() {
    holds(r#"process.argv == "--all""#);
    fails(r#"process.argv != "--all""#);
    holds(r#"process.argv != "--none""#);
    holds(r#"process.argv in ["-x", "-n"]"#);
    holds(r#"process.argv not in ["-x", "-y"]"#);
    holds(r#"process.argv =~ "--a*""#);
    holds(r#""-n" in process.argv"#);
    fails(r#"process.argv allin ["-n", "--all"]"#);
    holds(r#"process.argv allin ["-n", "--all", ~"/etc/*"]"#);
    holds(r#"process.argv[1] == "--all" && process.argv[7] == """#);
    holds("process.argv.length == 3 && process.comm.length == 3");
    fails(r#"process.envs == "X""#);
    holds(r#"process.envs != "X""#);
}

#[test]
fn sequences_are_asked_for_one_of_them() {
    holds(r#"process.ancestors.comm == "sshd""#);
    fails(r#"process.ancestors.comm != "sshd""#);
    holds(r#"process.ancestors.comm not in ["zsh", "fish"]"#);
    // Different ones may do.
    holds(r#"process.ancestors.comm == "bash" && process.ancestors.uid == 0"#);
    // With a register it is the same one.
    fails(r#"process.ancestors[A].comm == "bash" && process.ancestors[A].uid == 0"#);
    holds(r#"process.ancestors[A].comm == "sshd" && process.ancestors[A].uid == 0"#);
    // And what is denied is denied of it alone.
    holds(r#"process.ancestors[A].comm != "sshd" && process.ancestors[A].uid == 0"#);
    holds(r#"process.ancestors[A].comm == "sshd" && process.ancestors.comm == "bash""#);
    holds("process.ancestors.length == 3");
}

#[test]
fn addresses_lie_in_networks() {
    const CONNECT: &str = "connect.addr.ip = \"10.1.2.3\"\nconnect.addr.port = 443";
    for (expression, expected) in [
        ("connect.addr.ip == 10.1.2.3", true),
        ("connect.addr.ip in 10.0.0.0/8", true),
        ("connect.addr.ip in [192.0.2.1, 10.0.0.0/8]", true),
        ("connect.addr.ip not in [192.0.2.1, ::1, fd00::/8]", true),
        ("connect.addr.ip != 10.1.0.0/16", false),
        ("connect.addr.ip == ::ffff:10.1.2.3", true),
        ("connect.addr.ip allin [10.0.0.0/8]", true),
        ("connect.addr.port in [80, 443] && connect.addr.ip in 10.1.0.0/16", true),
    ] {
        assert_eq!(matches(expression, CONNECT), expected, "{expression}");
    }
    assert!(!matches("connect.addr.ip == 10.1.2.3", ""));
    assert!(matches("connect.addr.ip != 10.1.2.3 && connect.addr.port == 0", ""));
}

#[test]
fn times_are_compared_by_their_age() {
    holds("process.created_at > 5s && process.created_at < 1m");
    fails("process.created_at > 5m");
    holds("1m > process.created_at");
    // Arithmetic is plain numbers.
    holds("process.created_at + 0 > 5s");
    holds("process.created_at < 10001ms");
}

#[test]
fn macros_stand_for_what_they_say() {
    let macros = [
        ("SECRETS", r#"["passwd", "shadow"]"#),
        ("MORE", r#"["x", SECRETS]"#),
        ("is_write", "open.flags & (O_WRONLY|O_RDWR) > 0"),
        ("both", "is_write && open.file.name in SECRETS"),
        ("PATHS", r#"[~"/etc/*", "/x"]"#),
    ];
    for (expression, expected) in [
        ("open.file.name in SECRETS", true),
        ("open.file.name not in SECRETS", false),
        ("open.file.name in MORE", true),
        (r#"open.file.name in ["y", MORE]"#, true),
        ("is_write && open.file.path in PATHS", true),
        ("both", true),
        ("!both", false),
    ] {
        assert_eq!(matches_with(expression, &macros, OPEN), expected, "{expression}");
    }
}

#[test]
fn cases_are_told_apart_but_in_names_of_hosts() {
    assert!(matches(r#"dns.question.name == "Example.com""#, "dns.question.name = \"EXAMPLE.com\""));
    assert!(matches(r#"dns.question.name =~ "*.Example.com""#, "dns.question.name = \"www.EXAMPLE.com\""));
    assert!(!matches(r#"dns.question.name == r"example""#, "dns.question.name = \"EXAMPLE\""));
    assert!(matches(r#"dns.question.name.root_domain == "example.com""#, "dns.question.name = \"a.b.example.com\""));
    fails(r#"process.comm == "CAT""#);
}

#[test]
fn an_extension_may_do_without_its_dot() {
    const PHP: &str = "open.file.extension = \".php\"";
    for expression in [r#"open.file.extension == "php""#, r#"open.file.extension in [".html", "php"]"#] {
        assert!(matches(expression, PHP), "{expression}");
    }
    assert!(matches(r#"open.file.extension =~ "ph*""#, PHP) && matches(r#"open.file.extension =~ "*hp""#, PHP));
}

#[test]
fn busybox_has_the_names_it_is_called_by() {
    const WGET: &str = r#"
        exec.file.path = "/bin/busybox"
        exec.file.name = "busybox"
        process.file.name = "busybox"
        process.argv0 = "/usr/local/bin/wget"
    "#;
    for (expression, expected) in [
        (r#"exec.file.path == "/usr/bin/wget""#, true),
        (r#"exec.file.path in ["/bin/wget", "/bin/nc"]"#, true),
        (r#"exec.file.path == "/bin/busybox""#, true),
        (r#"exec.file.path != "/bin/wget""#, false),
        (r#"exec.file.name == "wget""#, true),
        (r#"exec.file.name =~ "wg*""#, true),
        (r#"exec.file.name == "nc""#, false),
    ] {
        assert_eq!(matches(expression, WGET), expected, "{expression}");
    }
}

#[test]
fn backends_have_the_names_of_the_reference_too() {
    assert!(matches(r#"event.origin == "ebpf" && open.flags == 0"#, "event.origin = \"kernel\""));
    assert!(matches(r#"event.origin in ["ebpfless"] && open.flags == 0"#, "event.origin = \"ptrace\""));
    assert!(matches(r#"event.origin == "kernel" && open.flags == 0"#, "event.origin = \"kernel\""));
}

#[test]
fn fields_stand_for_their_value_in_other_places() {
    holds(r#"open.file.path == "/etc/%{open.file.name}""#);
    holds(r#"open.file.path == ~"/*/%{open.file.name}""#);
    holds(r#"open.file.name != process.comm && open.file.name != %{process.comm}"#);
    holds(r#""${unclosed" != process.comm"#);
    assert!(matches(
        r#"chown.file.uid != chown.file.destination.uid"#,
        "chown.file.uid = 1\nchown.file.destination.uid = 2"
    ));
}

#[test]
fn comments_are_no_part_of_a_rule() {
    let text = "open.file.name == \"passwd\" # the users\n && // and\n process.uid == 1000";
    assert!(matches(text, OPEN));
}
