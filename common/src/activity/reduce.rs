//! Paths without what differs from run to run: numbers of processes, ids of containers and pods.
//!
//! Without this a program that reads `/proc/PID/stat` of all processes would have a node for each process of a
//! machine's life, and no two dumps would be alike. The rules are Datadog's, so that trees compare with theirs; by
//! hand rather than by regular expressions, since every opened file goes through here.

use alloc::vec::Vec;

/// What a component becomes.
enum Becomes<'a> {
    /// A constant.
    Word(&'static [u8]),
    /// A `*` between what is before and after the part that differs.
    Star(&'a [u8], &'a [u8]),
}

/// Writes the path into `out` as a tree shall hold it, and tells whether it differs from `path`; if not, nothing is
/// written. `own` is the process that opened it; `filesystem` the type of the file system, empty if unknown.
pub(super) fn reduce(path: &[u8], own: i32, filesystem: &str, out: &mut Vec<u8>) -> bool {
    if let Some(kind) = anonymous(path) {
        out.clear();
        out.extend_from_slice(kind);
        out.extend_from_slice(b"[*]");
        return true;
    }
    let mut changed = false;
    let mut before: [&[u8]; 3] = [&[]; 3];
    let mut start = 0;
    while start < path.len() {
        let length = path[start..].iter().position(|byte| *byte == b'/').unwrap_or(path.len() - start);
        let component = &path[start..start + length];
        let is_last = start + length == path.len();
        let becomes = becomes(before, component, is_last, own, filesystem);
        if becomes.is_some() && !changed {
            changed = true;
            out.clear();
            out.extend_from_slice(&path[..start]);
        }
        if changed {
            match becomes {
                Some(Becomes::Word(word)) => out.extend_from_slice(word),
                Some(Becomes::Star(front, back)) => {
                    out.extend_from_slice(front);
                    out.push(b'*');
                    out.extend_from_slice(back);
                }
                None => out.extend_from_slice(component),
            }
            if !is_last {
                out.push(b'/');
            }
        }
        if !component.is_empty() {
            before = [before[1], before[2], component];
        }
        start += length + 1;
    }
    changed
}

/// `pipe:[4711]` is `pipe:`.
fn anonymous(path: &[u8]) -> Option<&[u8]> {
    let (inside, kind) = (path.strip_suffix(b"]")?, path.iter().position(|byte| *byte == b'[')?);
    let is_number = inside[kind + 1..].iter().all(u8::is_ascii_digit);
    (path[0] != b'/' && is_number && path[..kind].ends_with(b":")).then(|| &path[..kind])
}

fn becomes<'a>(
    before: [&[u8]; 3],
    component: &'a [u8],
    is_last: bool,
    own: i32,
    filesystem: &str,
) -> Option<Becomes<'a>> {
    let first = *component.first()?;
    if first.is_ascii_digit() && !is_last && component.iter().all(u8::is_ascii_digit) {
        match before[2] {
            b"proc" => {
                let is_own = core::str::from_utf8(component).ok().and_then(|text| text.parse().ok()) == Some(own);
                return Some(Becomes::Word(if is_own { b"self" } else { b"*" }));
            }
            b"task" => return Some(Becomes::Word(b"*")),
            _ => {}
        }
    }
    if matches!(filesystem, "sysfs" | "cgroup" | "cgroup2")
        && let Some(star) = device(before, component).or_else(|| unit(component))
    {
        return Some(star);
    }
    if before[2] == b"serviceaccount"
        && before[1] == b"kubernetes.io"
        && before[0] == b"secrets"
        && component.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_'))
    {
        return Some(Becomes::Word(b"*"));
    }
    container(component)
}

/// `dm-3` and `loop7` below `devices/virtual/block`.
fn device<'a>(before: [&[u8]; 3], component: &'a [u8]) -> Option<Becomes<'a>> {
    if before != [b"devices".as_slice(), b"virtual", b"block"] {
        return None;
    }
    let kind = [b"dm-".as_slice(), b"loop"].into_iter().find(|kind| component.starts_with(kind))?;
    let (kind, number) = component.split_at(kind.len());
    (!number.is_empty() && number.iter().all(u8::is_ascii_digit)).then_some(Becomes::Star(kind, b""))
}

