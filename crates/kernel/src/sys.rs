//! What the kernel itself keeps: the log of operations, the audit, numbers, idempotency, outbox, jobs, files, settings and
//! custom definitions. Entities like any other, so that administrators see them through the same surfaces.

use crate::{
    AnyRef, Entity, FileId, Json, LongText,
    def::{Module, entity},
    slow::Gauge,
};

/// An operation that was done, and the frame in which it was called.
#[derive(Entity)]
#[entity(name = "sys.operation", plain, append_only, title = name, indexed(target, target_entity), area = "settings")]
pub struct Operation {
    /// The operation that called it.
    pub parent: Option<i64>,
    /// Name of the operation.
    pub name: String,
    /// The user; nothing for the system.
    #[field(indexed)]
    pub actor: Option<i64>,
    /// Login or name of the actor.
    pub actor_name: String,
    /// When.
    pub at: jiff::Timestamp,
    /// The record that it worked on.
    pub target: Option<AnyRef>,
    /// The process step in which it was done.
    pub step: Option<String>,
}

/// A change of a record.
#[derive(Entity)]
#[entity(name = "sys.audit", plain, append_only, title = entity, indexed(entity, record), area = "settings")]
pub struct Audit {
    /// The operation that changed it.
    #[field(indexed)]
    pub operation: i64,
    /// Entity of the record.
    pub entity: String,
    /// The record.
    pub record: i64,
    /// `created`, `changed`, `archived` or `deleted`.
    pub kind: String,
    /// By field: what it held before and after.
    pub changes: Option<Json>,
}

/// A number that a legal series has given.
#[derive(Entity)]
#[entity(name = "sys.number", plain, append_only, title = series, unique(series, year, n), indexed(record))]
pub struct Number {
    /// The series.
    pub series: String,
    /// The year, or 0 for a series that runs on.
    pub year: i64,
    /// The number.
    pub n: i64,
    /// Entity of the document.
    pub entity: String,
    /// The document.
    pub record: i64,
}

/// A series of document numbers.
#[derive(Entity)]
#[entity(name = "sys.series", steady, plain, title = code, area = "settings")]
pub struct Series {
    /// Code.
    #[field(unique)]
    pub code: String,
    /// Form of the number: `{year}` and `{n:4}` are filled in.
    pub pattern: String,
    /// Starts again each year.
    pub per_year: bool,
}

/// Where a series stands.
#[derive(Entity)]
#[entity(name = "sys.counter", plain, by_operation, kept, title = series, unique(series, year))]
pub struct Counter {
    /// The series.
    pub series: String,
    /// The year, or 0.
    pub year: i64,
    /// The last number given.
    pub last: i64,
}

/// A request that was done under a key.
#[derive(Entity)]
#[entity(name = "sys.idempotency", plain, by_operation, title = key, unique(principal, route, key))]
pub struct Idempotency {
    /// The user.
    pub principal: i64,
    /// Method and address.
    #[field(max = 300)]
    pub route: String,
    /// The key.
    pub key: String,
    /// Digest of the input.
    pub hash: String,
    /// Status of the answer.
    pub status: i64,
    /// The answer.
    #[field(max = 4_000_000)]
    pub answer: Json,
    /// When.
    pub at: jiff::Timestamp,
}

crate::choice!(
    /// Where something that leaves the house stands.
    OutboxState { Queued = "queued" => "blue", Sent = "sent" => "green", Failed = "failed" => "red" }
);

/// Something that leaves the house after the commit: a letter.
#[derive(Entity)]
#[entity(name = "sys.outbox", plain, by_operation, title = subject, status = state, indexed(state, due),
    read = "sales accounts manager", area = "settings")]
pub struct Outbox {
    /// `mail`.
    pub kind: String,
    /// To whom.
    pub recipient: String,
    /// Subject.
    #[field(searchable)]
    pub subject: String,
    /// Text.
    pub body: LongText,
    /// Attachments: operations that make the file, with their input.
    pub attachments: Option<Json>,
    /// State.
    pub state: OutboxState,
    /// Not before.
    pub due: jiff::Timestamp,
    /// Tries so far.
    pub attempts: i64,
    /// When it left.
    pub sent_at: Option<jiff::Timestamp>,
    /// What went wrong last.
    pub error: Option<LongText>,
    /// The document that it is about.
    #[field(indexed)]
    pub source: Option<AnyRef>,
}

crate::choice!(
    /// Where a job stands.
    JobState { Queued = "queued" => "blue", Done = "done" => "green", Dead = "dead" => "red" }
);

/// Work to be done later, or again and again.
#[derive(Entity)]
#[entity(name = "sys.job", plain, by_operation, title = name, status = state, indexed(state, due), area = "settings")]
pub struct JobRow {
    /// Name of the job.
    pub name: String,
    /// One job of a name and key waits at a time.
    #[field(indexed)]
    pub key: Option<String>,
    /// What it needs.
    pub payload: Option<Json>,
    /// State.
    pub state: JobState,
    /// Not before.
    pub due: jiff::Timestamp,
    /// Leased until.
    pub leased: Option<jiff::Timestamp>,
    /// Tries so far.
    pub attempts: i64,
    /// What went wrong last.
    pub error: Option<LongText>,
}

/// A file, kept once by its content.
#[derive(Entity)]
#[entity(name = "sys.file", plain, by_operation, title = name)]
pub struct File {
    /// Name.
    pub name: String,
    /// Media type as sniffed from the content.
    pub media_type: String,
    /// Bytes.
    pub size: i64,
    /// BLAKE3 of the content.
    #[field(indexed)]
    pub hash: String,
    /// Who brought it.
    pub by: Option<i64>,
    /// When.
    pub at: jiff::Timestamp,
}

