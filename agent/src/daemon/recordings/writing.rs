//! The end of a dump, or of a part of it: its tree goes to the worker, and what came of that is told.

use std::path::PathBuf;
use std::time::Instant;

use lapwing_common::ids::Timestamp;
use lapwing_proto::control::v1::{Dumped, Fault, response};

use super::{GRACE, Recording, Recordings, WRITING};
use crate::activity::{Encoding, Recorder};
use crate::daemon::Agent;
use crate::dump::{self, Done};
use crate::server::Asked;

/// What a file that was written is of.
#[derive(Debug)]
pub(super) struct Written {
    number: u64,
    /// More parts may follow.
    is_part: bool,
    asked: Option<Asked>,
    of: String,
}

/// What was counted of all dumps since the agent began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::daemon) struct Totals {
    /// Dumps that were begun.
    pub(in crate::daemon) begun: u64,
    /// Dumps that were written, the last part of each.
    pub(in crate::daemon) written: u64,
    /// Parts that were written because there was no more room.
    pub(in crate::daemon) parts: u64,
    /// Dumps and parts that could not be written.
    pub(in crate::daemon) failed: u64,
    /// Dumps in which there was nothing.
    pub(in crate::daemon) empty: u64,
    /// Events over the rate.
    pub(in crate::daemon) limited: u64,
    /// Events for which there was no room.
    pub(in crate::daemon) full: u64,
    /// Open files and mappings of programs that ran already, beyond what is looked at of each.
    pub(in crate::daemon) unread: u64,
}

impl Recordings {
    /// Has what there is of a recording written, and begins its next part. Not if the worker has enough to do: then
    /// what has no room is lost, and counted.
    pub(super) fn cut(&mut self, at: usize) -> bool {
        let recording = &mut self.live[at];
        if self.writing >= WRITING || recording.recorder.is_empty() {
            return false;
        }
        let next = Recorder::new(recording.workload.clone(), recording.options.clone(), Timestamp::now());
        let recorder = std::mem::replace(&mut recording.recorder, next.of(&recording.of));
        recording.parts += 1;
        let encodings = recording.encodings.clone();
        // The event that did not fit begins the next part.
        self.totals.full += recorder.full().saturating_sub(1);
        let written = Written { number: recording.number, is_part: true, asked: None, of: recording.of.clone() };
        self.hand_over(written, recorder, encodings);
        true
    }

    /// Ends what is due. Whether somebody's calls are to be read first.
    pub(super) fn end_due(&mut self, now: Instant, reads_calls: bool) -> bool {
        let mut reads = false;
        for recording in self.live.iter_mut().filter(|recording| recording.ending.is_none()) {
            if recording.ends.0 <= now {
                recording.end(now, reads_calls, None);
                reads = reads_calls;
            }
        }
        reads
    }

    /// Hands those whose end has come to the worker, as far as it takes any.
    pub(super) fn write_due(&mut self, now: Instant) -> Vec<(Asked, String)> {
        let mut unanswered = Vec::new();
        while self.writing < WRITING {
            let is_due = |recording: &Recording| recording.ending.is_some_and(|(at, _)| recording.due(at) <= now);
            let Some(at) = self.live.iter().position(is_due) else { break };
            let Recording { number, recorder, of, encodings, ending, limited, parts, .. } = self.live.remove(at);
            self.totals.limited += limited;
            self.totals.full += recorder.full();
            let asked = ending.and_then(|(_, asked)| asked);
            if recorder.is_empty() && parts == 0 {
                self.totals.empty += 1;
                unanswered
                    .extend(asked.map(|asked| (asked, format!("nothing was seen of {of}, so nothing is written"))));
                continue;
            }
            self.hand_over(Written { number, is_part: false, asked, of }, recorder, encodings);
        }
        unanswered
    }

    fn hand_over(&mut self, written: Written, recorder: Recorder, encodings: Vec<Encoding>) {
        let (ended, keep) = (Timestamp::now(), self.limits.keep);
        self.writing += 1;
        let begun = self.dumper.write(written, move |dir| {
            let document = recorder.finish("", ended);
            dump::activity(dir, recorder.name(), &document, &encodings, keep)
        });
        if begun.is_err() {
            // There can be no thread.
            self.writing -= 1;
            self.totals.failed += 1;
        }
    }

