//! What `packaging` holds: files that say what is so.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use lapwing_integration::agent::Home;
use lapwing_integration::harness::binary;
use lapwing_integration::need::installed;
use lapwing_integration::run::{finish, shell_status};
use serde_json::Value;
use tempfile::TempDir;

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging")
}

#[test]
fn the_example_configuration_is_one() {
    let home = Home::new();
    let file = packaging().join("agent.toml");
    let _agent = home.start(&["--backend", "none", "--config", file.to_str().unwrap()]);
    assert_eq!(home.status()["socket_dir"], home.path().to_str().unwrap(), "options prevail");
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    if !installed(&["systemd-analyze"]) {
        return;
    }
    let directory = TempDir::new().unwrap();
    let unit = directory.path().join("lapwing.service");
    let text = fs::read_to_string(packaging().join("systemd/lapwing.service")).unwrap();
    fs::write(&unit, text.replace("/usr/bin/lapwing", binary().to_str().unwrap())).unwrap();
    let output = finish(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&unit), b"");
    let said = String::from_utf8_lossy(&output.stderr);
    let complaints: Vec<_> = said.lines().filter(|line| line.contains("lapwing")).collect();
    assert_eq!(complaints, [""; 0], "{said}");
}

#[test]
fn the_task_definition_is_json_whose_containers_exist() {
    let text = fs::read_to_string(packaging().join("ecs/task-definition.json")).unwrap();
    let task: Value = serde_json::from_str(&text).unwrap();
    let containers = task["containerDefinitions"].as_array().unwrap();
    let names: Vec<_> = containers.iter().map(|container| &container["name"]).collect();
    let volumes: Vec<_> = task["volumes"].as_array().unwrap().iter().map(|volume| &volume["name"]).collect();
    for container in containers {
        let needed = container["dependsOn"].as_array().into_iter().flatten().map(|on| &on["containerName"]);
        assert!(needed.into_iter().all(|name| names.contains(&name)), "{container:#}");
        let mounted = container["mountPoints"].as_array().into_iter().flatten().map(|mount| &mount["sourceVolume"]);
        assert!(mounted.into_iter().all(|name| volumes.contains(&name)), "{container:#}");
    }
}

#[test]
fn the_daemon_set_is_yaml_whose_parts_fit_together() {
    let text = fs::read_to_string(packaging().join("kubernetes/daemonset.yaml")).unwrap();
    let documents: Vec<Value> = text.split("\n---\n").map(|part| serde_saphyr::from_str(part).unwrap()).collect();
    let kinds: Vec<_> = documents.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Namespace", "ConfigMap", "DaemonSet"]);
    let (namespace, configuration, set) = (&documents[0]["metadata"]["name"], &documents[1], &documents[2]["spec"]);
    assert!(documents[1..].iter().all(|one| one["metadata"]["namespace"] == *namespace));
    assert_eq!(set["selector"]["matchLabels"], set["template"]["metadata"]["labels"]);
    let pod = &set["template"]["spec"];
    let volumes = pod["volumes"].as_array().unwrap();
    let named = |name: &Value| volumes.iter().find(|volume| volume["name"] == *name);
    for mount in pod["containers"][0]["volumeMounts"].as_array().unwrap() {
        assert!(named(&mount["name"]).is_some(), "{mount}");
    }
    let volume = named(&Value::from("configuration")).unwrap();
    assert_eq!(volume["configMap"]["name"], configuration["metadata"]["name"]);
    // What it configures, an agent takes; but here it observes nothing, and serves another directory.
    let home = Home::new();
    let file = home.path().join("agent.toml");
    fs::write(&file, configuration["data"]["agent.toml"].as_str().unwrap()).unwrap();
    let _agent = home.start(&["--backend", "none", "--config", file.to_str().unwrap()]);
    let capabilities = &pod["containers"][0]["securityContext"]["capabilities"];
    assert_eq!(capabilities["drop"], serde_json::json!(["ALL"]));
}

#[test]
fn the_program_hands_itself_on() {
    let directory = TempDir::new().unwrap();
    let home = Home::new();
    let output = home.run(&["install", directory.path().to_str().unwrap()]);
    assert_eq!(shell_status(output.status), 0);
    let copy = directory.path().join("lapwing");
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o755);
    let version = |program: &Path| finish(Command::new(program).arg("--version"), b"").stdout;
    assert_eq!(version(&copy), version(binary()));
}
