//! Namespaces that come and go, said by a source that is told.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Mutex;

use super::*;

/// Which process is in which namespace, and which namespaces have a device of their own.
#[derive(Debug, Default)]
struct Fake {
    processes: Mutex<HashMap<i32, u32>>,
    used: Mutex<Vec<u32>>,
    asked: Mutex<Vec<usize>>,
}

impl Fake {
    fn put(&self, pid: i32, namespace: Option<u32>) {
        let mut processes = self.processes.lock().unwrap();
        match namespace {
            Some(namespace) => processes.insert(pid, namespace),
            None => processes.remove(&pid),
        };
    }
}

impl Source for Fake {
    fn of(&self, pid: Pid) -> Option<u32> {
        self.processes.lock().unwrap().get(&pid.0).copied()
    }

    fn open(&self, pid: Pid) -> io::Result<(OwnedFd, u32)> {
        let number = self.of(pid).ok_or(io::ErrorKind::NotFound)?;
        Ok((File::open("/dev/null")?.into(), number))
    }

    fn devices(&self, handles: &[Arc<OwnedFd>]) -> Vec<io::Result<Vec<Device>>> {
        self.asked.lock().unwrap().push(handles.len());
        let used = !self.used.lock().unwrap().is_empty();
        let device = Device { name: b"eth0".into(), index: 2, has_address: used };
        handles.iter().map(|_| Ok(vec![device.clone()])).collect()
    }
}

const NUMBERING: PidNs = PidNs(5);

fn key(pid: i32) -> ProcessKey {
    ProcessKey { pid: Pid(pid), namespace: NUMBERING }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp(1_000_000_000_000 + seconds * 1_000_000_000)
}

fn begin() -> (Arc<Fake>, Namespaces) {
    let fake = Arc::new(Fake::default());
    let namespaces = Namespaces::with(Arc::<Fake>::clone(&fake), NUMBERING);
    (fake, namespaces)
}

/// Looks, and concludes from what it finds; tells whether there was something to find out.
fn turn(namespaces: &mut Namespaces, seconds: u64, pids: &[i32]) -> bool {
    let search = namespaces.look(at(seconds), || pids.iter().copied().map(key).collect());
    let searched = search.is_some();
    if let Some(search) = search {
        namespaces.conclude(at(seconds), search.run());
    }
    searched
}

#[test]
fn a_namespace_is_opened_once() {
    let (fake, mut namespaces) = begin();
    for (pid, namespace) in [(1, 100), (2, 100), (3, 200)] {
        fake.put(pid, Some(namespace));
        namespaces.note(key(pid));
    }
    namespaces.note(key(9));
    namespaces.note(ProcessKey { namespace: PidNs(6), ..key(1) });
    let shown: Vec<_> = namespaces.copy().namespaces().into_iter().map(|found| (found.id, found.path)).collect();
    assert_eq!(shown, [(100, "/proc/1/ns/net".to_owned()), (200, "/proc/3/ns/net".to_owned())]);
    let devices = namespaces.copy().with_devices();
    assert_eq!(devices[0].devices.as_ref().unwrap()[0].name, b"eth0");
}

#[test]
fn what_nobody_is_in_is_let_go_of() {
    let (fake, mut namespaces) = begin();
    fake.put(1, Some(100));
    namespaces.note(key(1));
    assert!(!turn(&mut namespaces, 0, &[]) && namespaces.lonely() == 0);
    fake.put(1, None);
    // Not looked at again so soon.
    assert!(!turn(&mut namespaces, 29, &[]) && namespaces.lonely() == 0);
    assert!(!turn(&mut namespaces, 30, &[]) && namespaces.lonely() == 1);
    assert_eq!(namespaces.copy().namespaces()[0].lonely_until, Some(at(60)));
    assert!(turn(&mut namespaces, 60, &[]));
    assert_eq!(namespaces.len(), 0);
}

#[test]
fn a_process_that_nobody_asked_about_keeps_it() {
    let (fake, mut namespaces) = begin();
    fake.put(1, Some(100));
    namespaces.note(key(1));
    // A child that executed nothing stays.
    fake.put(2, Some(100));
    fake.put(1, None);
    turn(&mut namespaces, 30, &[2]);
    assert!(turn(&mut namespaces, 60, &[7, 2]));
    assert_eq!((namespaces.len(), namespaces.lonely()), (1, 0));
    assert!(!turn(&mut namespaces, 90, &[2]));
}

#[test]
fn who_comes_back_ends_its_loneliness() {
    let (fake, mut namespaces) = begin();
    fake.put(1, Some(100));
    namespaces.note(key(1));
    fake.put(1, None);
    turn(&mut namespaces, 30, &[]);
    let search = namespaces.look(at(60), Vec::new).unwrap();
    fake.put(3, Some(100));
    namespaces.note(key(3));
    namespaces.conclude(at(60), search.run());
    assert_eq!((namespaces.len(), namespaces.lonely()), (1, 0));
}

#[test]
fn devices_keep_it_for_a_while() {
    let (fake, mut namespaces) = begin();
    fake.put(1, Some(100));
    fake.used.lock().unwrap().push(100);
    namespaces.note(key(1));
    fake.put(1, None);
    turn(&mut namespaces, 30, &[]);
    for seconds in (60..630).step_by(30) {
        assert!(turn(&mut namespaces, seconds, &[]), "{seconds}");
        assert_eq!(namespaces.len(), 1, "{seconds}");
    }
    turn(&mut namespaces, 630, &[]);
    assert_eq!(namespaces.len(), 0);
}

#[test]
fn handles_are_bounded_and_closed() {
    let (fake, mut namespaces) = begin();
    let first = {
        fake.put(1, Some(1));
        namespaces.note(key(1));
        Arc::downgrade(&namespaces.held.peek(&1).unwrap().handle)
    };
    for number in 2..=1100 {
        fake.put(number, Some(number.cast_unsigned()));
        namespaces.note(key(number));
    }
    assert_eq!(namespaces.len(), Namespaces::MOST.get());
    assert!(first.upgrade().is_none());
}

#[test]
fn this_process_s_namespace() {
    let mut namespaces = Namespaces::new().unwrap();
    let own = i32::try_from(std::process::id()).unwrap();
    namespaces.note(ProcessKey { pid: Pid(own), namespace: namespaces.numbering });
    let found = namespaces.copy().namespaces();
    let link = fs::read_link("/proc/self/ns/net").unwrap();
    assert_eq!(link.to_str().unwrap(), format!("net:[{}]", found[0].id));
    assert_eq!(fs::read_link(format!("/proc/self/fd/{}", found[0].handle)).unwrap(), link);
}
