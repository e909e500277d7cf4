//! `serving`: how many requests a second services answer, as they are, under each backend, and under strace.
//!
//! A service runs under the tool, the load comes from outside of it. What counts is what the load generator says, so
//! that the start and the end of tool and service are not in it.

mod measure;
mod report;
mod service;
mod verdict;
mod way;

use crate::machine::Load;
use crate::rounds::Rounds;
use crate::tools::Lapwing;
use lapwing_measure::order;

use measure::Measured;
use service::Service;
use way::Way;

pub(crate) use report::add;

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Serving {
    rounds: Rounds,
    period: usize,
    ways: Vec<Way>,
    services: Vec<Measured>,
    /// What could not be measured, and why.
    absent: Vec<String>,
    load: Load,
}

/// Measures every service that is installed, in every way that works here.
pub(crate) fn measure(lapwing: &Lapwing, rounds: Rounds) -> anyhow::Result<Serving> {
    let (ways, mut absent) = Way::all(lapwing)?;
    let load = Load::watch();
    let mut services = Vec::new();
    for service in Service::ALL {
        match service.missing() {
            Some(program) => {
                absent.push(format!("{}: there is no {program}; scripts/setup-benches installs it", service.name()))
            }
            None => services.push(measure::measure(service, &ways, rounds)?),
        }
    }
    Ok(Serving { rounds, period: order::period(ways.len()), ways, services, absent, load: load.end() })
}
