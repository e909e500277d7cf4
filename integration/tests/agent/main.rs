//! `lapwing agent` as those who deploy it meet it: its life, its clients, good and bad, and what it says of itself.

#![allow(unsafe_code, reason = "a thread becomes another user")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper's failure is the test's")]

mod burdens;
mod clients;
mod configuration;
mod discarding;
mod dumps;
mod holdings;
mod life;
mod numbers;
mod observing;
mod packaging;
mod peers;
mod profiles;
mod recordings;
mod rules;
mod scratch;
mod tracers;
