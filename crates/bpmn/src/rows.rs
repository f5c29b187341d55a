//! The rows of an instance: what is stored.

use crate::state::{ListenId, ScopeId, TokenId, VariableId};
use crate::timer::Due;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// How an instance ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum Ended {
    /// Every path came to its end.
    Completed,
    /// A terminate end event was reached.
    Terminated,
    /// An error end event was reached that nothing caught.
    Failed {
        /// The code of the error.
        code: String,
    },
    /// It was cancelled from outside.
    Cancelled {
        /// Why, as given.
        reason: String,
    },
}

/// The one row of the instance itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// The last id that was given out.
    pub last_id: i64,
    /// Elements entered since something from outside came in; the guard against endless loops.
    pub run: u32,
    /// Elements entered in all.
    pub steps: i64,
    /// True once a start event came in.
    pub started: bool,
    /// How it ended, where it has.
    pub ended: Option<Ended>,
    /// Bytes of all variables.
    pub bytes: usize,
}

/// The process itself or one run of a sub-process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    /// Its id.
    pub id: ScopeId,
    /// The scope around, none for the process itself.
    pub parent: Option<ScopeId>,
    /// The token that waits on it in the scope around.
    pub token: Option<TokenId>,
    /// Id of the process or of the sub-process.
    pub element: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "ScopeKind::is_body")]
    pub kind: ScopeKind,
    /// Timers and subscriptions of its event sub-processes; their holder is the scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listens: Vec<Listen>,
    /// What was done in it and can be compensated, in the order of completion.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub completed: Vec<Completed>,
    /// By complex gateway that has fired: the flows whose tokens of this round have come.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fired: BTreeMap<String, Vec<String>>,
}

/// What a scope is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    /// The process or the inside of a sub-process.
    #[default]
    Body,
    /// The rounds of a loop or the items of a multi-instance activity.
    Rounds(Rounds),
    /// Compensation under way, with what still has to be undone.
    Undo(Vec<Completed>),
}

impl ScopeKind {
    fn is_body(&self) -> bool {
        *self == Self::Body
    }
}

/// How far a loop or multi-instance activity has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rounds {
    /// Rounds begun.
    pub begun: u32,
    /// Rounds done.
    pub done: u32,
    /// Rounds in all, none for a loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
    /// One after the other.
    pub sequential: bool,
    /// The counters as variables.
    pub counters: Map<String, Json>,
    /// Results for the output collection, by round.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<Json>,
}

/// An activity that was done and can be compensated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Completed {
    /// Its id.
    pub element: String,
    /// The variables of its own that it had.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub local: Map<String, Json>,
    /// For a sub-process: what was done in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inner: Vec<Completed>,
}

/// One visit of one element.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// The scope it is in.
    pub scope: ScopeId,
    /// Id of the element it is at.
    pub element: String,
    /// Id of the flow it came by, where it came by one.
    pub via: Option<String>,
    /// What it waits for; none while it still has to act.
    pub wait: Option<Wait>,
    /// Timers and subscriptions that it has: its own and those of boundary events on its element.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listens: Vec<Listen>,
    /// Variables of this visit alone: the item and number of a round, inputs of the activity.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub local: Map<String, Json>,
}

/// What a token waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "for")]
pub enum Wait {
    /// A person does a task.
    Task,
    /// An operation answers.
    Operation,
    /// One of its own timers or messages (see [`Token::listens`]) comes.
    Event,
    /// A sub-process ends.
    Scope {
        /// The scope of that run.
        scope: ScopeId,
    },
    /// The other flows into a joining gateway come.
    Join,
    /// Somebody repairs what went wrong and retries.
    Incident {
        /// Stable code, such as `feel` or `no_flow`.
        code: String,
        /// What went wrong, in English or as the operation said it.
        message: String,
        /// Where a retry goes on.
        resume: Resume,
    },
}

/// Where a token goes on after its incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "at")]
pub enum Resume {
    /// The element is run again.
    Activate {
        /// True where its boundary events are already listening.
        armed: bool,
    },
    /// The work is done; only its result has to be mapped again.
    Output {
        /// The result.
        output: Json,
    },
    /// The work is done and mapped; only the flows out have to be chosen again.
    Leave,
}

/// A timer or a message subscription of a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listen {
    /// Its id, a new one for every arming.
    pub id: ListenId,
    /// Id of the event: the token's own element, a boundary event on it, or an event behind its gateway.
    pub element: String,
    /// What is listened for.
    pub to: Trigger,
}

/// What is listened for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Trigger {
    /// A moment.
    Timer {
        /// When.
        due: Due,
        /// For a cycle: its text, for the next arming.
        every: Option<String>,
        /// For a cycle: firings left after this one, none without end.
        left: Option<u32>,
    },
    /// A message.
    Message {
        /// Its name.
        name: String,
        /// Its key; none means the subject of the instance.
        key: Option<String>,
    },
    /// A signal of that name.
    Signal {
        /// Its name.
        name: String,
    },
    /// A condition, looked at whenever variables have changed.
    Condition {
        /// True while it holds and has been answered: it fires when it becomes true.
        held: bool,
    },
}

/// A variable of a scope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    /// Its id.
    pub id: VariableId,
    /// The scope it belongs to.
    pub scope: ScopeId,
    /// Its name, unique in the scope.
    pub name: String,
    /// Its value.
    pub value: Json,
}
