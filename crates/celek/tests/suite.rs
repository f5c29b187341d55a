//! The whole program: every module together, over HTTP and from the command line.

#![allow(clippy::unwrap_used)]

#[path = "suite/bad_input.rs"]
mod bad_input;
#[path = "suite/bench.rs"]
mod bench;
#[path = "suite/cli.rs"]
mod cli;
#[path = "suite/crash.rs"]
mod crash;
#[path = "suite/description.rs"]
mod description;
#[path = "suite/guests.rs"]
mod guests;
#[path = "suite/house.rs"]
mod house;
#[path = "suite/isolation.rs"]
mod isolation;
#[path = "../src/modules.rs"]
mod modules;
#[path = "suite/problems.rs"]
mod problems;
#[path = "suite/processes.rs"]
mod processes;
#[path = "suite/recipes.rs"]
mod recipes;
#[path = "suite/retail.rs"]
mod retail;
#[path = "suite/words.rs"]
mod words;
