//! The one list of modules.

use kernel::Module;

/// What the program itself refuses, and in which words.
static PROGRAM: Module = Module {
    name: "celek",
    errors: &["file_cannot_be_used", "retail.all_refused"],
    catalogues: &[("en", include_str!("../i18n/en.toml")), ("cs", include_str!("../i18n/cs.toml"))],
    ..Module::BASE
};

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
    &PROGRAM,
];
