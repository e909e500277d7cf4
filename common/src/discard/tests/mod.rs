//! Discarders, approvers and dumps, from plain data.

mod approvers;
mod dump;
mod invalidation;
mod table;
