//! Rules of words that belong to the language, so that most get past the grammar: types, compiler, index and
//! evaluation. A rule matches if it does so beside others too, and with one more condition that holds.
#![no_main]

#[path = "../policy.rs"]
mod policy;

use libfuzzer_sys::fuzz_target;

/// A byte stands for one of these.
const WORDS: &[&str] = &[
    "open.file.path", "open.file.name", "open.flags", "open.retval", "open.file.mode", "process.comm", "process.uid",
    "process.argv", "process.args", "process.args_flags", "process.is_thread", "process.file.path",
    "process.ancestors.comm", "process.ancestors[A].comm", "process.ancestors[A].uid", "process.ancestors.length",
    "process.argv[1]", "open.file.path.length", "process.created_at", "open.file.modification_time", "%{process.comm}",
    "${process.pid}", "event.timestamp", "process.parent.file.name", "container.id", "process.cap_effective",
    "==", "!=", "in", "not in", "allin", "=~", "!~", "<", "<=", ">", ">=", "&", "|", "^", "+", "-", "!", "not",
    "&&", "||", "and", "or", "(", ")", "(", ")", "[", "]", ",", ",", "\"/etc/passwd\"", "\"a*b\"", "~\"/etc/*\"",
    "~\"/**/x\"", "~\"*\"", "r\"^a.*z$\"", "r\"(?i)passwd\"", "\"\"", "\"%{process.comm}\"", "\"${x}/y\"", "0", "1",
    "-1", "4096", "9223372036854775807", "O_RDONLY", "O_CREAT", "O_WRONLY", "true", "false", "5s", "10m", "3d",
    "10.0.0.0/8", "::1", "CAP_SYS_ADMIN", "# x\n", "_", "nothing",
];

fuzz_target!(|bytes: &[u8]| {
    let words: Vec<_> = bytes.iter().take(200).map(|byte| WORDS[usize::from(*byte) % WORDS.len()]).collect();
    let alone = format!("open.file.path != \"\" && ({}\n)", words.join(" "));
    let more = format!("open.file.path in [\"/etc/passwd\", \"/x\"] && ({alone})");
    let fewer = format!("open.file.path == \"/never\" && ({alone})");
    let (loaded, _) = policy::of(&[&alone, &more, &fewer, "open.file.name == \"other\""]);
    let found = policy::matches(&loaded);
    let has = |id: &str| found.iter().any(|one| one == id);
    if loaded.rules.rules().len() == 4 {
        assert_eq!(has("rule_0"), has("rule_1"), "{alone}");
        assert!(!has("rule_2") && !has("rule_3"), "{alone}");
    }
});
