//! Profiles of the workloads that the agent observes: learned, judged by, saved, and listed.
//!
//! Which workload a process belongs to follows from its control group, as the configuration has it, or from the tracer
//! that tells of it (`lapwing trace --workload`). The loop judges; files are written by threads of their own, from
//! messages that the loop has made.

use std::collections::HashMap;
use std::fmt;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lapwing_common::activity::{CgroupPaths, Options, Scope};
use lapwing_common::discard::Ktime;
use lapwing_common::event::Event;
use lapwing_common::ids::{PidNs, Timestamp};
use lapwing_common::process::{Cache, Process};
use lapwing_common::profile::{Added, CallsVerdict, Limiter, Occasion, Profile, Profiles, Selector, Standing, Verdict};
use lapwing_common::session::Greeting;
use lapwing_proto::control::v1 as control;
use lapwing_proto::dumps::SecurityProfile;

use super::profile_cgroups::{Matched, is_pattern, scopes};
use super::profile_files::Files;
use super::profile_list;
use super::profile_watch::ProfileWatch;
use crate::activity::{self, ActivityError, Workload};
use crate::config::ProfilesConfig;
use crate::console::Console;
use crate::output::{Anomaly, novelty};
use crate::pipeline::Made;
use crate::profile::calls_event;
use crate::server::Streams;

/// When to look again whether a profile has been written.
const SLOW: Duration = Duration::from_millis(100);

/// Workloads and their profiles.
pub(super) struct Guards {
    config: ProfilesConfig,
    profiles: Profiles,
    limiter: Limiter,
    files: Files,
    cgroups: HashMap<Box<[u8]>, Instance>,
    /// Names of workloads, with all their control groups.
    scopes: HashMap<String, CgroupPaths>,
    matched: Matched,
    tracers: HashMap<PidNs, Instance>,
    /// When the machine was started, by the wall clock: events have that, and profiles count from there.
    boot: u64,
    save_at: Instant,
    /// Of the directory; `None` where that cannot be.
    watch: Option<ProfileWatch>,
    /// Replaced profiles, from the thread that reads them.
    read: (Sender<Read>, Receiver<Read>),
    wake: Arc<dyn Fn() + Send + Sync>,
    /// Whose profiles are still to be saved this time.
    unsaved: Vec<Selector>,
    /// The thread that saves one.
    saving: Option<JoinHandle<()>>,
    console: Console,
    last: u64,
}

/// A profile that was read, or why not.
type Read = (Selector, Result<Option<Profile>, ActivityError>);

impl fmt::Debug for Guards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guards").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A workload that runs.
#[derive(Debug)]
pub(super) struct Instance {
    selector: Selector,
    tag: String,
    started: Ktime,
    /// For the limit of anomalies.
    key: u64,
}

