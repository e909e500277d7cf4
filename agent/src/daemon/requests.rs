//! What clients ask, and what they are answered.

use std::time::Instant;

use lapwing_common::ids::Timestamp;
use lapwing_common::profile::Selector;
use lapwing_proto::control::v1::{Fault, Metrics, ProfileListRequest, ProfileSaveRequest, request, response};

use super::{Agent, metrics};
use crate::server::{Asked, Wish};

/// Why nothing can be said of profiles.
const DISABLED: &str = "this agent has no security profiles: they are disabled. Set `enabled = true` under \
                        [security-profiles] in its configuration file, and start it anew";

impl Agent {
    /// Listens to the clients, and answers them.
    pub(super) fn answer(&mut self, at: Instant) {
        let Some(control) = &mut self.control else { return };
        let (wishes, gone) = control.turn(self.poll.registry(), at);
        gone.into_iter().for_each(|client| self.streams.forget(client));
        for (asked, wish) in wishes {
            match wish {
                Wish::Request(what) => self.request(asked, what),
                Wish::Cancel => {
                    // One that ended by itself meanwhile has been answered.
                    if self.streams.close(asked)
                        && let Some(control) = &mut self.control
                    {
                        control.close_stream(asked);
                    }
                }
            }
        }
        if let Some(control) = &mut self.control {
            self.streams.pump(control);
        }
    }

    fn request(&mut self, asked: Asked, what: request::What) {
        let answer = match what {
            request::What::Status(_) => Ok(response::What::Status(Box::new(self.status()))),
            request::What::Metrics(_) => {
                let prefix = self.config.variable.statsd.as_ref().map_or("lapwing", |statsd| &*statsd.prefix);
                let text = metrics::exposition(&metrics::of(&self.status()), prefix);
                Ok(response::What::Metrics(Metrics { text }))
            }
            request::What::Reload(_) => match self.reload(Some(asked)) {
                // When the rules work.
                Ok(_) => return,
                Err(error) => Err((Fault::Failed, format!("the configuration stays as it was: {error}"))),
            },
            request::What::ReloadPolicies(_) => match self.config.variable.policies {
                Some(_) => return self.read_rules(Some(asked), Vec::new()),
                None => Err((Fault::Failed, "this agent has no policies: give it some by --policies".to_owned())),
            },
            request::What::ReportFilters(_) => Ok(response::What::Filters(self.rules.filters())),
            request::What::Events(events) => return self.follow(asked, events),
            request::What::StartActivityDump(request) => self.start_activity_dump(request),
            request::What::ListActivityDumps(_) => self.list_activity_dumps(),
            request::What::StopActivityDump(request) => match self.stop_activity_dump(asked, &request) {
                Some(answer) => answer,
                None => return,
            },
            request::What::DumpProcesses(request) => return self.dump_processes(asked, request),
            request::What::DumpNamespaces(request) => return self.dump_namespaces(asked, request),
            request::What::DumpDiscarders(request) => return self.dump_discarders(asked, request),
            request::What::ListProfiles(ProfileListRequest { ended }) => match &self.guards {
                Some(guards) => Ok(response::What::Profiles(guards.list(ended))),
                None => Err((Fault::Failed, DISABLED.to_owned())),
            },
            request::What::SaveProfile(request) => return self.save_profile(asked, request),
        };
        if let Some(control) = &mut self.control {
            match answer {
                Ok(what) => control.answer(asked, what),
                Err((fault, message)) => control.fail(asked, fault, message),
            }
        }
    }

    fn save_profile(&mut self, asked: Asked, ProfileSaveRequest { image_name }: ProfileSaveRequest) {
        let found = match &mut self.guards {
            Some(guards) => guards.message(&Selector::of(&image_name)).ok_or_else(|| {
                format!("no workload {image_name} runs that has a profile; `lapwing security-profile list` names them")
            }),
            None => Err(DISABLED.to_owned()),
        };
        match (found, &mut self.control) {
            (Ok((message, files)), _) => self.write_profile(asked, message, files),
            (Err(error), Some(control)) => control.fail(asked, Fault::Failed, error),
            (Err(_), None) => {}
        }
    }

    fn follow(&mut self, asked: Asked, events: lapwing_proto::control::v1::EventsRequest) {
        let Some(control) = &mut self.control else { return };
        if self.streams.has(asked) {
            return control.fail(asked, Fault::Invalid, format!("request {} is being answered already", asked.id));
        }
        if !control.open_stream(asked) {
            return control.fail(asked, Fault::TooMany, "too many streams on this connection");
        }
        if let Err(error) = self.streams.open(asked, events, Timestamp::now()) {
            control.fail(asked, Fault::Invalid, error.to_string());
            control.forget_stream(asked);
        }
    }
}
