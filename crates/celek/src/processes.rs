//! `celek bpmn`: processes run, tested, checked and exported as files.

mod check;
mod run;
mod steps;
mod test;
mod world;

use std::process::ExitCode;

use crate::cli::Bpmn;
use crate::failure::Failure;

/// Runs it.
pub fn run(command: &Bpmn) -> Result<ExitCode, Failure> {
    match command {
        Bpmn::Run(args) => run::run(args),
        Bpmn::Test { manifest, json } => test::run(manifest, *json),
        Bpmn::Check { file, json } => check::check(file, *json),
        Bpmn::Export { file, out, json } => check::export(file, out, *json),
    }
}
