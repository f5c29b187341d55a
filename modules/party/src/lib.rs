//! Companies and people that one deals with: one record for each, whatever part of the house meets it.

mod duplicate;
mod numbers;
mod party;

use kernel::{Module, entity, op};

pub use duplicate::{Candidate, Candidates, Duplicates, core_name, find, reached_by};
pub use party::{
    Address, AddressKind, Contact, ContactKind, Party, PartyKind, PostalAddress, Tag, address, by_external, living,
};

/// What the module owns.
pub static MODULE: Module = Module {
    name: "party",
    entities: &[entity::<Party>(), entity::<Address>(), entity::<Contact>(), entity::<Tag>()],
    operations: &[op::<Duplicates>()],
    catalogues: &[("en", include_str!("../i18n/en.toml")), ("cs", include_str!("../i18n/cs.toml"))],
    views: &[("party.party", include_str!("party.view.toml")), ("party.tag", include_str!("tag.view.toml"))],
    extends: &[("party.tag", include_str!("tag.extends.toml"))],
    errors: &["party.merged", "party.web_address"],
    ..Module::BASE
};
