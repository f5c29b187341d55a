//! What modules declare: entities, operations, events, and the explicit lists that register them.

use store::Value;

use crate::{
    cx::Cx,
    error::{Action, Error, Result},
    field::{FieldDef, Reader},
    lines::LineSets,
    value::AnyRef,
};

/// A Rust struct whose fields are known to the registry.
pub trait Fields: Sized + 'static {
    /// The fields, in the order of the cells.
    fn fields() -> &'static [FieldDef];
    /// Reads the struct from cells.
    ///
    /// # Errors
    /// Internal, where the cells do not fit.
    fn read(reader: &mut Reader<'_>) -> Result<Self>;
    /// Writes the struct into cells.
    fn write(&self, cells: &mut Vec<Value>);
}

impl Fields for () {
    fn fields() -> &'static [FieldDef] {
        &[]
    }
    fn read(_: &mut Reader<'_>) -> Result<Self> {
        Ok(())
    }
    fn write(&self, _: &mut Vec<Value>) {}
}

/// Lines that belong to a record and live and die with it.
#[derive(Clone, Copy, Debug)]
pub struct LinesDef {
    /// Name in the record's JSON.
    pub name: &'static str,
    /// Entity of the lines.
    pub entity: &'static str,
    /// Field of the line that names its owner.
    pub by: &'static str,
}

/// A many-to-many relation, kept in the table `ENTITY_NAME`.
#[derive(Clone, Copy, Debug)]
pub struct ManyDef {
    /// Name in the record's JSON.
    pub name: &'static str,
    /// The other entity.
    pub to: &'static str,
}

