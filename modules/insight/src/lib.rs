//! To come.

use kernel::Module;

/// What the module owns.
pub static MODULE: Module = Module { name: "insight", ..Module::BASE };
