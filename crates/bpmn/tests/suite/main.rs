//! Tests of the process engine: each element, a real process, random processes, hostile files and expressions.
#![allow(clippy::unwrap_used)]

mod checks;
mod elements;
mod feel;
mod hostile;
mod order;
mod random;
mod sim;
mod support;
