//! What comes in and what goes out of a step.

use crate::feel::Clock;
use crate::model::{Field, Texts};
use crate::state::{Ended, ListenId, ScopeId, TokenId};
use crate::timer::Due;
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// Elements that one step enters before it asks to be continued.
pub const BUDGET: u32 = 50;
/// Elements that a run enters without anything coming from outside before it becomes an incident.
pub const MAX_RUN: u32 = 10_000;
/// Most tokens of one instance.
pub const MAX_TOKENS: usize = 20_000;

/// What a step knows of the world.
#[derive(Clone, Debug)]
pub struct Context {
    /// The time.
    pub clock: Clock,
    /// Elements that this step may enter. Where answers of operations are fed back in one transaction, the caller gives
    /// what is left of its budget ([`crate::Instance::steps`] tells what was used).
    pub budget: u32,
    /// Elements that a run may enter without anything from outside.
    pub max_run: u32,
}

impl Context {
    /// The time in UTC with the usual limits.
    pub fn new(now: Timestamp) -> Self {
        Self::in_zone(now, TimeZone::UTC)
    }
    /// The time in a zone with the usual limits.
    pub fn in_zone(now: Timestamp, zone: TimeZone) -> Self {
        Self { clock: Clock { now, zone }, budget: BUDGET, max_run: MAX_RUN }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// The instance starts.
    Start {
        /// The start event, else the one without a trigger.
        element: Option<String>,
        /// First variables.
        variables: Map<String, Json>,
        /// What came with the message, for the mappings of a message start event.
        payload: Json,
    },
    /// A person did a task.
    TaskDone {
        /// The token of the task.
        token: TokenId,
        /// What the form gave: variables, or the source of the task's output mappings.
        outputs: Map<String, Json>,
    },
    /// An operation answered.
    OperationDone {
        /// The token of the call.
        token: TokenId,
        /// The answer, for the output mappings.
        output: Json,
    },
    /// An operation refused or broke.
    OperationFailed {
        /// The token of the call.
        token: TokenId,
        /// Whether the business or the technology said no.
        failure: Failure,
        /// What to tell a person.
        message: String,
    },
    /// A timer's moment has come. The engine does not look at the clock for it.
    TimerFired {
        /// The token that has the timer.
        token: TokenId,
        /// The timer.
        timer: ListenId,
    },
    /// A message came for a subscription.
    MessageArrived {
        /// The token that has the subscription.
        token: TokenId,
        /// The subscription.
        subscription: ListenId,
        /// What came with it, for the output mappings.
        payload: Json,
    },
    /// An incident is tried again.
    Retry {
        /// The token with the incident.
        token: TokenId,
    },
    /// An incident is passed over: the token leaves its element as if the work there were done.
    Skip {
        /// The token with the incident.
        token: TokenId,
    },
    /// Variables are corrected by hand.
    SetVariables {
        /// The scope from where they are seen, none for the process itself.
        scope: Option<ScopeId>,
        /// Names and new values.
        variables: Map<String, Json>,
    },
    /// Somebody outside lets a token go on that waits for an event, such as a receive task without a message.
    Trigger {
        /// The token.
        token: TokenId,
        /// What comes with it, for the output mappings.
        payload: Json,
    },
    /// An activity of an ad-hoc sub-process is begun.
    Activate {
        /// The token of the ad-hoc sub-process.
        token: TokenId,
        /// Id of the activity.
        element: String,
    },
    /// An ad-hoc sub-process is ended.
    CompleteAdHoc {
        /// Its token.
        token: TokenId,
    },
    /// The process that a call activity runs threw an escalation that nothing caught there.
    Escalated {
        /// The token of the call activity.
        token: TokenId,
        /// The code.
        code: String,
    },
    /// The instance is ended from outside.
    Cancel {
        /// Why.
        reason: String,
    },
    /// Goes on after [`Effect::ContinueLater`].
    Continue,
}

/// Why an operation did not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Failure {
    /// The business said no; boundary error events catch it by the code.
    Business {
        /// The code of the error.
        code: String,
    },
    /// Something broke; it becomes an incident.
    Technical,
}

