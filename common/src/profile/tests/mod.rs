//! Profiles of made-up workloads.

mod calls;
mod learning;
mod saving;
mod states;
mod workloads;

use alloc::string::ToString as _;
use core::time::Duration;

use super::*;
use crate::activity::Options;
use crate::activity::tests::Story;
use crate::event::Event;

const SECOND: u64 = 1_000_000_000;

/// Short times, no warm-up.
fn settings() -> Settings {
    Settings {
        workload_warmup: Duration::ZERO,
        minimum_stable: Duration::from_secs(100),
        unstable_time: Duration::from_secs(1000),
        ..Settings::default()
    }
}

/// A profile, and processes that it is told of.
struct Scene {
    profile: Profile,
    story: Story,
    tag: &'static str,
    started: Ktime,
    now: u64,
}

impl Scene {
    fn new(settings: Settings) -> Self {
        let story = Story::new(Options::default());
        let profile = Profile::new(Selector::of("web"), settings, Options::default(), Ktime(0));
        Self { profile, story, tag: "1", started: Ktime(0), now: 0 }
    }

    fn wait(&mut self, seconds: u64) {
        self.now += seconds * SECOND;
    }

    fn observe(&mut self, event: &Event) -> Verdict {
        let occasion = Occasion { tag: self.tag, started: self.started, now: Ktime(self.now) };
        self.profile.observe(event, &occasion)
    }

    /// A process, which may be new, runs a program.
    fn exec(&mut self, parent: i32, pid: i32, path: &str) -> Verdict {
        let event = self.exec_unseen(parent, pid, path);
        self.observe(&event)
    }

    fn exec_unseen(&mut self, parent: i32, pid: i32, path: &str) -> Event {
        if parent != pid {
            self.story.fork(parent, pid);
        }
        self.story.exec_unseen(pid, path, &[])
    }

    fn open(&mut self, pid: i32, path: &str) -> Verdict {
        let event = self.story.opening(pid, path, 0);
        self.observe(&event)
    }

    fn bind(&mut self, pid: i32, port: u16) -> Verdict {
        let event = self.story.binding(pid, 2, port, 0);
        self.observe(&event)
    }

    /// A server with its file and port is learned, and nothing new comes until all is stable.
    fn server(settings: Settings) -> Self {
        let mut scene = Self::new(settings);
        assert_eq!(scene.exec(2, 2, "/usr/sbin/server"), Verdict::Learned);
        assert_eq!(scene.open(2, "/etc/server.conf"), Verdict::Learned);
        assert_eq!(scene.bind(2, 80), Verdict::Learned);
        scene.wait(100);
        scene
    }
}

fn names(profile: &Profile) -> alloc::vec::Vec<alloc::string::String> {
    profile.versions().map(|(tag, _)| tag.to_string()).collect()
}
