//! The commands and their arguments.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

/// What stands below the help.
const AFTER: &str = "Exit codes: 0 good, 1 the answer is no (refused, broken, not there), 2 wrong use.
With --json the standard output holds exactly one JSON document, a problem document where the command did not succeed;
progress, hints and logs go to the standard error. Words for people are in the language of LC_ALL, LC_MESSAGES or LANG (cs or en).";

/// CRM, ERP and BPM in one program.
#[derive(Parser)]
#[command(name = "celek", version, about, propagate_version = true, after_help = AFTER)]
pub struct Cli {
    /// The database: sqlite:FILE or postgres://USER:PASSWORD@HOST:PORT/DATABASE (sqlite:celek.db, or what CELEK_DB says,
    /// unless given)
    #[arg(long, global = true, value_name = "URL")]
    pub db: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Run the system: web client, interface, jobs
    Serve(ServeArgs),
    /// Call an operation
    Do(DoArgs),
    /// Ask for records of an entity
    List(Box<ListArgs>),
    /// Tell what entities and operations there are
    Describe(DescribeArgs),
    /// Make an API token for a user and print it
    Token(TokenArgs),
    /// Mind users
    User {
        /// What to do
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Prove that what must hold after every commit does hold
    Check(CheckArgs),
    /// Fill an empty database with a demo company
    Demo {
        /// Number of customers
        #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        customers: u32,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Bring data in: records of any entity from a CSV or XLSX file
    Import(Box<ImportArgs>),
    /// Play a scenario and prove its outcome
    Scenario {
        /// Which
        #[command(subcommand)]
        what: Scenario,
    },
    /// Measure on a database of its own, or on an empty one that is named
    Bench {
        /// What
        #[command(subcommand)]
        what: Bench,
    },
    /// Write a consistent copy of a running system to a file (stored files beside it, in FILE.files)
    Backup {
        /// The file
        file: PathBuf,
        /// In the form that fits a file and a PostgreSQL server alike, stored files included (always so on a server)
        #[arg(long)]
        portable: bool,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Copy everything into another database, which must be empty: from a file to a PostgreSQL server or back
    Move {
        /// The database that is there
        #[arg(long, value_name = "URL")]
        from: String,
        /// The empty one
        #[arg(long, value_name = "URL")]
        to: String,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Put a backup back as the database, which must not exist yet, or be empty on a server; every row is proved
    Restore {
        /// The file
        file: PathBuf,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Run, test, check and export BPMN files, without a database
    Bpmn {
        /// What to do
        #[command(subcommand)]
        what: Bpmn,
    },
    /// Evaluate DMN decisions, without a database
    Dmn {
        /// What to do
        #[command(subcommand)]
        what: Dmn,
    },
    /// Tell what an event log (XES or CSV, also gzipped) says about a process
    Mine(MineArgs),
    /// Print a completion script for a shell
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Arguments of `serve`.
#[derive(Args)]
pub struct ServeArgs {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Browsers reach it by https only (a proxy in front): mark cookies so
    #[arg(long)]
    pub secure: bool,
}

/// Arguments of `do`.
#[derive(Args)]
pub struct DoArgs {
    /// Name of the operation
    pub operation: String,
    /// Its input as JSON; @FILE reads a file, - the standard input
    #[arg(long, default_value = "{}", value_name = "JSON")]
    pub input: String,
    /// Try it, tell what would change, and store nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Under the same key it is done once
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Where to put the file that the operation makes
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// As whom (unless given, the operating system's user, with all rights)
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `list`.
#[derive(Args)]
pub struct ListArgs {
    /// Name of the entity
    pub entity: String,
    /// Which records: {"field": value}, {"field": {"op": value}}, {"and": […]} …
    #[arg(long, value_name = "JSON")]
    pub filter: Option<String>,
    /// In which order: field,-other
    #[arg(long, value_name = "FIELDS", allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// At most so many rows; 0 for all (50 unless given; all groups)
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// What the page before gave as `next`
    #[arg(long, value_name = "NEXT")]
    pub after: Option<String>,
    /// Words that the records have to contain
    #[arg(long, value_name = "WORDS")]
    pub q: Option<String>,
    /// Group by these fields; date:month and the like too
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub group: Vec<String>,
    /// Add these fields up
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub sum: Vec<String>,
    /// Least values of these fields
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub min: Vec<String>,
    /// Greatest values of these fields
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub max: Vec<String>,
    /// Averages of these fields
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub avg: Vec<String>,
    /// References to put the record in place of the id
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub expand: Vec<String>,
    /// Archived records too
    #[arg(long)]
    pub archived: bool,
    /// Write all of them to a file that spreadsheets open
    #[arg(long, value_name = "FILE", conflicts_with_all = ["csv", "limit", "after"])]
    pub xlsx: Option<PathBuf>,
    /// Write all of them to a file for programs
    #[arg(long, value_name = "FILE", conflicts_with_all = ["limit", "after"])]
    pub csv: Option<PathBuf>,
    /// The fields of that file, in their order; all of them unless given
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub fields: Vec<String>,
    /// As whom (unless given, the operating system's user, with all rights)
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `describe`.
#[derive(Args)]
pub struct DescribeArgs {
    /// Name of an entity or operation; all of them unless given
    pub name: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `token`.
#[derive(Args)]
pub struct TokenArgs {
    /// As whom the token acts
    #[arg(long, value_name = "NAME")]
    pub user: String,
    /// What it is for
    #[arg(long, default_value = "celek token", value_name = "TEXT")]
    pub name: String,
    /// What it is limited to: names of entities and operations, module.*, read
    #[arg(long, default_value = "", value_name = "NAMES")]
    pub scope: String,
    /// After how many days it ends
    #[arg(long, value_name = "N")]
    pub days: Option<u16>,
    /// Print one JSON document instead of the token alone
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `check`.
#[derive(Args)]
pub struct CheckArgs {
    /// Look at every row
    #[arg(long)]
    pub full: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// What to do with users.
#[derive(Subcommand)]
pub enum UserCommand {
    /// Give a user a new password, print it, and end the user's sessions
    Reset {
        /// The user
        name: String,
        /// Read the new password from the standard input instead
        #[arg(long)]
        stdin: bool,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `import`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ImportArgs {
    /// What else to bring in, or take back
    #[command(subcommand)]
    pub what: Option<Import>,
    /// The file: CSV or XLSX, names or labels of fields in its first row
    #[arg(required = true)]
    pub file: Option<PathBuf>,
    /// What its rows become
    #[arg(long, required = true, value_name = "NAME")]
    pub entity: Option<String>,
    /// A file (TOML or JSON) that says where columns go: columns, constants, defaults, key, sheet, empty, decimal
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// Fields by which a record that is there already is found and changed
    #[arg(long, value_name = "FIELDS")]
    pub key: Option<String>,
    /// The sheet of a workbook; the first unless given
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// Check the whole file, tell what would become of it, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Bring it in although it was brought in already
    #[arg(long)]
    pub again: bool,
    /// As whom (unless given, the operating system's user, with all rights)
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// What to bring in, or take back.
#[derive(Subcommand)]
pub enum Import {
    /// Take an import back: what nobody has changed since
    Undo {
        /// Number of the import
        import: i64,
        /// As whom (unless given, the operating system's user, with all rights)
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Sales of a retailer: invoices, lines, customers, products
    Retail {
        /// The file
        file: PathBuf,
        /// A file with the figures that have to come out
        #[arg(long, value_name = "FILE")]
        verify: Option<PathBuf>,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// What to measure.
#[derive(Subcommand)]
pub enum Bench {
    /// Callers who take orders from the first click to the money, over HTTP
    OrderToCash(LoadArgs),
    /// Callers in this process who store one small row each, beside what the database gives by itself
    Store(RateArgs),
    /// Callers in this process who run a small operation with log, audit and event
    Kernel(RateArgs),
    /// Hundreds of questions to long lists: filters, orders, depths, roles
    Lists(ListsArgs),
    /// The process engine alone
    Process {
        /// In memory, without a database
        #[arg(long, required = true)]
        memory: bool,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `bench lists`.
#[derive(Args)]
pub struct ListsArgs {
    /// How many parties; the ledger has twice as many lines
    #[arg(long, default_value_t = 500_000, value_name = "N", value_parser = rows)]
    pub rows: usize,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

fn rows(text: &str) -> Result<usize, String> {
    let most = 1_000..=5_000_000;
    text.parse().ok().filter(|n| most.contains(n)).ok_or_else(|| "from 1000 to 5000000".to_owned())
}

/// Arguments of `bench store` and `bench kernel`.
#[derive(Args)]
pub struct RateArgs {
    /// For how many seconds each number of callers is measured
    #[arg(long, default_value_t = 5, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub seconds: u64,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `bench order-to-cash`.
#[derive(Args)]
pub struct LoadArgs {
    /// How many callers work at the same time
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=512))]
    pub callers: u32,
    /// For how many seconds it is measured
    #[arg(long, default_value_t = 30, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,
    /// For how many seconds they work before that
    #[arg(long, default_value_t = 5, value_name = "S", value_parser = clap::value_parser!(u64).range(0..=3_600))]
    pub warm_up: u64,
    /// Number of customers
    #[arg(long, default_value_t = 1_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub customers: u32,
    /// Number of products; the n-th is ordered 1/n as often as the first
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub products: u32,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Which scenario.
#[derive(Subcommand)]
pub enum Scenario {
    /// From the order to the money
    OrderToCash {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// What to do with BPMN files.
#[derive(Subcommand)]
pub enum Bpmn {
    /// Run a file in memory, in virtual time
    Run(BpmnRunArgs),
    /// Run the tests of processes that a manifest says
    Test {
        /// The manifest: {"files": [{"file", "deploy_with", "scenarios": [[step…]…]}…]}
        manifest: PathBuf,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// List what is unsupported or wrong in a file
    Check {
        /// The file
        file: PathBuf,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Read a file and write it again, with all that other programs put there
    Export {
        /// The file
        file: PathBuf,
        /// Where to write it
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `bpmn run`.
#[derive(Args)]
pub struct BpmnRunArgs {
    /// The file
    pub file: PathBuf,
    /// Id of the process (the first that can start unless given)
    #[arg(long, value_name = "ID")]
    pub process: Option<String>,
    /// Variables as JSON
    #[arg(long, value_name = "JSON")]
    pub variables: Option<String>,
    /// A JSON file with the outputs, messages and errors of elements, by their ids
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// How far virtual time goes, such as PT2H (until no timer is left unless given)
    #[arg(long, value_name = "DURATION")]
    pub advance: Option<String>,
    /// More files: called processes and decisions
    #[arg(long, value_name = "FILE")]
    pub with: Vec<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// What to do with DMN files.
#[derive(Subcommand)]
pub enum Dmn {
    /// Evaluate a decision; it is ended when it takes longer than a second
    Eval {
        /// The file
        file: PathBuf,
        /// Name or id of the decision (the only one unless given)
        #[arg(long, value_name = "NAME")]
        decision: Option<String>,
        /// Its input as JSON
        #[arg(long, value_name = "JSON")]
        input: Option<String>,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Run the official compatibility tests in a directory
    Tck {
        /// The directory, searched with those in it
        directory: PathBuf,
        /// Print one JSON document (it always does)
        #[arg(long)]
        json: bool,
    },
    /// One job from the standard input: the process that evaluates
    #[command(hide = true)]
    Worker,
}

/// Arguments of `mine`.
#[derive(Args)]
pub struct MineArgs {
    /// The log
    pub log: PathBuf,
    /// CSV: the column with the id of the case
    #[arg(long, value_name = "COLUMN")]
    pub case: Option<String>,
    /// CSV: the column with the activity
    #[arg(long, value_name = "COLUMN")]
    pub activity: Option<String>,
    /// CSV: the column with the time
    #[arg(long, value_name = "COLUMN")]
    pub time: Option<String>,
    /// CSV: the column with who did it
    #[arg(long, value_name = "COLUMN")]
    pub resource: Option<String>,
    /// Only cases that begin then or later
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only cases that end before then
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Only cases in which this activity was done
    #[arg(long, value_name = "ACTIVITY")]
    pub with: Vec<String>,
    /// Only cases in which this activity was not done
    #[arg(long, value_name = "ACTIVITY")]
    pub without: Vec<String>,
    /// Only events that complete an activity
    #[arg(long)]
    pub complete: bool,
    /// A BPMN file to compare the log with
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Id of the process in that file (the first unless given)
    #[arg(long, value_name = "ID")]
    pub process: Option<String>,
    /// Write the log to a file: CSV by the ending .csv, else XES
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}