/// What the caller has to do or to write down, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "effect")]
pub enum Effect {
    /// A token entered an element.
    Entered {
        /// The token.
        token: TokenId,
        /// The element's id.
        element: String,
    },
    /// A token left an element, its work done.
    Left {
        /// The token.
        token: TokenId,
        /// The element's id.
        element: String,
    },
    /// A token was taken from an element before its work was done.
    Cancelled {
        /// The token.
        token: TokenId,
        /// The element's id.
        element: String,
    },
    /// A person has something to do; answered by [`Event::TaskDone`].
    TaskCreated(Box<Task>),
    /// A task is no longer to be done.
    TaskCancelled {
        /// The token of the task.
        token: TokenId,
    },
    /// An operation is to be called; answered by [`Event::OperationDone`] or [`Event::OperationFailed`].
    CallOperation {
        /// The token of the call.
        token: TokenId,
        /// The element's id.
        element: String,
        /// Name of the operation.
        operation: String,
        /// Its input, a JSON object.
        input: Json,
        /// True where it joins the transaction of the person's operation: all or nothing.
        atomic: bool,
    },
    /// A decision is to be evaluated; answered by [`Event::OperationDone`] or [`Event::OperationFailed`].
    Decide {
        /// The token of the task.
        token: TokenId,
        /// The element's id.
        element: String,
        /// Id or name of the decision.
        decision: String,
        /// Its input, a JSON object.
        input: Json,
    },
    /// An instance of another process is to run; answered by [`Event::OperationDone`] with its variables, or
    /// [`Event::OperationFailed`] with the code of the error that it ended with.
    CallProcess {
        /// The token of the call activity.
        token: TokenId,
        /// The element's id.
        element: String,
        /// Id of the process.
        process: String,
        /// Its first variables, a JSON object.
        variables: Json,
    },
    /// A message was thrown, to be brought to whoever waits for it.
    MessageSent {
        /// The token that threw it.
        token: TokenId,
        /// The element's id.
        element: String,
        /// Its name.
        name: String,
        /// Its key; none means the subject of the instance.
        key: Option<String>,
        /// What goes with it.
        payload: Json,
    },
    /// A signal was thrown, to be brought to all other instances; in this one it has been heard.
    SignalThrown {
        /// Its name.
        name: String,
        /// What goes with it.
        payload: Json,
    },
    /// An escalation was thrown that nothing in this instance catches.
    EscalationThrown {
        /// Its code.
        code: String,
    },
    /// The answer of an operation, decision or process is no longer wanted.
    OperationCancelled {
        /// The token of the call.
        token: TokenId,
    },
    /// A timer is to be set; answered by [`Event::TimerFired`].
    TimerSet {
        /// The token that has it.
        token: TokenId,
        /// The timer.
        timer: ListenId,
        /// Id of the event.
        element: String,
        /// When it fires.
        due: Due,
    },
    /// A timer is no longer wanted (also after it fired).
    TimerCancelled {
        /// The token that had it.
        token: TokenId,
        /// The timer.
        timer: ListenId,
    },
    /// A message is waited for; answered by [`Event::MessageArrived`].
    Subscribed {
        /// The token that waits.
        token: TokenId,
        /// The subscription.
        subscription: ListenId,
        /// Id of the event.
        element: String,
        /// Name of the message or signal.
        name: String,
        /// Its key; none means the subject of the instance.
        key: Option<String>,
        /// True for a signal.
        signal: bool,
    },
    /// A message is no longer waited for (also after it came).
    Unsubscribed {
        /// The token that waited.
        token: TokenId,
        /// The subscription.
        subscription: ListenId,
    },
    /// A variable got a value.
    VariableSet {
        /// The scope it belongs to.
        scope: ScopeId,
        /// Its name.
        name: String,
        /// Its value.
        value: Json,
    },
    /// A token is parked until somebody retries.
    IncidentRaised {
        /// The token.
        token: TokenId,
        /// The element's id.
        element: String,
        /// Stable code.
        code: String,
        /// What went wrong.
        message: String,
    },
    /// The step's budget is used up: [`Event::Continue`] is to come, in a transaction of its own.
    ContinueLater,
    /// The instance is over; its tokens, timers and subscriptions are gone.
    InstanceEnded(Ended),
}

/// Everything about a task that a person has to do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The token of the task.
    pub token: TokenId,
    /// The element's id.
    pub element: String,
    /// The element's name.
    pub name: String,
    /// Names by language.
    pub names: Texts,
    /// Instructions in Markdown, by language.
    pub instructions: Texts,
    /// True for a manual task: nothing but a tick.
    pub manual: bool,
    /// The operation that completes it, if it is bound to one.
    pub operation: Option<String>,
    /// The variable with the record it is about (the process' own subject where the task names none).
    pub subject: Option<String>,
    /// The value of that variable.
    pub subject_value: Json,
    /// Roles whose people can take it: the task's own, else that of its lane.
    pub roles: Vec<String>,
    /// The person it is given to.
    pub assignee: Option<String>,
    /// When it is due.
    pub due: Option<Due>,
    /// Priority as written, larger is more urgent.
    pub priority: Option<i64>,
    /// Fields of its form.
    pub form: Vec<Field>,
    /// Names of events that also complete it.
    pub completes: Vec<String>,
}

/// Why a step was refused. The state has not changed then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepError {
    /// The instance has ended.
    Ended,
    /// It has not started yet.
    NotStarted,
    /// It has started already.
    AlreadyStarted,
    /// There is no such start event.
    NoStart,
    /// There is no such token (any more).
    NoToken(TokenId),
    /// The token waits for something else.
    NotWaiting(TokenId),
    /// The token has no such timer or subscription (any more).
    NoListen(ListenId),
    /// There is no such scope.
    NoScope(ScopeId),
    /// The process has no element of that id: it is another version.
    NoElement(String),
    /// The element cannot be executed.
    NotExecutable(String),
    /// The activity cannot be begun now.
    NotEnabled(String),
    /// Not a plain variable name.
    Name(String),
    /// A variable, or all together, would be too large.
    TooLarge,
    /// The output mappings could not be evaluated.
    Mapping(String),
}

impl std::fmt::Display for StepError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ended => write!(f, "the instance has ended"),
            Self::NotStarted => write!(f, "the instance has not started"),
            Self::AlreadyStarted => write!(f, "the instance has already started"),
            Self::NoStart => write!(f, "there is no such start event"),
            Self::NoToken(token) => write!(f, "there is no token {token}"),
            Self::NotWaiting(token) => write!(f, "token {token} does not wait for this"),
            Self::NoListen(listen) => write!(f, "there is no timer or subscription {listen}"),
            Self::NoScope(scope) => write!(f, "there is no scope {scope}"),
            Self::NoElement(element) => write!(f, "the process has no element '{element}'"),
            Self::NotExecutable(element) => write!(f, "the element '{element}' cannot be executed"),
            Self::NotEnabled(element) => write!(f, "the activity '{element}' cannot be begun now"),
            Self::Name(name) => write!(f, "'{name}' is no variable name"),
            Self::TooLarge => write!(f, "the variables are too large"),
            Self::Mapping(message) => write!(f, "mapping: {message}"),
        }
    }
}

impl std::error::Error for StepError {}
