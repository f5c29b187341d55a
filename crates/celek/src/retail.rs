//! Import of a retailer's sales: to come.

use std::path::Path;

use kernel::{Error, Kernel, Result};

/// Brings the file in and proves the figures where they are given.
///
/// # Errors
/// As reading and writing do.
pub fn run(_kernel: &Kernel, _file: &Path, _verify: Option<&Path>, _json: bool) -> Result<bool> {
    Err(Error::internal("the import of a retailer's sales is not there yet"))
}
