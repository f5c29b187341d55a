//! Decisions: DMN models with FEEL, and the runner of the official compatibility tests.
//!
//! The library beneath has no limits of its own: what is not known to be cheap is evaluated in a process that can be ended
//! (`celek dmn` does so). [`MAX_BYTES`] and [`MAX_DEPTH`] are refused before it sees them.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod convert;
mod model;
mod tck;
mod tree;

pub use convert::{from_json, to_json};
pub use model::{Model, ModelError};
pub use tck::{Checked, cases, run};
pub use tree::{MAX_BYTES, MAX_DEPTH};
