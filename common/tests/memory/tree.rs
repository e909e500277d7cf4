//! What an activity tree takes of memory, against what it says.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};

use lapwing_common::activity::{ActivityTree, Dropped, Mark, Options};
use lapwing_common::event::{Exec, File};
use lapwing_common::ids::{Pid, PidNs, ProcessKey, Timestamp};
use lapwing_common::process::{ArgumentLimits, Arguments, Cache, Limits};
use lapwing_common::record::Program;

use super::{ALONE, LIVE, PEAK, event, open};

/// A program with arguments of its own, which only the tree will hold in the end.
fn program(number: i32) -> Program {
    let arguments = [format!("program-{number}"), "--of".into(), "a thousand or so".into()];
    Program {
        file: File::at(format!("/usr/lib/programs/program-{number}").into_bytes()),
        arguments: Arguments::capture(arguments.iter().map(String::as_bytes), false, &ArgumentLimits::default()),
        ..Program::default()
    }
}

#[test]
fn memory_is_at_most_one_and_a_half_times_the_reported_size() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let limit = 1750 << 10;
    for files_each in [1, 20, 2000] {
        let before = LIVE.load(Relaxed);
        let mut tree = ActivityTree::new(Options { limit, ..Options::default() });
        let tag = tree.tag("1.25");
        let mark = Mark { tag, ..Mark::default() };
        let mut is_full = false;
        PEAK.store(LIVE.load(Relaxed), Relaxed);
        for number in 0.. {
            // Processes come and go, and the cache forgets them.
            let mut cache = Cache::new(Limits::default());
            let key = ProcessKey { pid: Pid(1), namespace: PidNs(1) };
            let process = cache.exec(key, program(number), Timestamp(5));
            let exec = Exec { process: Arc::clone(&process), refused: None, path: None, retval: 0 };
            is_full |= tree.insert(&event(&process, "execve", exec), &mark) == Err(Dropped::Full);
            for file in 0..files_each {
                let path = format!("/var/lib/{}/some-file-with-a-name-{file}", file % 13);
                is_full |= tree.insert(&event(&process, "openat", open(&path)), &mark) == Err(Dropped::Full);
            }
            if is_full {
                break;
            }
        }
        let (live, peak) = (LIVE.load(Relaxed) - before, PEAK.load(Relaxed) - before);
        let (size, counts) = (tree.size(), tree.counts());
        println!("{files_each} files each: {live} live, {peak} at most, {size} reported, {counts:?}");
        assert!(size <= limit);
        assert!(size > limit / 2, "it is full long before: {size}");
        assert!(live <= size + size / 2, "{live} of {size}");
        assert!(live >= size / 2, "it reports more than there is: {live} of {size}");
        // Tables move as they grow, and then are there twice.
        assert!(peak <= limit + limit / 2, "{peak} of {limit}");
        drop(tree);
        let left = LIVE.load(Relaxed).abs_diff(before);
        assert!(left < 64 << 10, "{left} bytes stay");
    }
}