    /// What has been written: who waits for it, with all files or why there are none.
    fn conclude(&mut self, done: Done<Written>) -> (Written, Result<Vec<PathBuf>, String>) {
        self.writing -= 1;
        let Done { of: written, files } = done;
        let result = match files {
            Ok(files) => {
                let count = if written.is_part { &mut self.totals.parts } else { &mut self.totals.written };
                *count += 1;
                let all = self.files.entry(written.number).or_default();
                all.extend(files);
                Ok(all.clone())
            }
            Err(error) => {
                self.totals.failed += 1;
                Err(error.to_string())
            }
        };
        if !written.is_part {
            self.files.remove(&written.number);
        }
        (written, result)
    }
}

impl Recording {
    /// Has it written, a moment later if the calls of programs that run are to be read.
    pub(super) fn end(&mut self, now: Instant, reads_calls: bool, asked: Option<Asked>) {
        self.ending = Some((if reads_calls { now + GRACE } else { now }, asked));
    }
}

impl Agent {
    /// Ends and writes dumps whose time has come.
    pub(in crate::daemon) fn look_at_recordings(&mut self, now: Instant) {
        if self.recordings.due().is_none_or(|due| due > now) {
            return;
        }
        let reads_calls = self.reads_calls();
        if self.recordings.end_due(now, reads_calls)
            && let Some(capture) = &mut self.capture
        {
            capture.read_calls();
        }
        self.write_recordings(now);
    }

    /// Takes what tracers have told of what their processes hold.
    pub(in crate::daemon) fn take_what_is_held(&mut self, now: Instant) {
        let news = self.tracers.as_mut().map(|tracers| tracers.held(now)).unwrap_or_default();
        if !news.is_empty() {
            self.recordings.take_told(news, self.pipeline.processes());
            self.write_recordings(now);
        }
    }

    fn write_recordings(&mut self, now: Instant) {
        for (asked, why) in self.recordings.write_due(now) {
            if let Some(control) = &mut self.control {
                control.fail(asked, Fault::Failed, why);
            }
        }
    }

    /// Tells what came of dumps that have been written.
    pub(in crate::daemon) fn on_recordings(&mut self) {
        while let Some(done) = self.recordings.dumper.next() {
            self.on_recording(done);
        }
        let now = Instant::now();
        self.recordings.take_running(self.pipeline.processes(), self.tracers.as_mut(), now);
        self.write_recordings(now);
    }

    /// Ends all dumps, and waits until they are written.
    pub(in crate::daemon) fn finish_recordings(&mut self) {
        let now = Instant::now();
        self.recordings.take_running(self.pipeline.processes(), None, now);
        for recording in &mut self.recordings.live {
            recording.running = None;
            if recording.ending.is_none() {
                recording.end(now, false, None);
            }
        }
        loop {
            self.write_recordings(now + GRACE);
            for done in self.recordings.dumper.finish() {
                self.on_recording(done);
            }
            if self.recordings.live.is_empty() {
                return;
            }
        }
    }

    fn on_recording(&mut self, done: Done<Written>) {
        let (Written { asked, of, is_part, .. }, result) = self.recordings.conclude(done);
        let Some(asked) = asked else {
            let what = if is_part { "a part of the activity dump" } else { "the activity dump" };
            match result {
                Ok(_) => self.console.debug(format_args!("{what} of {of} was written")),
                Err(error) => self.console.warn(format_args!("{what} of {of} is lost: {error}")),
            }
            return;
        };
        let Some(control) = &mut self.control else { return };
        match result {
            Ok(files) => {
                let files = files.into_iter().map(|file| file.to_string_lossy().into_owned()).collect();
                control.answer(asked, response::What::Dumped(Dumped { files }));
            }
            Err(error) => control.fail(asked, Fault::Failed, error),
        }
    }
}