/// An entity, declared once.
#[derive(Clone, Copy, Debug)]
pub struct EntityDef {
    /// `module.entity`.
    pub name: &'static str,
    /// English label; made from the name where empty.
    pub label: &'static str,
    /// English plural; made from the label where empty.
    pub plural: &'static str,
    /// English help: the doc comment.
    pub help: &'static str,
    /// Its fields.
    pub fields: &'static [FieldDef],
    /// Field that names a record to people.
    pub title: &'static str,
    /// Field that says where a record stands.
    pub status: &'static str,
    /// Field that names the owner, for lines.
    pub owner: &'static str,
    /// Lines of its own.
    pub lines: &'static [LinesDef],
    /// Many-to-many relations.
    pub many: &'static [ManyDef],
    /// Rows are written once and never changed; no generic surface writes them.
    pub append_only: bool,
    /// Written by operations only: no generic create, change or delete.
    pub by_operation: bool,
    /// Kept balances: proved from the lines that they sum, so their changes are not audited one by one.
    pub kept: bool,
    /// Changes seldom and is read all the time: answers about it are shared between transactions.
    pub steady: bool,
    /// One for all companies.
    pub shared: bool,
    /// Roles that may read (space separated; `*` = everybody who is signed in; empty = administrators).
    pub read: &'static str,
    /// Roles that may create and change.
    pub write: &'static str,
    /// Roles that may delete or archive; as `write` where empty.
    pub delete: &'static str,
    /// Fields that are unique together, within a company.
    pub uniques: &'static [&'static [&'static str]],
    /// Further indexes.
    pub indexes: &'static [&'static [&'static str]],
    /// Conditions over several fields, also asserted in the database.
    pub checks: &'static [&'static str],
    /// Condition over the stored row under which the database refuses every change of the fields in `frozen` …
    pub frozen_when: &'static str,
    /// Area of the navigation; none where empty.
    pub area: &'static str,
}

impl EntityDef {
    /// An entity with nothing set.
    pub const BASE: Self = Self {
        name: "",
        label: "",
        plural: "",
        help: "",
        fields: &[],
        title: "",
        status: "",
        owner: "",
        lines: &[],
        many: &[],
        append_only: false,
        by_operation: false,
        kept: false,
        steady: false,
        shared: false,
        read: "",
        write: "",
        delete: "",
        uniques: &[],
        indexes: &[],
        checks: &[],
        frozen_when: "",
        area: "",
    };
    /// Name of its table: `sales.order` → `sales_order`.
    pub fn table(&self) -> String {
        self.name.replace('.', "_")
    }
}

/// An entity as a Rust type.
pub trait Entity: Fields {
    /// `module.entity`.
    const NAME: &'static str;
    /// The declaration.
    fn def() -> &'static EntityDef;
}

/// Rules of an entity that hold for every surface: forms, API, import, bulk, automation and typed code alike.
#[allow(unused_variables)]
pub trait Rules: Entity {
    /// Runs before a record is written: may refuse, fill in and correct. `old` is what was stored.
    ///
    /// # Errors
    /// What the rule refuses.
    fn check(old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        Ok(())
    }
    /// Computes what follows from the record and its lines (nets, totals, defaults that depend on both). Runs on every
    /// generic write, on every draft, and on `cx.recompute`.
    ///
    /// # Errors
    /// What the rule refuses.
    fn compute(record: &mut Self, lines: &mut LineSets, cx: &mut Cx<'_>) -> Result<()> {
        Ok(())
    }
    /// A legal number was drawn for this record: for what follows from it, such as a variable symbol.
    fn numbered(record: &mut Self, field: &str, number: &str) {}
}

/// The non-generic face of an entity's rules.
#[derive(Clone, Copy)]
pub struct EntityEntry {
    /// The declaration.
    pub def: fn() -> &'static EntityDef,
    /// [`Rules::check`] over cells.
    pub check: CheckFn,
    /// [`Rules::compute`] over cells.
    pub compute: ComputeFn,
    /// [`Rules::numbered`] over cells.
    pub numbered: fn(&mut Vec<Value>, &str, &str) -> Result<()>,
}
/// See [`EntityEntry::check`]: what was stored, what is to be, lenient (a draft).
pub type CheckFn = fn(Option<&[Value]>, &mut Vec<Value>, bool, &mut Cx<'_>) -> Result<()>;
/// See [`EntityEntry::compute`].
pub type ComputeFn = fn(&mut Vec<Value>, &mut LineSets, bool, &mut Cx<'_>) -> Result<()>;

fn reader(cells: &[Value], lenient: bool) -> Reader<'_> {
    if lenient { Reader::lenient(cells) } else { Reader::new(cells) }
}

/// Writes a typed record back over its cells; custom fields behind them stay.
pub(crate) fn put_back<T: Fields>(record: &T, cells: &mut Vec<Value>) {
    let mut written = Vec::with_capacity(cells.len());
    record.write(&mut written);
    let rest = cells.split_off(written.len().min(cells.len()));
    *cells = written;
    cells.extend(rest);
}

/// Registers an entity.
pub const fn entity<T: Rules>() -> EntityEntry {
    EntityEntry {
        def: T::def,
        check: |old, new, lenient, cx| {
            let old = old.map(|cells| T::read(&mut reader(cells, true))).transpose()?;
            let mut record = T::read(&mut reader(new, lenient))?;
            T::check(old.as_ref(), &mut record, cx)?;
            put_back(&record, new);
            Ok(())
        },
        compute: |cells, lines, lenient, cx| {
            let mut record = T::read(&mut reader(cells, lenient))?;
            T::compute(&mut record, lines, cx)?;
            put_back(&record, cells);
            Ok(())
        },
        numbered: |cells, field, number| {
            let mut record = T::read(&mut reader(cells, false))?;
            T::numbered(&mut record, field, number);
            put_back(&record, cells);
            Ok(())
        },
    }
}

/// An operation, declared once.
#[derive(Clone, Copy, Debug)]
pub struct OpDef {
    /// `module.entity.verb`.
    pub name: &'static str,
    /// English label; made from the name where empty.
    pub label: &'static str,
    /// English help: the doc comment.
    pub help: &'static str,
    /// Fields of the input.
    pub input: fn() -> &'static [FieldDef],
    /// Fields of the output.
    pub output: fn() -> &'static [FieldDef],
    /// Entity that it works on; empty for none.
    pub on: &'static str,
    /// Field of the input that names the record.
    pub target: &'static str,
    /// States of the record in which it may run; any where empty.
    pub when: &'static [&'static str],
    /// State in which it leaves the record as a rule: a board calls it for a card dragged there. Empty for none.
    pub makes: &'static str,
    /// Roles that may call it (space separated; `*` = everybody who is signed in; empty = administrators and the system).
    pub allow: &'static str,
    /// 1 = primary button of the form, 2 = a further one, 0 = not on the form.
    pub button: u8,
    /// Runs on a snapshot, never on the writer.
    pub read: bool,
    /// Rights are checked even when another operation calls it.
    pub always_check: bool,
    /// Only a person may call it, never a process, rule or webhook.
    pub person_only: bool,
    /// The operation that undoes it.
    pub inverse: &'static str,
    /// Why nothing undoes it, where it moves value.
    pub no_inverse: &'static str,
    /// Screens ask before doing it.
    pub dangerous: bool,
    /// The output is a file: fields `name`, `media_type`, `content` (base64).
    pub file: bool,
    /// Anybody may call it without signing in (web forms); it throttles and checks for itself.
    pub public: bool,
    /// Area of the navigation in which screens show the answer of a read operation as a page; none where empty.
    pub area: &'static str,
}

impl OpDef {
    /// An operation with nothing set.
    pub const BASE: Self = Self {
        name: "",
        label: "",
        help: "",
        input: no_fields,
        output: no_fields,
        on: "",
        target: "",
        when: &[],
        makes: "",
        allow: "",
        button: 0,
        read: false,
        always_check: false,
        person_only: false,
        inverse: "",
        no_inverse: "",
        dangerous: false,
        file: false,
        public: false,
        area: "",
    };
}

fn no_fields() -> &'static [FieldDef] {
    &[]
}

