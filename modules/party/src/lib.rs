//! Companies and people that one deals with: one record for each, whatever part of the house meets it.

mod party;

use kernel::{Module, entity, op};

pub use party::{
    Address, AddressKind, Candidate, Candidates, Contact, ContactKind, Duplicates, Party, PartyKind, PostalAddress,
    Tag, address, by_external, living,
};

/// What the module owns.
pub static MODULE: Module = Module {
    name: "party",
    entities: &[entity::<Party>(), entity::<Address>(), entity::<Contact>(), entity::<Tag>()],
    operations: &[op::<Duplicates>()],
    catalogues: &[("en", include_str!("../i18n/en.toml")), ("cs", include_str!("../i18n/cs.toml"))],
    views: &[("party.party", include_str!("party.view.toml")), ("party.tag", include_str!("tag.view.toml"))],
    errors: &["party.merged"],
    ..Module::BASE
};
