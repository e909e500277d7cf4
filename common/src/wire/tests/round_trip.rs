//! Whatever is captured comes back as it was.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;

use super::random::{NAMESPACE, Random};
use crate::event::Origin;
use crate::ids::{Pid, Tid, Timestamp};
use crate::process::{ArgumentLimits, Arguments, Environment, Keep};
use crate::record::{Cgroup, Observation, Program, Running, Sighting, Task};
use crate::syscall::{Arch, CATALOGUE, Product};
use crate::wire::{LONGEST, Reader, encode};

#[test]
fn every_observation_comes_back() {
    let mut random = Random(1);
    let mut reader = Reader::new(NAMESPACE, None);
    for _ in 0..5000 {
        let observation = random.observation();
        assert_eq!(reader.read(&encode(&observation)), Ok(observation));
    }
}

#[test]
fn every_call_comes_back_on_every_interface() {
    let mut random = Random(2);
    let mut reader = Reader::new(NAMESPACE, None);
    for row in CATALOGUE {
        for arch in Arch::ALL {
            let record = Box::new(random.record(row, arch));
            let what = if row.product == Product::Program { Sighting::Exec(record) } else { Sighting::Call(record) };
            let observation = Observation { what, ..random.observation() };
            assert_eq!(reader.read(&encode(&observation)), Ok(observation), "{} on {arch:?}", row.name);
        }
    }
}

fn running(program: Program) -> Observation {
    Observation {
        timestamp: Timestamp(1),
        origin: Origin::Ptrace,
        task: Task { pid: Pid(7), tid: Tid(7), namespace: NAMESPACE, mark: None },
        what: Sighting::Running(Box::new(Running { ppid: Pid(1), started: Timestamp(1), program })),
    }
}

fn within(cgroup: Option<&str>, container: &str) -> Program {
    let cgroup =
        cgroup.map(|path| Arc::new(Cgroup { path: path.as_bytes().into(), container: container.as_bytes().into() }));
    Program { cgroup, ..Program::default() }
}

fn container(reader: &mut Reader, program: Program) -> Option<Arc<Cgroup>> {
    match reader.read(&encode(&running(program))).unwrap().what {
        Sighting::Running(running) => running.program.cgroup,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_largest_program_that_is_captured_fits() {
    let value = [b'x'; 2000];
    let variable = [b"PATH=".as_slice(), &value].concat();
    let name = [value.as_slice(), b"=1"].concat();
    let variables = vec![variable.as_slice(); 600].into_iter().chain(vec![name.as_slice(); 600]);
    let program = Program {
        arguments: Arguments::capture(vec![value.as_slice(); 600], false, &ArgumentLimits::default()),
        environment: Environment::capture(variables, false, &Keep::default()),
        ..Program::default()
    };
    let observation = running(program);
    let bytes = encode(&observation);
    assert!(bytes.len() > LONGEST / 2 && bytes.len() <= LONGEST, "{}", bytes.len());
    assert_eq!(Reader::new(NAMESPACE, None).read(&bytes), Ok(observation));
}

#[test]
fn equal_control_groups_and_file_systems_share_their_memory() {
    let mut reader = Reader::new(NAMESPACE, None);
    let first = container(&mut reader, within(Some("/a"), "a")).unwrap();
    let others: alloc::vec::Vec<_> =
        (0..100).map(|_| container(&mut reader, within(Some("/a"), "a")).unwrap()).collect();
    assert!(others.iter().all(|other| Arc::ptr_eq(other, &first)));
}

#[test]
fn a_tracer_that_sees_no_container_is_in_the_one_that_the_agent_sees() {
    let known = Arc::new(Cgroup { path: b"/kubepods/c1".as_slice().into(), container: b"c1".as_slice().into() });
    let mut reader = Reader::new(NAMESPACE, Some(Arc::clone(&known)));
    assert_eq!(container(&mut reader, within(None, "")), Some(Arc::clone(&known)));
    assert_eq!(container(&mut reader, within(Some("/"), "")), Some(Arc::clone(&known)));
    assert_eq!(reader.claims(), 0);
    let below = container(&mut reader, within(Some("/kubepods/c1/below"), "c1")).unwrap();
    assert_eq!(&*below.path, b"/kubepods/c1/below");
    assert_eq!(container(&mut reader, within(Some("/kubepods/c2"), "c2")), Some(known));
    assert_eq!(reader.claims(), 1, "another container's id is not believed");
}
