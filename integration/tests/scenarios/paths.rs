//! One path, passed in every way, to every call that takes one: whatever was passed, the event names the
//! same file, and beside it the string as it was.

use lapwing_integration::harness::Backend;
use lapwing_integration::need::Need;
use lapwing_integration::{expect, scenario};

use crate::PROGRAM;

/// What is expected of a call, whichever way its path is passed. `$FILE` stands for the file, `$PASSED`
/// for the string, `$RESULT` for the result.
struct Op {
    call: &'static str,
    /// The name of what it acts on, in the directory `real`.
    target: &'static str,
    /// A symbolic link at the end of the path is what it acts on, not where that leads.
    keeps: bool,
    /// The result of a success, then of what nobody gets.
    results: [&'static str; 2],
    needs: &'static [Need],
    expected: &'static str,
}

fn check(op: &Op, variant: &str, backend: Backend) {
    if !backend.is_available() {
        return;
    }
    let target = op.target;
    let passed = match variant {
        "absolute" => format!("$DIR/real/{target}"),
        "here" | "dirfd" => target.to_owned(),
        "symlink" => format!("link/{target}"),
        "dotdot" => format!("real//sub/.././{target}"),
        "hop" => String::from("real/hop"),
        _ => format!("real/{target}"),
    };
    let file = if variant == "hop" && op.keeps { "$DIR/real/hop".to_owned() } else { format!("$DIR/real/{target}") };
    let [success, refusal] = op.results;
    let (result, who) = if variant == "denied" { (refusal, " process.uid=65534") } else { (success, "") };
    let expected: String = op
        .expected
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| format!("{}{who}\n", line.trim()))
        .collect();
    let expected = expected.replace("$FILE", &file).replace("$PASSED", &passed).replace("$RESULT", result);
    let mut needs = op.needs.to_vec();
    if variant == "denied" {
        needs.push(Need::Root);
    }
    let name = format!("{}/{variant}", op.call);
    scenario::check(
        PROGRAM,
        backend,
        scenario::Case { scenario: &name, needs: &needs, options: &[], expected: &expected },
    );
}

/// The types of events that are expected here.
pub(crate) fn types() -> impl Iterator<Item = &'static str> {
    OPS.iter()
        .flat_map(|(op, _)| expect::parse(op.expected).into_iter().map(|event| event.event))
        .map(|name| lapwing_common::event::EventType::named(&name).expect("a type of event").name())
}

/// The scenarios that are played here.
pub(crate) fn scenarios() -> impl Iterator<Item = String> {
    OPS.iter().flat_map(|(op, variants)| variants.iter().map(|variant| format!("{}/{variant}", op.call)))
}

/// `call "target" follows/keeps [ways beyond those of every call] (success, refusal) [needs]: "events";`
macro_rules! paths {
    ($($call:ident $target:literal $last:ident [$($more:ident),*] ($success:literal, $refusal:literal)
       $([$($need:ident),*])? : $expected:literal;)*) => {
        const OPS: &[(&Op, &[&str])] = &[$((
            &$call::OP,
            &["absolute", "relative", "here", "symlink", "dotdot", "denied", $(stringify!($more)),*],
        )),*];

        $(mod $call {
            pub(super) const OP: super::Op = super::Op {
                call: stringify!($call),
                target: $target,
                keeps: matches!(stringify!($last).as_bytes()[0], b'k'),
                results: [$success, $refusal],
                needs: &[$($(lapwing_integration::need::Need::$need),*)?],
                expected: $expected,
            };
            mod ptrace {
                paths!(@ Ptrace absolute relative here symlink dotdot denied $($more)*);
            }

            mod kernel {
                paths!(@ Kernel absolute relative here symlink dotdot denied $($more)*);
            }
        })*
    };
    (@ $backend:ident $($variant:ident)*) => { $(
        #[test]
        fn $variant() {
            let backend = lapwing_integration::harness::Backend::$backend;
            super::super::check(&super::OP, stringify!($variant), backend);
        }
    )* };
}

