//! A letter that was given up waits for a person: an address to correct, a customer to call.

use kernel::{Cx, LetterFailed, LongText, Operation, Result, RetryLetter};

use crate::task::AddTask;

/// Gives the management a task for a letter that did not arrive; it is done when the letter is sent again.
pub(crate) fn failed(event: &LetterFailed, cx: &mut Cx<'_>) -> Result<()> {
    let letter = cx.get(event.letter)?;
    cx.call(AddTask {
        kind: None,
        title: format!("Letter not delivered: {}", letter.subject),
        title_cs: Some(format!("Dopis nedoručen: {}", letter.subject)),
        instruction: Some(LongText(format!("{}\n\n{}", letter.recipient, event.reason))),
        subject: Some(event.letter.into()),
        party: None,
        role: Some("manager".to_owned()),
        assignee: None,
        due: None,
        operation: Some(RetryLetter::NAME.to_owned()),
    })?;
    Ok(())
}