/// An operation's input as a Rust type.
pub trait Operation: Fields {
    /// Name, see [`OpDef::name`].
    const NAME: &'static str;
    /// The declaration without the output.
    const DEF: OpDef;
    /// The record that it works on; 0 for none.
    fn target_id(&self) -> i64;
}

/// What can name a record that an operation works on.
pub trait Target {
    /// The record; 0 for none.
    fn target_id(&self) -> i64;
}
impl<T> Target for crate::value::Id<T> {
    fn target_id(&self) -> i64 {
        self.raw()
    }
}
impl<T> Target for Option<crate::value::Id<T>> {
    fn target_id(&self) -> i64 {
        self.map_or(0, crate::value::Id::raw)
    }
}

/// What an operation does: a plain synchronous function over a transaction.
#[allow(unused_variables)]
pub trait Run: Operation {
    /// What it answers.
    type Output: Fields;
    /// Does it.
    ///
    /// # Errors
    /// What is refused; then nothing of it happened.
    fn run(self, cx: &mut Cx<'_>) -> Result<Self::Output>;
    /// Says whether it could run, without writing: shown before the click, and asked again before [`Run::run`].
    ///
    /// # Errors
    /// Why not.
    fn guard(&self, cx: &mut Cx<'_>) -> Result<()> {
        Ok(())
    }
    /// The input that a dialog starts with for this record.
    ///
    /// # Errors
    /// As reading does.
    fn prefill(target: i64, cx: &mut Cx<'_>) -> Result<Option<Self>> {
        Ok(None)
    }
}

/// The non-generic face of an operation.
#[derive(Clone, Copy)]
pub struct OpEntry {
    /// The declaration.
    pub def: fn() -> &'static OpDef,
    /// Runs it over cells.
    pub run: fn(&[Value], &mut Cx<'_>) -> Result<Vec<Value>>,
    /// Asks its guard over cells; missing values are taken for zero.
    pub guard: fn(&[Value], &mut Cx<'_>) -> Result<()>,
    /// See [`Run::prefill`].
    pub prefill: fn(i64, &mut Cx<'_>) -> Result<Option<Vec<Value>>>,
}

trait Declared {
    const DEF: &'static OpDef;
}
struct Of<T>(std::marker::PhantomData<T>);
impl<T: Run> Declared for Of<T> {
    const DEF: &'static OpDef = &OpDef { output: <T::Output as Fields>::fields, input: T::fields, ..T::DEF };
}

/// Registers an operation.
pub const fn op<T: Run>() -> OpEntry {
    OpEntry {
        def: || Of::<T>::DEF,
        run: |cells, cx| {
            let input = T::read(&mut Reader::new(cells))?;
            input.guard(cx)?;
            let output = input.run(cx)?;
            let mut cells = Vec::new();
            output.write(&mut cells);
            Ok(cells)
        },
        guard: |cells, cx| T::read(&mut Reader::lenient(cells))?.guard(cx),
        prefill: |target, cx| {
            Ok(T::prefill(target, cx)?.map(|input| {
                let mut cells = Vec::new();
                input.write(&mut cells);
                cells
            }))
        },
    }
}

/// An event, declared once.
#[derive(Clone, Copy, Debug)]
pub struct EventDef {
    /// `module.entity.past_tense`.
    pub name: &'static str,
    /// English help: the doc comment.
    pub help: &'static str,
    /// Fields of the payload.
    pub fields: fn() -> &'static [FieldDef],
    /// Field that names the record that it is about.
    pub subject: &'static str,
}

/// An event as a Rust type.
pub trait Event: Fields {
    /// Name, see [`EventDef::name`].
    const NAME: &'static str;
    /// The declaration.
    const DEF: EventDef;
}

struct EventOf<T>(std::marker::PhantomData<T>);
impl<T: Event> EventOf<T> {
    const DEF: &'static EventDef = &T::DEF;
}

/// Registers an event.
pub const fn event<T: Event>() -> &'static EventDef {
    EventOf::<T>::DEF
}

/// An event that happened, as listeners see it.
#[derive(Clone, Debug)]
pub struct Happened {
    /// The declaration.
    pub def: &'static EventDef,
    /// The payload.
    pub cells: Vec<Value>,
    /// The record that it is about.
    pub subject: Option<AnyRef>,
}

/// Listens to events inside the transaction: after the operation that emitted them, before the commit.
#[derive(Clone, Copy)]
pub struct Listener {
    /// Name of the event; `*` for every event.
    pub event: &'static str,
    /// What to do.
    pub run: fn(&Happened, &mut Cx<'_>) -> Result<()>,
}

/// Listens to one event with a typed function: `on!(DeliveryShipped, count_delivered)`.
#[macro_export]
macro_rules! on {
    ($event:ty, $handler:path) => {
        $crate::Listener {
            event: <$event as $crate::Event>::NAME,
            run: |happened, cx| {
                $handler(&<$event as $crate::Fields>::read(&mut $crate::Reader::new(&happened.cells))?, cx)
            },
        }
    };
}

/// Offers help for a refusal: asked for actions that this user may call.
#[derive(Clone, Copy)]
pub struct Remedy {
    /// Code of the error.
    pub code: &'static str,
    /// Finds actions; those whose operation the user may not call are left out by the kernel.
    pub offer: fn(&Error, &mut Cx<'_>) -> Result<Vec<Action>>,
}

/// An operation that succeeded, as [`Module::after`] hooks see it.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// The operation.
    pub op: &'static OpDef,
    /// The record that it worked on.
    pub target: Option<AnyRef>,
}

/// A breach that a check found.
#[derive(Clone, Debug)]
pub struct Breach {
    /// What does not hold, in English.
    pub message: String,
    /// The rows that show it.
    pub rows: Vec<String>,
}

/// Proves an invariant from the raw tables.
#[derive(Clone, Copy)]
pub struct Check {
    /// Short name, such as `finance.balanced`.
    pub name: &'static str,
    /// Number of the invariant in DESIGN section 5.
    pub invariant: u8,
    /// Finds the first breaches; empty when it holds.
    pub run: fn(&mut Cx<'_>, full: bool) -> Result<Vec<Breach>>,
}

/// Work that runs outside requests.
#[derive(Clone, Copy)]
pub struct Job {
    /// Name of its queue entry, such as `process.timers`.
    pub name: &'static str,
    /// Seconds between runs of a recurring job; 0 for jobs that are only queued.
    pub every: u32,
    /// Does a chunk of it in one transaction; true when more is to do at once.
    pub run: fn(&crate::field::Json, &mut Cx<'_>) -> Result<bool>,
}

/// A module: everything that it owns, readable as a table of contents.
pub struct Module {
    /// Name; the first part of the names of all that it owns.
    pub name: &'static str,
    /// Entities.
    pub entities: &'static [EntityEntry],
    /// Operations.
    pub operations: &'static [OpEntry],
    /// Events.
    pub events: &'static [&'static EventDef],
    /// Listeners.
    pub listens: &'static [Listener],
    /// Hooks after every operation that succeeded, through whatever door.
    pub after: &'static [fn(&Done, &mut Cx<'_>) -> Result<()>],
    /// Help for refusals.
    pub remedies: &'static [Remedy],
    /// Invariants that it proves.
    pub checks: &'static [Check],
    /// What of its records uses fields and entities that were defined at run time.
    pub uses: &'static [crate::defined::Uses],
    /// Web sites that may call its public operations; none but our own where an operation is not listed.
    pub guests: &'static [crate::guests::Guests],
    /// Jobs.
    pub jobs: &'static [Job],
    /// Jobs that are run at hours of the clock.
    pub schedules: &'static [crate::schedule::Plan],
    /// Figures that its operator watches.
    pub gauges: &'static [crate::slow::Gauge],
    /// Codes of errors that it makes; each has a message in every catalogue.
    pub errors: &'static [&'static str],
    /// Catalogues: language code and TOML text.
    pub catalogues: &'static [(&'static str, &'static str)],
    /// View files: entity and TOML text of `ENTITY.view.toml`.
    pub views: &'static [(&'static str, &'static str)],
    /// Panels on other modules' entities: entity and TOML text of `ENTITY.extends.toml`.
    pub extends: &'static [(&'static str, &'static str)],
    /// Users and sessions, where the module owns them.
    pub directory: Option<&'static dyn crate::ask::Directory>,
    /// What a step of a process is called, where the module owns processes.
    pub steps: Option<crate::history::StepNames>,
    /// Runs once when a company is created: series, accounts and the like.
    pub found: &'static [fn(&mut Cx<'_>) -> Result<()>],
}

impl Module {
    /// A module that owns nothing.
    pub const BASE: Self = Self {
        name: "",
        entities: &[],
        operations: &[],
        events: &[],
        listens: &[],
        after: &[],
        remedies: &[],
        checks: &[],
        uses: &[],
        guests: &[],
        jobs: &[],
        schedules: &[],
        gauges: &[],
        errors: &[],
        catalogues: &[],
        views: &[],
        extends: &[],
        directory: None,
        steps: None,
        found: &[],
    };
}
