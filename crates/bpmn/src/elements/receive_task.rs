//! Receive tasks: a message, or without one whatever [`crate::Event::Trigger`] says.

use super::catch_event::CatchTrigger;
use super::{Fault, Next};
use crate::model::{Element, Kind, Mapping, MessageSpec};
use crate::parse::Reading;
use crate::run::Run;
use crate::state::{TokenId, Wait};
use crate::xml::Node;

/// Waits for a message.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiveTask {
    /// The message, if it names one.
    pub message: Option<MessageSpec>,
    /// True where its message starts an instance.
    pub instantiate: bool,
    /// From the payload to variables.
    pub outputs: Vec<Mapping>,
}

pub(super) fn parse(node: &Node, reading: &mut Reading) -> Kind {
    let message = node.attr("messageRef").is_some().then(|| reading.message(node, node)).flatten();
    let outputs = reading.outputs(node);
    Kind::Receive(Box::new(ReceiveTask { message, instantiate: node.attr("instantiate") == Some("true"), outputs }))
}

pub(super) fn run(task: &ReceiveTask, run: &Run<'_>, token: TokenId, element: &Element) -> Result<Next, Fault> {
    let listens = match &task.message {
        Some(message) => {
            vec![(element.id.clone(), run.trigger(token, &CatchTrigger::Message(message.clone()))?)]
        }
        None => Vec::new(),
    };
    Ok(Next::Wait { wait: Wait::Event, listens, effects: Vec::new() })
}
