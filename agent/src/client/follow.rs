//! `lapwing events`.

use std::io::{self, Write as _};

use lapwing_proto::control::v1::{Events, request, response};

use super::{Client, ClientError};
use crate::config::EventsConfig;
use crate::console::Console;

/// Writes what the agent sees to stdout, until nobody reads that any more or the agent ends.
pub(crate) fn follow(config: EventsConfig, console: Console) -> Result<(), ClientError> {
    let mut client = Client::connect(&config.client)?;
    client.begin(request::What::Events(config.request))?;
    // Nothing may happen for as long as it likes, once the stream has begun.
    let mut told = Told::default();
    let mut out = io::stdout().lock();
    loop {
        match client.answer()? {
            response::What::Events(events) => {
                client.set_patience(None)?;
                match out.write_all(&events.lines).and_then(|()| out.flush()) {
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                    written => written.map_err(ClientError::Output)?,
                }
                told.tell(&events, console);
            }
            response::What::Done(_) => return Ok(()),
            _ => return Err(client.nonsense("it answers something else than events")),
        }
    }
}

/// What a person has been told was left out.
#[derive(Debug, Default)]
struct Told {
    dropped: u64,
    limited: u64,
}

impl Told {
    fn tell(&mut self, events: &Events, console: Console) {
        let dropped = events.dropped.saturating_sub(self.dropped);
        if dropped > 0 {
            console.warn(format_args!("{dropped} events were left out, since they were not read fast enough"));
        }
        let limited = events.limited.saturating_sub(self.limited);
        if limited > 0 {
            console.info(format_args!("{limited} events were left out, being over the rate that was asked for"));
        }
        *self = Self { dropped: events.dropped, limited: events.limited };
    }
}
