//! Processes in the house: definitions, running instances, the inbox. The engine itself is the library `bpmn`; here its state
//! becomes rows, its effects become tasks, calls, timers and waits, all in the transaction of whoever moves it.

mod check;
mod definition;
mod due;
mod form;
mod inbox;
mod incident;
mod instance;
mod letter;
mod overdue;
mod substitution;
mod task;
mod timer;
mod todo;

use kernel::{Job, Listener, Module, entity, event, on, op};

pub use definition::{Definition, Deploy, Deployed, deploy};
pub use inbox::{Inbox, InboxTasks, Show, Shown};
pub use incident::{Incident, Retry, Skip, Solution};
pub use instance::{Instance, InstanceState, Scope, Step, Subscription, Timer, Token, Variable};
pub use substitution::{EndSubstitution, HandOver, HandedOver, Substitution, SubstitutionState};
pub use task::{AddTask, CancelInstance, Claim, Complete, Delegate, Release, Task, TaskAdded, TaskKind, TaskState};
pub use todo::{TodoDone, cancel_todo, cancel_todos, instruct, step_name};

/// What the module owns.
pub static MODULE: Module = Module {
    name: "process",
    entities: &[
        entity::<Definition>(),
        entity::<Instance>(),
        entity::<Scope>(),
        entity::<Token>(),
        entity::<Variable>(),
        entity::<Subscription>(),
        entity::<Timer>(),
        entity::<Incident>(),
        entity::<Step>(),
        entity::<Task>(),
        entity::<Substitution>(),
    ],
    operations: &[
        op::<Deploy>(),
        op::<AddTask>(),
        op::<Claim>(),
        op::<Release>(),
        op::<Delegate>(),
        op::<HandOver>(),
        op::<Complete>(),
        op::<Show>(),
        op::<Inbox>(),
        op::<EndSubstitution>(),
        op::<Retry>(),
        op::<Skip>(),
        op::<CancelInstance>(),
    ],
    events: &[event::<TodoDone>()],
    listens: &[
        Listener { event: "*", run: instance::hear },
        on!(people::AbsenceChanged, substitution::absence_changed),
        on!(kernel::LetterFailed, letter::failed),
    ],
    after: &[task::bound],
    steps: Some(definition::step_name),
    uses: &[definition::that_use],
    checks: check::CHECKS,
    gauges: &[kernel::Gauge {
        name: "celek_process_incidents",
        help: "Steps of processes that went wrong and wait for a person.",
        value: |cx| {
            let text = "SELECT COUNT(*) FROM (SELECT 1 FROM process_incident WHERE solved IS NULL LIMIT 100000) n";
            Ok(cx.conn().int(text, &[])?.unwrap_or(0))
        },
    }],
    jobs: &[
        Job { name: "process.timers", every: 2, run: timer::fire },
        Job { name: "process.continue", every: 0, run: timer::go_on },
        Job { name: "process.overdue", every: 60, run: overdue::tell },
        Job { name: "process.substitutions", every: 60, run: substitution::turn },
    ],
    errors: &[
        "process.no_colleague",
        "process.no_operation",
        "process.no_right",
        "process.no_role",
        "process.no_such_role",
        "process.nobody",
        "process.not_executable",
        "process.solved",
        "process.step",
        "process.task_closed",
        "process.task_taken",
        "process.to_oneself",
        "process.until_past",
    ],
    catalogues: &[("en", include_str!("../i18n/en.toml")), ("cs", include_str!("../i18n/cs.toml"))],
    views: &[
        ("process.definition", include_str!("definition.view.toml")),
        ("process.instance", include_str!("instance.view.toml")),
        ("process.incident", include_str!("incident.view.toml")),
        ("process.task", include_str!("task.view.toml")),
        ("process.substitution", include_str!("substitution.view.toml")),
    ],
    ..Module::BASE
};