impl Guards {
    /// Makes the directory, and loads the profiles of the workloads that the configuration names.
    /// `wake` is called when replaced ones have been read.
    pub(super) fn new(
        config: ProfilesConfig,
        console: Console,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<Self, ActivityError> {
        let files = Files::open(&config.directory)?;
        let watch = ProfileWatch::new(&config.directory);
        if let Err(error) = &watch {
            let directory = config.directory.display();
            console.warn(format_args!(
                "{directory} cannot be watched; `lapwing reload` reads profiles that are put there: {error}"
            ));
        }
        let boot = crate::activity::boot();
        let mut guards = Self {
            profiles: Profiles::default(),
            limiter: Limiter::new(&config.settings),
            files,
            cgroups: HashMap::new(),
            scopes: scopes(&config.cgroups),
            matched: Matched::new(&config.cgroups),
            tracers: HashMap::new(),
            boot,
            save_at: Instant::now() + config.save,
            watch: watch.ok(),
            read: channel(),
            wake,
            unsaved: Vec::new(),
            saving: None,
            console,
            last: 0,
            config,
        };
        let exact = guards.config.cgroups.iter().filter(|(path, _)| !is_pattern(path)).cloned();
        for (path, workload) in exact.collect::<Vec<_>>() {
            // Of what runs already nobody knows since when; it is no younger than the agent.
            if let Some(instance) = guards.start_cgroup(&workload) {
                guards.cgroups.insert(path.into_boxed_slice(), instance);
            }
        }
        Ok(guards)
    }

    /// A tracer tells of a pid namespace from now on, and whose workload that is.
    pub(super) fn enter(&mut self, greeting: &Greeting) {
        let Ok(workload) = greeting.workload.parse::<Workload>() else { return };
        if self.tracers.contains_key(&greeting.namespace) {
            return;
        }
        let scope = if greeting.starts_command { Scope::Command } else { Scope::Observed };
        if let Some(instance) = self.start(&workload, scope) {
            self.tracers.insert(greeting.namespace, instance);
        }
    }

    /// No tracer tells of the namespace any more. With the last workload of its kind its profile is saved.
    pub(super) fn leave(&mut self, namespace: PidNs) {
        let Some(instance) = self.tracers.remove(&namespace) else { return };
        if let Some(profile) = self.profiles.end(&instance.selector) {
            // Who waits for it, asks for the file.
            let _saving = self.files.save_later(profile.to_message(activity::profile_metadata()), self.console);
        }
    }

    fn start_cgroup(&mut self, workload: &Workload) -> Option<Instance> {
        let scope = self.scopes.get(&workload.name).cloned().unwrap_or_default();
        self.start(workload, Scope::Cgroups(scope))
    }

    /// Sees whether a process is in a control group that the configuration names by a pattern.
    fn meet(&mut self, process: &Process) {
        let Some(group) = process.cgroup().filter(|group| !self.cgroups.contains_key(&group.path)) else { return };
        if let Some(workload) = self.matched.unknown(&group.path) {
            let instance = workload.and_then(|workload| self.start_cgroup(&workload));
            self.matched.insert(&group.path, instance);
        }
    }

    /// Ends workloads of control groups in which nothing runs any more, of those that were named by a pattern. With the
    /// last of its kind a profile is saved. Before profiles are saved, and at no other time.
    pub(super) fn forget_empty_cgroups(&mut self, processes: &Cache, now: Instant) {
        if self.save_at > now || !self.unsaved.is_empty() || self.matched.is_empty() {
            return;
        }
        for instance in self.matched.without(processes) {
            if let Some(profile) = self.profiles.end(&instance.selector) {
                let _saving = self.files.save_later(profile.to_message(activity::profile_metadata()), self.console);
            }
        }
    }

    fn start(&mut self, workload: &Workload, scope: Scope) -> Option<Instance> {
        let selector = Selector::of(&workload.name);
        let now = self.now();
        let options = Options { scope, ..Options::default() };
        let Self { profiles, files, config, console, .. } = self;
        let settings = &config.settings;
        let added = profiles.start(&selector, || match files.load(&selector) {
            Ok(Some(message)) => {
                let mut profile = Profile::from_message(message, settings.clone(), options, now);
                profile.select(selector.clone());
                profile
            }
            Ok(None) => Profile::new(selector.clone(), settings.clone(), options, now),
            Err(error) => {
                console.warn(format_args!("the profile of {selector} begins anew: {error}"));
                Profile::new(selector.clone(), settings.clone(), options, now)
            }
        });
        if added == Added::Refused {
            console.warn(format_args!("{workload} gets no profile: there are too many workloads"));
            return None;
        }
        self.last += 1;
        Some(Instance { selector, tag: workload.tag.clone(), started: now, key: self.last })
    }

    fn now(&self) -> Ktime {
        Ktime(Timestamp::now().0.saturating_sub(self.boot))
    }

    /// Does something with the profile of a process's workload, if it has one. Also returned is the profile, and what says
    /// whether an anomaly of it may be told.
    fn with_profile<T>(
        &mut self,
        process: &Process,
        at: Timestamp,
        judge: impl FnOnce(&mut Profile, &Occasion<'_>) -> T,
    ) -> Option<(T, &Profile, impl FnOnce() -> bool)> {
        if self.tracers.is_empty() && self.config.cgroups.is_empty() {
            return None;
        }
        self.meet(process);
        let Self { tracers, cgroups, matched, profiles, limiter, boot, .. } = self;
        let by_cgroup =
            || process.cgroup().and_then(|group| cgroups.get(&group.path).or_else(|| matched.get(&group.path)));
        let instance = tracers.get(&process.key().namespace).or_else(by_cgroup)?;
        let profile = profiles.get_mut(&instance.selector)?;
        let now = Ktime(at.0.saturating_sub(*boot));
        let judged = judge(profile, &Occasion { tag: &instance.tag, started: instance.started, now });
        let key = instance.key;
        Some((judged, &*profile, move || limiter.allows(key, now)))
    }

    /// Judges system calls: those that depart, and from which profile, if that is to be told.
    fn judge_calls(&mut self, made: &Made<'_>) -> Option<(Vec<u32>, &Profile)> {
        let judge = |profile: &mut Profile, occasion: &Occasion<'_>| {
            profile.observe_calls(made.process, made.calls, made.at, occasion)
        };
        let (CallsVerdict { verdict, departed }, profile, may_be_told) =
            self.with_profile(made.process, made.at, judge)?;
        (verdict == Verdict::Anomaly && may_be_told()).then_some((departed, profile))
    }

    /// Judges an event: how its workload stands, and the profile that it departs from, if that is to be told.
    pub(super) fn judge(&mut self, event: &Event) -> (Standing, Option<&Profile>) {
        let kind = event.event_type();
        let judged = self.with_profile(&event.process, event.timestamp, |profile, occasion| {
            let verdict = profile.observe(event, occasion);
            (verdict, profile.state(kind))
        });
        let Some(((verdict, state), profile, may_be_told)) = judged else { return Default::default() };
        let standing = Standing { verdict: Some(verdict), state: Some(state), is_recorded: false };
        (standing, Some(profile).filter(|_| verdict == Verdict::Anomaly && may_be_told()))
    }

    /// When profiles are saved next.
    pub(super) fn due(&self) -> Instant {
        self.save_at
    }

    /// Saves profiles if it is time to: one at each call, since each takes some time to be copied.
    pub(super) fn on_timer(&mut self, now: Instant) {
        if self.save_at > now {
            return;
        }
        if self.saving.as_ref().is_some_and(|saving| !saving.is_finished()) {
            self.save_at = now + SLOW;
            return;
        }
        if self.unsaved.is_empty() {
            self.unsaved = self.profiles.running().map(|(profile, _)| profile.selector().clone()).collect();
        }
        if let Some(profile) = self.unsaved.pop().and_then(|selector| self.profiles.get_mut(&selector)) {
            self.saving = self.files.save_later(profile.to_message(activity::profile_metadata()), self.console);
        }
        self.save_at = if self.unsaved.is_empty() { now + self.config.save } else { now };
    }

    /// Saves all profiles before the agent ends.
    pub(super) fn finish(&mut self) {
        for (profile, _) in self.profiles.running() {
            if let Err(error) = self.files.save(&profile.to_message(activity::profile_metadata())) {
                self.console.warn(format_args!("a profile is not saved: {error}"));
            }
        }
    }

    /// Has profiles read whose files were replaced since they were read or written. What comes of it is taken by
    /// [`Self::take_read`].
    pub(super) fn reload(&mut self) {
        let now = self.now();
        let running = self.profiles.running().map(|(profile, _)| profile);
        let replaced: Vec<_> = running
            .filter(|profile| self.files.is_replaced(profile.selector()))
            .map(|profile| (profile.selector().clone(), profile.options().clone()))
            .collect();
        let ended: Vec<_> = self.profiles.cached().map(|profile| profile.selector().clone()).collect();
        // They are read when their workload begins.
        for selector in ended.iter().filter(|selector| self.files.is_replaced(selector)) {
            self.profiles.forget_ended(selector);
        }
        if replaced.is_empty() {
            return;
        }
        let (files, settings) = (self.files.clone(), self.config.settings.clone());
        let (read, wake) = (self.read.0.clone(), Arc::clone(&self.wake));
        let work = move || {
            for (selector, options) in replaced {
                let profile = files.load(&selector).map(|message| {
                    let mut profile = Profile::from_message(message?, settings.clone(), options, now);
                    profile.select(selector.clone());
                    Some(profile)
                });
                // Nobody waits for it when the agent ends.
                let _ = read.send((selector, profile));
            }
            wake();
        };
        if let Err(error) = std::thread::Builder::new().name("lapwing-profile".into()).spawn(work) {
            self.console.warn(format_args!("replaced profiles are not read, as there is no thread for it: {error}"));
        }
    }

    /// Puts profiles that have been read in the place of those that were known.
    pub(super) fn take_read(&mut self) {
        while let Ok((selector, profile)) = self.read.1.try_recv() {
            match profile {
                Ok(Some(profile)) => {
                    self.profiles.replace(&selector, profile);
                    self.console.info(format_args!("read the profile of {selector} again"));
                }
                Ok(None) => {}
                Err(error) => {
                    self.console.warn(format_args!("the profile of {selector} stays as it was: {error}"));
                }
            }
        }
    }

    /// Readable when something is put into the directory.
    pub(super) fn descriptor(&self) -> Option<RawFd> {
        self.watch.as_ref().map(ProfileWatch::descriptor)
    }

    /// Something was put into the directory.
    pub(super) fn on_directory(&mut self) {
        if self.watch.as_mut().is_some_and(ProfileWatch::has_news) {
            self.reload();
        }
    }

    /// A profile as a file holds it, and how to write it elsewhere. `None` if there is none.
    pub(super) fn message(&mut self, selector: &Selector) -> Option<(SecurityProfile, Files)> {
        let message = self.profiles.get_mut(selector)?.to_message(activity::profile_metadata());
        Some((message, self.files.clone()))
    }

    /// What there is, ordered by name; with those of workloads that have ended, if they are wanted.
    pub(super) fn list(&self, with_ended: bool) -> control::Profiles {
        profile_list::list(&self.profiles, &self.files, with_ended)
    }
}

/// An event as a departure from a profile.
pub(super) fn departure<'a>(profile: &'a Profile, event: &'a Event) -> Anomaly<'a> {
    let lineage = profile.lineage(event);
    Anomaly { profile: profile.selector(), what: novelty(&event.payload), lineage }
}

/// Those who judge events by profiles, and those who follow them.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) guards: Option<&'a mut Guards>,
    pub(super) streams: &'a mut Streams,
}

impl Told<'_> {
    /// The same for a while.
    pub(super) fn again(&mut self) -> Told<'_> {
        Told { guards: self.guards.as_deref_mut(), streams: self.streams }
    }

    /// Judges system calls that a process made, and tells of those that depart.
    pub(super) fn calls(&mut self, made: &Made<'_>) {
        let Some((calls, profile)) = self.guards.as_mut().and_then(|guards| guards.judge_calls(made)) else { return };
        let event = calls_event(made, &calls);
        self.streams.tell(&event, Some(&departure(profile, &event)));
    }
}
