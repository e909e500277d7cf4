//! The steps of a service's life, and their order.
//!
//! Each step may fail, and then those that were taken are undone by `stop`, which is called once in every life that
//! got past `init`, however it ended. Nothing is served before what already runs is known: `start` replays the
//! snapshot, and only `serve` takes live events and connections.

/// What goes through the steps. `new` is its constructor: it has its configuration then, and has touched nothing.
pub(super) trait Life {
    /// Why a step failed.
    type Error;

    /// Takes what must not be taken twice, or too late: the lock, signals. What fails here leaves nothing behind.
    fn init(&mut self) -> Result<(), Self::Error>;

    /// Begins to observe, so that nothing is missed between the snapshot and live events, and makes the sockets.
    fn setup(&mut self) -> Result<(), Self::Error>;

    /// Replays what already runs, and says that the service is ready.
    fn start(&mut self) -> Result<(), Self::Error>;

    /// Takes live events and answers requests until told to end.
    fn serve(&mut self) -> Result<(), Self::Error>;

    /// Ends what the other steps began, as far as they came.
    fn stop(&mut self);
}

/// Goes through the steps.
pub(super) fn live<L: Life>(life: &mut L) -> Result<(), L::Error> {
    life.init()?;
    let served = life.setup().and_then(|()| life.start()).and_then(|()| life.serve());
    life.stop();
    served
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes its steps down, and fails in one of them.
    #[derive(Default)]
    struct Diary {
        steps: Vec<&'static str>,
        fails_in: &'static str,
    }

    impl Diary {
        fn step(&mut self, name: &'static str) -> Result<(), &'static str> {
            self.steps.push(name);
            if self.fails_in == name { Err(name) } else { Ok(()) }
        }
    }

    impl Life for Diary {
        type Error = &'static str;

        fn init(&mut self) -> Result<(), &'static str> {
            self.step("init")
        }

        fn setup(&mut self) -> Result<(), &'static str> {
            self.step("setup")
        }

        fn start(&mut self) -> Result<(), &'static str> {
            self.step("start")
        }

        fn serve(&mut self) -> Result<(), &'static str> {
            self.step("serve")
        }

        fn stop(&mut self) {
            self.steps.push("stop");
        }
    }

    #[test]
    fn the_steps_come_in_order() {
        let mut diary = Diary::default();
        assert_eq!(live(&mut diary), Ok(()));
        assert_eq!(diary.steps, ["init", "setup", "start", "serve", "stop"]);
    }

    #[test]
    fn a_step_that_fails_is_the_last_before_the_stop() {
        for (fails_in, steps) in [
            ("init", ["init"].as_slice()),
            ("setup", &["init", "setup", "stop"]),
            ("start", &["init", "setup", "start", "stop"]),
            ("serve", &["init", "setup", "start", "serve", "stop"]),
        ] {
            let mut diary = Diary { fails_in, ..Diary::default() };
            assert_eq!(live(&mut diary), Err(fails_in));
            assert_eq!(diary.steps, steps);
        }
    }
}