/// A file on a record.
#[derive(Entity)]
#[entity(name = "sys.attachment", plain, by_operation, title = file)]
pub struct Attachment {
    /// The file.
    pub file: FileId,
    /// The record.
    #[field(indexed)]
    pub record: AnyRef,
}

/// A field defined at run time.
#[derive(Entity)]
#[entity(name = "sys.custom_field", plain, shared, by_operation, title = name, unique(entity, name))]
pub struct CustomField {
    /// Entity that it belongs to.
    pub entity: String,
    /// Name; begins with `x_`.
    pub name: String,
    /// English label.
    pub label: String,
    /// Czech label.
    pub label_cs: Option<String>,
    /// Kind: `text`, `int`, `dec`, `bool`, `date`, `ref` …
    pub kind: String,
    /// Entity of a reference.
    pub to: Option<String>,
    /// Scale of a decimal.
    pub scale: Option<i64>,
    /// Values of a choice.
    pub choices: Option<Json>,
    /// Has to be given.
    pub mandatory: bool,
    /// Takes part in search.
    pub find: bool,
    /// Has an index.
    pub index: bool,
    /// Why it was removed.
    pub reason: Option<LongText>,
}

/// An entity defined at run time.
#[derive(Entity)]
#[entity(name = "sys.custom_entity", plain, shared, by_operation, title = name)]
pub struct CustomEntity {
    /// Name; begins with `x_`, as in `x_lab.sample`.
    #[field(unique)]
    pub name: String,
    /// English label.
    pub label: String,
    /// Czech label.
    pub label_cs: Option<String>,
    /// Roles that may read and write it.
    pub roles: String,
    /// Why it was removed.
    pub reason: Option<LongText>,
}

/// A setting.
#[derive(Entity)]
#[entity(name = "sys.setting", plain, shared, by_operation, title = key)]
pub struct Setting {
    /// Name.
    #[field(unique)]
    pub key: String,
    /// Value.
    pub value: LongText,
}

/// The kernel's own module.
pub static MODULE: Module = Module {
    name: "sys",
    entities: &[
        entity::<Operation>(),
        entity::<Audit>(),
        entity::<Number>(),
        entity::<Series>(),
        entity::<Counter>(),
        entity::<Idempotency>(),
        entity::<Outbox>(),
        entity::<JobRow>(),
        entity::<crate::schedule::Schedule>(),
        entity::<File>(),
        entity::<Attachment>(),
        entity::<CustomField>(),
        entity::<CustomEntity>(),
        entity::<Setting>(),
        entity::<crate::import::Import>(),
        entity::<crate::import::ImportRow>(),
    ],
    operations: &[
        crate::custom::ADD_FIELD,
        crate::custom::ADD_ENTITY,
        crate::defined::OPERATIONS[0],
        crate::defined::OPERATIONS[1],
        crate::defined::OPERATIONS[2],
        crate::defined::OPERATIONS[3],
        crate::defined::OPERATIONS[4],
        crate::defined::OPERATIONS[5],
        crate::def::op::<crate::letters::RetryLetter>(),
        crate::def::op::<crate::jobs::RetryJob>(),
        crate::def::op::<crate::import::Preview>(),
        crate::def::op::<crate::import::Start>(),
        crate::def::op::<crate::import::Show>(),
        crate::def::op::<crate::import::MineImports>(),
        crate::def::op::<crate::import::Stop>(),
        crate::def::op::<crate::import::Undo>(),
        crate::def::op::<crate::schedule::RetryAll>(),
        crate::def::op::<crate::schedule::RunSchedule>(),
        crate::def::op::<crate::slow::SlowStatements>(),
    ],
    views: &[
        ("sys.outbox", include_str!("views/outbox.view.toml")),
        ("sys.job", include_str!("views/job.view.toml")),
        ("sys.import", include_str!("views/import.view.toml")),
        ("sys.schedule", include_str!("views/schedule.view.toml")),
    ],
    catalogues: &[("en", include_str!("../i18n/en.toml")), ("cs", include_str!("../i18n/cs.toml"))],
    events: &[crate::def::event::<crate::letters::LetterSent>(), crate::def::event::<crate::letters::LetterFailed>()],
    jobs: &[crate::defined::CLEAR],
    checks: crate::checks::CHECKS,
    errors: crate::codes::CODES,
    gauges: &[
        Gauge { name: "celek_jobs_queued", help: "Jobs that wait.", value: |cx| waiting(cx, "sys_job", "queued") },
        Gauge { name: "celek_jobs_dead", help: "Jobs that were given up.", value: |cx| waiting(cx, "sys_job", "dead") },
        Gauge {
            name: "celek_letters_queued",
            help: "Letters that wait.",
            value: |cx| waiting(cx, "sys_outbox", "queued"),
        },
        Gauge {
            name: "celek_letters_failed",
            help: "Letters that did not leave.",
            value: |cx| waiting(cx, "sys_outbox", "failed"),
        },
    ],
    ..Module::BASE
};

/// How many rows stand in a state, up to a number: a figure to watch need not be exact beyond.
fn waiting(cx: &mut crate::Cx<'_>, table: &str, state: &str) -> crate::Result<i64> {
    let text = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE state = ? LIMIT 100000) n");
    Ok(cx.conn().int(&text, &[state.into()])?.unwrap_or(0))
}
