//! Processes in the house: definitions, running instances, the inbox. The engine itself is the library `bpmn`; here its state
//! becomes rows, its effects become tasks, calls, timers and waits, all in the transaction of whoever moves it.

mod check;
mod definition;
mod inbox;
mod instance;
mod task;

use kernel::{Job, Listener, Module, entity, op};

pub use definition::{Definition, Deploy, Deployed, deploy};
pub use inbox::{Inbox, InboxTasks, Show, Shown};
pub use instance::{Incident, Instance, InstanceState, Scope, Step, Subscription, Timer, Token, Variable};
pub use task::{
    AddTask, CancelInstance, Claim, Complete, Delegate, HandOver, HandedOver, Release, Retry, Task, TaskAdded,
    TaskKind, TaskState,
};

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
        op::<Retry>(),
        op::<CancelInstance>(),
    ],
    listens: &[Listener { event: "*", run: instance::hear }],
    after: &[task::bound],
    checks: check::CHECKS,
    jobs: &[
        Job { name: "process.timers", every: 2, run: instance::fire },
        Job { name: "process.continue", every: 0, run: instance::go_on },
        Job { name: "process.overdue", every: 60, run: task::overdue },
    ],
    errors: &[
        "process.no_operation",
        "process.no_role",
        "process.not_executable",
        "process.solved",
        "process.step",
        "process.task_closed",
    ],
    catalogues: &[("en", include_str!("../i18n/en.toml")), ("cs", include_str!("../i18n/cs.toml"))],
    views: &[
        ("process.definition", include_str!("definition.view.toml")),
        ("process.instance", include_str!("instance.view.toml")),
        ("process.incident", include_str!("incident.view.toml")),
    ],
    ..Module::BASE
};
