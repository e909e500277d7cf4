//! Every command: its help has examples, and those that ask an agent say so when there is none.

use std::process::Command;

use lapwing_integration::harness::binary;
use tempfile::TempDir;

use super::{lapwing, said};

/// A command as it is called, and its help.
type Page = (Vec<String>, String);

fn help(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(String::as_str).chain(["--help"]).collect();
    let told = lapwing(&words);
    assert_eq!((told.status, told.stderr.as_str()), (0, ""), "{told:?}");
    told.stdout
}

/// All commands, as their help names them.
fn pages(words: Vec<String>, found: &mut Vec<Page>) {
    let page = help(&words);
    let below = page.split_once("\nCommands:\n").map(|(_, rest)| rest);
    for line in below.into_iter().flat_map(|rest| rest.lines().take_while(|line| !line.is_empty())) {
        let name =
            line.strip_prefix("  ").filter(|line| !line.starts_with(' ')).and_then(|line| line.split(' ').next());
        if let Some(name) = name.filter(|name| *name != "help") {
            pages(words.iter().cloned().chain([name.to_owned()]).collect(), found);
        }
    }
    found.push((words, page));
}

#[test]
fn every_command_explains_itself_with_examples() {
    let mut found = Vec::new();
    pages(Vec::new(), &mut found);
    assert!(found.len() > 30, "{found:?}");
    for (words, page) in found {
        let examples = page.split_once("\nExamples:\n").map_or("", |(_, examples)| examples);
        let call = ["lapwing"].into_iter().chain(words.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
        assert!(examples.contains(&call), "{call} has no example: {page}");
        assert!(page.contains(&format!("\nUsage: {call}")) && page.contains("--log-level"), "{page}");
    }
    for words in [&["--version"][..], &["run", "--type", "help"]] {
        let told = lapwing(words);
        assert!(told.status == 0 && told.stderr.is_empty() && !told.stdout.is_empty(), "{told:?}");
    }
}

/// What a command needs besides, so as to get to the agent.
fn arguments(words: &[String]) -> &'static [&'static str] {
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["activity-dump", "start"] => &["--pid", "1"],
        ["activity-dump", "stop"] => &["--pid", "1"],
        ["security-profile", "save"] => &["image"],
        ["policy", "check"] => &["--loaded-policies"],
        ["trace"] => &["--agent-timeout", "0", "--without-agent", "fail", "--", "true"],
        _ => &[],
    }
}

#[test]
fn without_an_agent_every_command_that_asks_one_says_what_to_do() {
    let mut found = Vec::new();
    pages(Vec::new(), &mut found);
    found.retain(|(words, page)| page.contains("--socket-dir <DIR>") && words != &["agent"]);
    assert!(found.len() > 13, "{found:?}");
    let directory = TempDir::new().unwrap();
    for (words, _) in found {
        let told = said(
            Command::new(binary()).args(&words).args(arguments(&words)).env("LAPWING_SOCKET_DIR", directory.path()),
        );
        let socket = directory.path().to_str().unwrap();
        told.fails(1, &[socket, "lapwing agent"]);
    }
}
