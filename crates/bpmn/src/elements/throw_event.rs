//! Intermediate throw events: without a trigger only, a milestone in the history.

use super::{definitions, unsupported};
use crate::model::Kind;
use crate::parse::Reading;
use crate::xml::Node;

pub(super) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    match definitions(node).first() {
        None => Kind::Milestone,
        Some(definition) => unsupported(reading, &format!("A throw event with {}", definition.name)),
    }
}
