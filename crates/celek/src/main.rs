//! Celek: CRM, ERP and BPM in one program. This is the program itself: its commands over the kernel and the server.

mod bench;
mod cli;
mod client;
#[cfg(test)]
mod damage;
mod data;
mod decide;
mod demo;
mod describe;
mod failure;
mod import;
mod keep;
mod mine;
mod modules;
mod open;
mod output;
mod post;
mod processes;
mod retail;
mod scenario;
mod serve;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use cli::{Bench, Cli, Command, Import, Scenario, UserCommand};
use failure::Failure;
use serde_json::json;

/// Good, or "the answer is no".
fn answer(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let db = cli.db.clone().unwrap_or_else(open::default_db);
    match cli.command {
        Command::Serve(args) => serve::run(&db, args),
        Command::Do(args) => data::call(&db, args),
        Command::List(args) => data::list(&db, *args),
        Command::Describe(args) => describe::run(&db, args),
        Command::Token(args) => data::token(&db, &args),
        Command::User { command: UserCommand::Reset { name, stdin, json } } => data::reset(&db, &name, stdin, json),
        Command::Check(args) => data::check(&db, args),
        Command::Demo { customers, json } => {
            let kernel = open::empty(&db).map_err(|f| f.in_json(json))?;
            demo::run(&kernel, customers as usize).map_err(|e| Failure::of(&kernel, e, json))?;
            if json {
                let users = ["admin", "sales", "stock", "accounts", "buyer", "manager"];
                output::print_json(&json!({"db": open::shown(&db), "customers": customers, "users": users}));
            }
            eprintln!("The demo company is set up. Serve it: celek serve --db {}", open::shown(&db));
            eprintln!("Sign in as admin, sales, stock, accounts, buyer or manager; the password is demo.");
            Ok(ExitCode::SUCCESS)
        }
        Command::Import(args) => match args.what {
            Some(Import::Retail { file, verify, json }) => {
                let kernel = open::for_import(&db).map_err(|f| f.in_json(json))?;
                let done = retail::run(&kernel, &file, verify.as_deref(), json);
                done.map(answer).map_err(|e| Failure::of(&kernel, e, json))
            }
            Some(Import::Undo { import, user, json }) => import::undo(&db, import, user.as_deref(), json),
            None => import::run(&db, &args),
        },
        Command::Scenario { what: Scenario::OrderToCash { json } } => {
            let kernel = std::sync::Arc::new(open::or_create(&db).map_err(|f| f.in_json(json))?);
            scenario::run(kernel.clone(), json).map(answer).map_err(|e| Failure::of(&kernel, e, json))
        }
        // A measurement never touches the database that is worked with unless it is named.
        Command::Bench { what: Bench::OrderToCash(args) } => bench::order_to_cash(cli.db, &args),
        Command::Bench { what: Bench::Process { json, .. } } => bench::process::run(json),
        Command::Bench { what: Bench::Store(args) } => bench::store(cli.db, &args),
        Command::Bench { what: Bench::Kernel(args) } => bench::kernel(cli.db, &args),
        Command::Bench { what: Bench::Lists(args) } => bench::lists(cli.db, &args),
        Command::Backup { file, portable, json } => {
            keep::backup(&db, &file, portable, json).map_err(|f| f.in_json(json))
        }
        Command::Move { from, to, json } => keep::carry(&from, &to, json).map_err(|f| f.in_json(json)),
        Command::Restore { file, json } => keep::restore(&db, &file, json).map_err(|f| f.in_json(json)),
        Command::Bpmn { what } => processes::run(&what),
        Command::Dmn { what } => decide::run(&what),
        Command::Mine(args) => mine::run(&args).map_err(|f| f.in_json(args.json)),
        Command::Completion { shell } => {
            // Into memory first: a reader that went away (`| head`) is no failure of ours.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "celek", &mut script);
            output::print_bytes(&script);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let serving = matches!(cli.command, Command::Serve(_));
    open::logs(if serving { "info" } else { "warn" });
    match run(cli) {
        Ok(code) => code,
        Err(failure) => failure.tell(),
    }
}
