//! Employees, working calendars and absence; to come.

use kernel::Module;

/// What the module owns.
pub static MODULE: Module = Module { name: "people", ..Module::BASE };
