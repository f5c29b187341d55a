//! To come.

use kernel::Module;

/// What the module owns.
pub static MODULE: Module = Module { name: "inventory", ..Module::BASE };
