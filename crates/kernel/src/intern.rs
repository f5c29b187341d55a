//! Names that come from the database (custom entities and fields, the entity of an `AnyRef`) live as long as the program:
//! there are few of them, and each is kept once.

use std::collections::HashSet;

use parking_lot::RwLock;

static NAMES: RwLock<Option<HashSet<&'static str>>> = RwLock::new(None);

/// The one copy of a name.
pub fn intern(name: &str) -> &'static str {
    if let Some(found) = NAMES.read().as_ref().and_then(|names| names.get(name)) {
        return found;
    }
    let mut names = NAMES.write();
    let names = names.get_or_insert_with(HashSet::new);
    if let Some(found) = names.get(name) {
        return found;
    }
    let leaked: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(leaked);
    leaked
}
