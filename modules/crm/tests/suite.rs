//! From the web form to the won deal through public operations; every trial ends with the proof of all invariants.

#![allow(clippy::unwrap_used)]

#[path = "suite/deals.rs"]
mod deals;
#[path = "suite/kit.rs"]
mod kit;
#[path = "suite/leads.rs"]
mod leads;
#[path = "suite/lists.rs"]
mod lists;
#[path = "suite/naive.rs"]
mod naive;
#[path = "suite/random.rs"]
mod random;
#[path = "suite/rights.rs"]
mod rights;
