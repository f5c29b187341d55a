//! Who may call public operations from the browsers of other sites.

use crate::{cx::Cx, error::Result};

/// From which web sites browsers may call a public operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// From our own pages only.
    #[default]
    Own,
    /// From these too, each written as browsers name it: `https://www.example.com`.
    Listed(Vec<String>),
    /// From any: it takes what anybody may send.
    Any,
}

impl Origins {
    /// Whether a page of this origin may call.
    pub fn allow(&self, origin: &str) -> bool {
        match self {
            Self::Own => false,
            Self::Listed(list) => list.iter().any(|o| o.eq_ignore_ascii_case(origin)),
            Self::Any => true,
        }
    }
}

/// Says from which web sites a public operation may be called.
#[derive(Clone, Copy)]
pub struct Guests {
    /// The operation.
    pub operation: &'static str,
    /// Finds the web sites, as the company has set them.
    pub origins: fn(&mut Cx<'_>) -> Result<Origins>,
}
