//! What an agent costs when it has nothing to do.

use std::time::Duration;

use lapwing_integration::agent::Home;
use lapwing_integration::run::resident;

/// Microseconds of processor time that a process has used.
fn processor_time(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap();
    stat.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1000
}

#[test]
fn an_idle_agent_is_small_and_sleeps() {
    let home = Home::new();
    let agent = home.start(&["--backend", "none"]);
    let before = processor_time(agent.pid());
    std::thread::sleep(Duration::from_secs(1));
    let used = processor_time(agent.pid()) - before;
    assert!(used < 1000, "{used} µs of a second");
    let kib = resident(agent.pid()).unwrap();
    assert!(kib <= 25 << 10, "{kib} KiB");
}
