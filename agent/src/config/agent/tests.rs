//! What options and configuration files mean together.

use lapwing_common::engine::EventSet;
use lapwing_common::event::EventType;

use super::*;
use crate::cli::DirectoryArgs;

const ROOT: User = User { is_root: true, runtime: None };

fn options(set: impl FnOnce(&mut AgentArgs)) -> AgentArgs {
    let mut args = AgentArgs::default();
    set(&mut args);
    args
}

fn config(args: &AgentArgs, file: FileConfig) -> AgentConfig {
    AgentConfig::of(args, file, &ROOT).unwrap()
}

fn scope(words: &[&str]) -> Result<Scope, ConfigError> {
    parse_scope(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
}

#[test]
fn nothing_given_means_the_whole_host() {
    let config = config(&AgentArgs::default(), FileConfig::default());
    assert_eq!(config.fixed.backend, AgentBackend::Auto);
    assert_eq!(config.fixed.scope, Scope::Host);
    assert_eq!(config.fixed.directory, Path::new("/run/lapwing"));
    let nobody = TracerLimits { tracers: 256, users: Users::These(Vec::new()), reserve: EventSet::NONE };
    assert_eq!(
        config.variable,
        Variable {
            clients: 64,
            queue: 1 << 20,
            tracers: nobody,
            statsd: None,
            dumps: DumpLimits::default(),
            dump_dir: "/tmp".into(),
            types: None,
            policies: None,
            rate: Some(Rate { per_second: 10, burst: 40 })
        }
    );
}

#[test]
fn options_prevail_over_the_file() {
    let file = FileConfig {
        backend: Some(BackendName::Kernel),
        scope: Some(OneOrMany::One("tree:7".to_owned())),
        socket_dir: Some("/file".into()),
        types: Some(vec!["open".to_owned()]),
        policies: Some("/rules".into()),
        ..FileConfig::default()
    };
    let AgentConfig { fixed: of_file, variable, .. } = config(&AgentArgs::default(), file.clone());
    assert_eq!((of_file.backend, of_file.scope), (AgentBackend::Kernel, Scope::Tree(7)));
    assert_eq!(of_file.directory, Path::new("/file"));
    assert_eq!(
        (variable.types, variable.policies),
        (Some(EventSet::NONE.with(EventType::Open)), Some("/rules".into()))
    );
    let args = AgentArgs {
        backend: Some(AgentBackend::None),
        scope: vec!["host".to_owned()],
        types: vec!["exec".to_owned()],
        policies: Some("/others".into()),
        directory: DirectoryArgs { socket_dir: Some("/option".into()) },
        ..AgentArgs::default()
    };
    let AgentConfig { fixed: of_options, variable, .. } = config(&args, file);
    assert_eq!((of_options.backend, of_options.scope), (AgentBackend::None, Scope::Host));
    assert_eq!(of_options.directory, Path::new("/option"));
    assert_eq!(
        (variable.types, variable.policies),
        (Some(EventSet::NONE.with(EventType::Exec)), Some("/others".into()))
    );
}

#[test]
fn a_scope_is_the_host_or_a_tree_or_control_groups() {
    assert_eq!(scope(&["host"]), Ok(Scope::Host));
    assert_eq!(scope(&["tree:12"]), Ok(Scope::Tree(12)));
    let cgroups = scope(&["cgroup:/a/b", "cgroup:/sys/fs/cgroup/c"]).unwrap();
    assert_eq!(cgroups, Scope::Cgroups(vec!["/sys/fs/cgroup/a/b".into(), "/sys/fs/cgroup/c".into()]));
    assert_eq!(cgroups.to_string(), "cgroup:/sys/fs/cgroup/a/b,cgroup:/sys/fs/cgroup/c");
    for bad in
        [["hosts"].as_slice(), &["tree:0"], &["tree:x"], &["cgroup:a"], &["host", "tree:1"], &["tree:1", "tree:2"]]
    {
        assert!(matches!(scope(bad), Err(ConfigError::BadScope(_))), "{bad:?}");
    }
}

#[test]
fn statistics_go_to_an_address_that_needs_no_lookup() {
    assert_eq!(parse_address("udp:127.0.0.1:8125"), Ok(StatsdAddress::Udp(([127, 0, 0, 1], 8125).into())));
    assert_eq!(parse_address("udp:localhost:8125"), parse_address("udp:127.0.0.1:8125"));
    assert!(matches!(parse_address("udp:[::1]:8125"), Ok(StatsdAddress::Udp(address)) if address.is_ipv6()));
    assert_eq!(parse_address("unix:/run/dsd.socket"), Ok(StatsdAddress::Unix("/run/dsd.socket".into())));
    for bad in ["127.0.0.1:8125", "udp:metrics.example:8125", "unix:dsd.socket", "tcp:127.0.0.1:1", ""] {
        assert_eq!(parse_address(bad), Err(ConfigError::BadStatsd(bad.to_owned())));
    }
    let args = options(|args| args.statsd = Some("unix:/s".to_owned()));
    let statsd = config(&args, FileConfig::default()).variable.statsd.unwrap();
    assert_eq!((statsd.interval, &*statsd.prefix), (Duration::from_secs(20), "lapwing"));
}

#[test]
fn numbers_out_of_range_are_refused() {
    let mut file = FileConfig::default();
    file.control.clients = Some(0);
    let error = AgentConfig::of(&AgentArgs::default(), file, &ROOT).unwrap_err();
    let expected = "control.clients = 0: expected a number from 1 to 1024";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_rate_of_nothing_is_no_limit() {
    let mut file = FileConfig::default();
    file.rules.rate = Some(0);
    assert_eq!(config(&AgentArgs::default(), file.clone()).variable.rate, None);
    (file.rules.rate, file.rules.burst) = (Some(3), Some(0));
    assert_eq!(config(&AgentArgs::default(), file).variable.rate, Some(Rate { per_second: 3, burst: 1 }));
}

#[test]
fn what_cannot_change_is_named_by_its_key() {
    let before = config(&AgentArgs::default(), FileConfig::default()).fixed;
    let after = Fixed { scope: Scope::Tree(1), directory: "/other".into(), ..before.clone() };
    assert_eq!(before.differences(&after), ["scope", "socket-dir"]);
    assert_eq!(before.differences(&before), [""; 0]);
}

#[test]
fn tracers_of_users_are_admitted_by_number_or_all() {
    let users = |words: &[&str]| parse_users(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    assert_eq!(users(&["any"]), Ok(Users::Any));
    assert_eq!(users(&["0", "1000"]), Ok(Users::These(vec![0, 1000])));
    assert_eq!(users(&["1000", "any"]), Err(ConfigError::BadUser("any".to_owned())));
    assert_eq!(users(&["root"]), Err(ConfigError::BadUser("root".to_owned())));
    assert!(users(&["1000"]).unwrap().include(1000) && !users(&["1000"]).unwrap().include(1001));
}

/// What is wrong with a configuration file, without the file's name.
fn wrong(args: AgentArgs, text: &str) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let args = AgentArgs { config: Some(file.path().to_owned()), ..args };
    let said = AgentConfig::new(&args, &ROOT).unwrap_err().to_string();
    said.replace(file.path().to_str().unwrap(), "FILE").replace("; the keys and their meaning are in docs/agent.md", "")
}

#[test]
fn what_means_nothing_is_refused_with_its_place() {
    for (text, expected) in [
        ("\n[control]\nclients = 0\n", "FILE:3:11: control.clients = 0: expected a number from 1 to 1024"),
        ("[activity-dump]\nkeep = 0", "FILE:2:8: activity-dump.keep = 0: expected a number from 1 to 100000"),
        ("scope = [\n  \"cgroup:/a\",\n  \"group:/b\",\n]", "FILE:3:3: scope group:/b: expected"),
        ("types = [\"open\", \"exc\"]", "FILE:1:18: types exc: there is no such type of event; did you mean `exec`?"),
        ("types = [\"exec\"]\n[tracers]\nreserve = [\"exc\"]", "FILE:3:12: tracers.reserve exc: there is no such"),
        ("statsd.address = \"tcp:1\"", "FILE:1:18: statsd.address tcp:1: expected"),
        ("keep-env = [\"A=1\"]", "FILE:1:13: keep-env A=1: a variable is named without"),
        ("[hash]\nalgorithms = [\"md5\", \"sha3\"]", "FILE:2:22: hash.algorithms sha3: there is no such hash"),
        ("[activity-dump]\nformats = [\"xml\"]", "FILE:2:12: activity-dump.formats: there is no xml"),
        ("[security-profiles.cgroups]\nweb = [\"/a\", \"b\"]", "FILE:2:14: security-profiles.cgroups: b is no path"),
        ("[security-profiles.cgroups]\n\":1\" = \"/a\"", "FILE:2:1: security-profiles.cgroups :1: a workload is"),
    ] {
        let said = wrong(AgentArgs::default(), text);
        assert!(said.starts_with(expected), "{text}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn a_file_is_not_blamed_for_an_option() {
    let args = || options(|args| args.scope = vec!["bad".to_owned()]);
    let said = wrong(args(), "scope = \"host\"");
    assert!(said.starts_with("--scope bad: expected"), "{said}");
    // Options prevail, so that the file's is not even looked at.
    assert!(wrong(args(), "scope = \"bad\"").starts_with("--scope bad: expected"));
}
