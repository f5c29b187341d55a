//! Processes and people through public operations, on a module of the tests' own.

#![allow(clippy::unwrap_used)]

#[path = "suite/companies.rs"]
mod companies;
#[path = "suite/due.rs"]
mod due;
#[path = "suite/overdue.rs"]
mod overdue;
#[path = "suite/probe.rs"]
mod probe;
#[path = "suite/steps.rs"]
mod steps;
#[path = "suite/substitutes.rs"]
mod substitutes;
