//! The one list of modules.

use kernel::Module;

/// All modules, each after those that it builds on.
pub const ALL: &[&Module] = &[
    &platform::MODULE,
    &party::MODULE,
    &people::MODULE,
    &documents::MODULE,
    &process::MODULE,
    &product::MODULE,
    &finance::MODULE,
    &inventory::MODULE,
    &sales::MODULE,
    &crm::MODULE,
    &insight::MODULE,
    &server::MODULE,
];
