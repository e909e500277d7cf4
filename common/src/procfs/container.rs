//! The id of a container, out of the path of its control group.
//!
//! Runtimes agree on nothing but that the id is in there: 64 hexadecimal digits (docker, containerd,
//! cri-o, podman, ECS), a Fargate task's 32 digits with a number, or garden's five groups. So the id is
//! recognised by its form, not by the words around it; the innermost one counts.

/// The container's id, out of a path of proc_pid_cgroup(5); empty if the path names none.
#[must_use]
pub fn id(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').find_map(of_component).unwrap_or_default()
}

fn of_component(component: &[u8]) -> Option<&[u8]> {
    if is_garden(component) || is_fargate(component) {
        return Some(component);
    }
    // The process that watches a container (`crio-conmon-<id>.scope`) is not in it.
    if component.windows(6).any(|window| window == b"conmon") {
        return None;
    }
    component
        .split(|byte| !byte.is_ascii_alphanumeric())
        .rfind(|word| word.len() == 64 && word.iter().all(u8::is_ascii_hexdigit))
}

/// `xxxxxxxx-xxxx-xxxx-xxxx-xxxx`: shorter than a UUID, such as that of a pod.
fn is_garden(component: &[u8]) -> bool {
    let lengths = component.split(|byte| *byte == b'-').map(|group| (group.len(), group));
    lengths.clone().map(|(length, _)| length).eq([8, 4, 4, 4, 4])
        && lengths.flat_map(|(_, group)| group).all(u8::is_ascii_hexdigit)
}

/// 32 hexadecimal digits, a dash, a decimal number.
fn is_fargate(component: &[u8]) -> bool {
    component.split_at_checked(32).is_some_and(|(task, rest)| {
        task.iter().all(u8::is_ascii_hexdigit)
            && matches!(rest, [b'-', number @ ..] if !number.is_empty() && number.iter().all(u8::is_ascii_digit))
    })
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::id;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const FARGATE: &str = "34dc0b5e626f2c5c4c5170e34b10e765-1234567890";
    const GARDEN: &str = "6f265890-5165-7fab-6b52-18d1";
    const POD: &str = "2d3da189_6407_48e3_9ab6_78188d75e609";

    #[test]
    fn forms() {
        for (path, expected) in [
            ("/".into(), ""),
            ("/user.slice/user-1000.slice/session-2.scope".into(), ""),
            (format!("/docker/{A}"), A),
            (format!("/docker/{A}/docker/{B}"), B),
            (format!("/docker/{A}/init.scope"), A),
            (format!("/system.slice/docker-{A}.scope"), A),
            (format!("/kubepods/besteffort/pod{}/{A}", POD.replace('_', "-")), A),
            (format!("/kubepods.slice/kubepods-pod{POD}.slice/cri-containerd-{A}.scope"), A),
            (format!("/kubepods.slice/kubepods-pod{POD}.slice/crio-{A}.scope"), A),
            (format!("/kubepods.slice/kubepods-pod{POD}.slice/crio-conmon-{A}.scope"), ""),
            (format!("/system.slice/containerd.service/kubepods-pod{POD}.slice:cri-containerd:{A}"), A),
            (format!("/machine.slice/libpod-{A}.scope/container"), A),
            (format!("/machine.slice/libpod-conmon-{A}.scope"), ""),
            (format!("/ecs/{}/{A}", &FARGATE[..32]), A),
            (format!("/ecs/{}/{FARGATE}", &FARGATE[..32]), FARGATE),
            (format!("/ecs/task-{}/{A}", &FARGATE[..32]), A),
            (format!("/ecstasks.slice/ecstasks-{}.slice/docker-{A}.scope", &FARGATE[..32]), A),
            (format!("/system.slice/nerdctl-{A}.scope"), A),
            (format!("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{A}.scope/container"), A),
            (format!("/docker/{A}/kubelet/kubepods/besteffort/pod{POD}/{B}"), B),
            (format!("/kubepods/burstable/pod{}/{A}/system.slice/ssh.service", POD.replace('_', "-")), A),
            (format!("/../../docker/{A}"), A),
            (format!("/garden/{GARDEN}"), GARDEN),
            (format!("/pod/{}", POD.replace('_', "-")), ""),
            (format!("/x/{A}0"), ""),
            (format!("/x/{}", &FARGATE[..33]), ""),
        ] {
            assert_eq!(id(path.as_bytes()), expected.as_bytes(), "{path}");
        }
    }
}