/// A unit of systemd that is named after a pod or a container.
fn unit(component: &[u8]) -> Option<Becomes<'_>> {
    let front = [b"kubepods-".as_slice(), b"cri-containerd-"].into_iter().find(|front| component.starts_with(front))?;
    let back = [b".slice".as_slice(), b".scope"].into_iter().find(|back| component.ends_with(back))?;
    Some(Becomes::Star(&component[..front.len()], &component[component.len() - back.len()..]))
}

/// An id of a container, alone or with words around it.
fn container(component: &[u8]) -> Option<Becomes<'_>> {
    // The shortest form has 28 letters.
    if component.len() < 28 {
        return None;
    }
    let id = crate::procfs::container::id(component);
    let at = component.windows(id.len().max(1)).position(|window| window == id)?;
    Some(Becomes::Star(&component[..at], &component[at + id.len()..]))
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;

    fn reduced(path: &str, filesystem: &str) -> String {
        let mut out = Vec::new();
        if !reduce(path.as_bytes(), 2144, filesystem, &mut out) {
            assert!(out.is_empty());
            return path.into();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_of_processes() {
        for (path, expected) in [
            ("/host/proc/2144/task/2144/smaps", "/host/proc/self/task/*/smaps"),
            ("/proc/1/stat", "/proc/*/stat"),
            ("/proc/2144/fd", "/proc/self/fd"),
            // What the rules leave alone: no slash after the number, and no number.
            ("/proc/2144", "/proc/2144"),
            ("/proc/self/stat", "/proc/self/stat"),
            ("/srv/12/34", "/srv/12/34"),
            ("/", "/"),
            ("", ""),
        ] {
            assert_eq!(reduced(path, "proc"), expected, "{path}");
        }
    }

    #[test]
    fn ids_of_containers_pods_and_devices() {
        let id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let task = "34dc0b5e626f2c5c4c5170e34b10e765-1234567890";
        for (path, filesystem, expected) in [
            (format!("/var/lib/docker/containers/{id}/hosts"), "ext4", "/var/lib/docker/containers/*/hosts".into()),
            (format!("/x/docker-{id}.scope/y"), "ext4", "/x/docker-*.scope/y".into()),
            (format!("/ecs/{task}"), "ext4", "/ecs/*".into()),
            (format!("/x/{}/y", &id[..40]), "ext4", format!("/x/{}/y", &id[..40])),
            (
                "/sys/fs/cgroup/kubepods-burstable.slice/kubepods-pod12.slice/cpu.max".into(),
                "cgroup2",
                "/sys/fs/cgroup/kubepods-*.slice/kubepods-*.slice/cpu.max".into(),
            ),
            ("/a/kubepods-x.slice/b".into(), "ext4", "/a/kubepods-x.slice/b".into()),
            ("/sys/devices/virtual/block/dm-12/size".into(), "sysfs", "/sys/devices/virtual/block/dm-*/size".into()),
            ("/sys/devices/virtual/block/dm-12/size".into(), "", "/sys/devices/virtual/block/dm-12/size".into()),
            (
                "/var/run/secrets/kubernetes.io/serviceaccount/..2024_01_02.3/token".into(),
                "tmpfs",
                "/var/run/secrets/kubernetes.io/serviceaccount/*/token".into(),
            ),
            (
                "/var/run/secrets/kubernetes.io/serviceaccount/2024_01_02.3/token".into(),
                "tmpfs",
                "/var/run/secrets/kubernetes.io/serviceaccount/*/token".into(),
            ),
        ] {
            assert_eq!(reduced(&path, filesystem), expected, "{path}");
        }
    }

    #[test]
    fn what_has_no_name_loses_its_inode() {
        assert_eq!(reduced("pipe:[4711]", ""), "pipe:[*]");
        assert_eq!(reduced("anon_inode:[eventfd]", ""), "anon_inode:[eventfd]");
        assert_eq!(reduced("/srv/pipe:[4711]", ""), "/srv/pipe:[4711]");
    }
}