paths! {
    open "file" follows [hop] ("0..", "-13"): "open file.path=$FILE flags_str=O_RDONLY syscall.path=$PASSED retval=$RESULT";
    openat "file" follows [dirfd, hop] ("0..", "-13"): "
        open file.path=$FILE flags_str=O_RDWR|O_CLOEXEC syscall.path=$PASSED retval=$RESULT
    ";
    openat2 "file" follows [dirfd, hop] ("0..", "-13"): "
        open file.path=$FILE flags_str=O_WRONLY|O_APPEND syscall.path=$PASSED retval=$RESULT
    ";
    creat "new" follows [] ("0..", "-13"): "
        open file.path=$FILE flags_str=O_WRONLY|O_CREAT|O_TRUNC file.destination.mode=0o640 syscall.path=$PASSED \
            retval=$RESULT
    ";
    openat_create "new" follows [dirfd] ("0..", "-13"): "
        open file.path=$FILE flags_str=O_WRONLY|O_CREAT|O_EXCL file.destination.mode=0o604 syscall.path=$PASSED \
            retval=$RESULT
    ";
    truncate "file" follows [hop] ("0", "-13"): "
        open file.path=$FILE flags_str=O_WRONLY|O_TRUNC syscall.path=$PASSED retval=$RESULT
    ";
    mkdir "new" keeps [] ("0", "-13"): "
        mkdir file.path=$FILE file.destination.mode=0o750 syscall.path=$PASSED retval=$RESULT
    ";
    mkdirat "new" keeps [dirfd] ("0", "-13"): "
        mkdir file.path=$FILE file.destination.mode=0o705 syscall.path=$PASSED retval=$RESULT
    ";
    rmdir "sub" keeps [] ("0", "-13"): "rmdir file.path=$FILE syscall.path=$PASSED retval=$RESULT";
    unlinkat_rmdir "sub" keeps [dirfd] ("0", "-13"): "rmdir file.path=$FILE syscall.path=$PASSED retval=$RESULT";
    unlink "file" keeps [hop] ("0", "-13"): "unlink file.path=$FILE flags=0 syscall.path=$PASSED retval=$RESULT";
    unlinkat "file" keeps [dirfd, hop] ("0", "-13"): "
        unlink file.path=$FILE flags=0 syscall.path=$PASSED retval=$RESULT
    ";
    rename "file" keeps [hop] ("0", "-13"): "
        rename file.path=$FILE file.destination.path=$DIR/moved flags=0 syscall.path=$PASSED \
            syscall.destination.path=$DIR/moved retval=$RESULT
    ";
    renameat "file" keeps [dirfd, hop] ("0", "-13"): "
        rename file.path=$FILE file.destination.path=$DIR/moved flags=0 syscall.path=$PASSED \
            syscall.destination.path=$DIR/moved retval=$RESULT
    ";
    renameat2 "file" keeps [dirfd, hop] ("0", "-13"): "
        rename file.path=$FILE file.destination.path=$DIR/moved flags_str=RENAME_NOREPLACE syscall.path=$PASSED \
            syscall.destination.path=$DIR/moved retval=$RESULT
    ";
    rename_to "new" keeps [] ("0", "-13"): "
        rename file.path=$DIR/other file.destination.path=$FILE syscall.path=$DIR/other \
            syscall.destination.path=$PASSED retval=$RESULT
    ";
    renameat_to "new" keeps [dirfd] ("0", "-13"): "
        rename file.path=$DIR/other file.destination.path=$FILE syscall.path=$DIR/other \
            syscall.destination.path=$PASSED retval=$RESULT
    ";
    link_to "new" keeps [] ("0", "-13"): "
        link file.path=$DIR/other file.destination.path=$FILE symbolic=false syscall.path=$DIR/other \
            syscall.destination.path=$PASSED retval=$RESULT
    ";
    linkat_to "new" keeps [dirfd] ("0", "-13"): "
        link file.path=$DIR/other file.destination.path=$FILE symbolic=false syscall.path=$DIR/other \
            syscall.destination.path=$PASSED retval=$RESULT
    ";
    link "file" keeps [hop] ("0", "-13"): "
        link file.path=$FILE file.destination.path=$DIR/linked symbolic=false syscall.path=$PASSED \
            syscall.destination.path=$DIR/linked retval=$RESULT
    ";
    linkat "file" keeps [dirfd, hop] ("0", "-13"): "
        link file.path=$FILE file.destination.path=$DIR/linked symbolic=false syscall.path=$PASSED \
            syscall.destination.path=$DIR/linked retval=$RESULT
    ";
    linkat_follow "file" follows [dirfd, hop] ("0", "-13"): "
        link file.path=$FILE file.destination.path=$DIR/linked symbolic=false syscall.path=$PASSED \
            syscall.destination.path=$DIR/linked retval=$RESULT
    ";
    symlink "new" keeps [] ("0", "-13"): "
        link file.path=$DIR/real/file file.destination.path=$FILE symbolic=true syscall.path=file \
            syscall.destination.path=$PASSED retval=$RESULT
    ";
    symlinkat "new" keeps [dirfd] ("0", "-13"): "
        link file.path=$DIR/other file.destination.path=$FILE symbolic=true syscall.path=../other \
            syscall.destination.path=$PASSED retval=$RESULT
    ";
    chmod "file" follows [hop] ("0", "-1"): "
        chmod file.path=$FILE file.mode=0o100600 file.destination.mode=0o4755 syscall.path=$PASSED retval=$RESULT
    ";
    fchmodat "file" follows [dirfd, hop] ("0", "-1"): "
        chmod file.path=$FILE file.mode=0o100600 file.destination.mode=0o640 syscall.path=$PASSED retval=$RESULT
    ";
    fchmodat2 "file" follows [dirfd, hop] ("0", "-1") [Fchmodat2]: "
        chmod file.path=$FILE file.mode=0o100600 file.destination.mode=0o604 syscall.path=$PASSED retval=$RESULT
    ";
    chown "file" follows [hop] ("0", "-1") [Root]: "
        chown file.path=$FILE file.uid=0 file.destination.uid=1000 file.destination.gid=-1 syscall.path=$PASSED \
            retval=$RESULT
    ";
    lchown "file" keeps [hop] ("0", "-1") [Root]: "
        chown file.path=$FILE file.uid=0 file.destination.uid=-1 file.destination.gid=65534 syscall.path=$PASSED \
            retval=$RESULT
    ";
    fchownat "file" follows [dirfd, hop] ("0", "-1") [Root]: "
        chown file.path=$FILE file.uid=0 file.destination.uid=1 file.destination.gid=2 syscall.path=$PASSED \
            retval=$RESULT
    ";
    fchownat_nofollow "file" keeps [dirfd, hop] ("0", "-1") [Root]: "
        chown file.path=$FILE file.uid=0 file.destination.uid=1 file.destination.gid=2 syscall.path=$PASSED \
            retval=$RESULT
    ";
    utime "file" follows [hop] ("0", "-1"): "
        utimes file.path=$FILE access_time=1970-01-01T00:00:01.000000000Z \
            modification_time=1970-01-01T00:00:02.000000000Z syscall.path=$PASSED retval=$RESULT
    ";
    utimes "file" follows [hop] ("0", "-1"): "
        utimes file.path=$FILE access_time=1970-01-01T00:00:01.500000000Z \
            modification_time=1970-01-01T00:00:02.000000000Z syscall.path=$PASSED retval=$RESULT
    ";
    futimesat "file" follows [dirfd, hop] ("0", "-1"): "
        utimes file.path=$FILE access_time=1970-01-01T00:00:01.000000000Z \
            modification_time=1970-01-01T00:00:02.250000000Z syscall.path=$PASSED retval=$RESULT
    ";
    utimensat "file" follows [dirfd, hop] ("0", "-1"): "
        utimes file.path=$FILE access_time=1970-01-01T00:00:01.000000005Z \
            modification_time=1970-01-01T00:00:02.000000006Z syscall.path=$PASSED retval=$RESULT
    ";
    utimensat_nofollow "file" keeps [dirfd, hop] ("0", "-1"): "
        utimes file.path=$FILE access_time=1970-01-01T00:00:01.000000005Z \
            modification_time=1970-01-01T00:00:02.000000006Z syscall.path=$PASSED retval=$RESULT
    ";
    setxattr "file" follows [hop] ("0", "-1") [Root]: "
        setxattr file.path=$FILE file.destination.namespace=trusted file.destination.name=trusted.lw \
            syscall.path=$PASSED retval=$RESULT
    ";
    lsetxattr "file" keeps [hop] ("0", "-1") [Root]: "
        setxattr file.path=$FILE file.destination.name=trusted.lw syscall.path=$PASSED retval=$RESULT
    ";
    setxattrat "file" follows [dirfd, hop] ("0", "-1") [Root, XattrAt]: "
        setxattr file.path=$FILE file.destination.name=trusted.lw syscall.path=$PASSED retval=$RESULT
    ";
    removexattr "file" follows [hop] ("0", "-1") [Root]: "
        removexattr file.path=$FILE file.destination.namespace=trusted file.destination.name=trusted.lw \
            syscall.path=$PASSED retval=$RESULT
    ";
    lremovexattr "file" keeps [hop] ("0", "-1") [Root]: "
        removexattr file.path=$FILE file.destination.name=trusted.lw syscall.path=$PASSED retval=$RESULT
    ";
    removexattrat "file" keeps [dirfd, hop] ("0", "-1") [Root, XattrAt]: "
        removexattr file.path=$FILE file.destination.name=trusted.lw syscall.path=$PASSED retval=$RESULT
    ";
    chdir "sub" follows [hop] ("0", "-13"): "chdir file.path=$FILE syscall.path=$PASSED retval=$RESULT";
    chroot "sub" follows [hop] ("0", "-13") [Root]: "chroot file.path=$FILE syscall.path=$PASSED retval=$RESULT";
    execve "program" follows [hop] ("0", "-13"): "
        fork pid=$child
        exec file.path=$FILE syscall.path=$PASSED retval=$RESULT process.pid=$child
        exit code=? process.pid=$child
    ";
    execveat "program" follows [dirfd, hop] ("0", "-13"): "
        fork pid=$child
        exec file.path=$FILE syscall.path=$PASSED retval=$RESULT process.pid=$child
        exit code=? process.pid=$child
    ";
}
