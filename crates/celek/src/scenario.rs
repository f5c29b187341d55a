//! Scenarios: to come.

use std::sync::Arc;

use kernel::{Error, Kernel, Result};

/// Plays from the order to the money and proves the outcome.
///
/// # Errors
/// As reading and writing do.
pub fn run(_kernel: Arc<Kernel>) -> Result<bool> {
    Err(Error::internal("the scenario is not there yet"))
}
