//! Steps that are overdue: the manager of who has one is told, once, in the inbox and by letter.

use jiff::{SignedDuration, Timestamp};
use kernel::{Arg, Cx, Error, Id, Json, Letter, Rec, Result, Value};
use platform::User;

use crate::task::{AddTask, Task};

/// Steps told about in one transaction.
const BATCH: usize = 20;
/// Hours in which the manager should have looked.
const LOOK: i64 = 24;

/// Tells the managers of steps that are overdue, once each; true when more are left.
pub(crate) fn tell(_: &Json, cx: &mut Cx<'_>) -> Result<bool> {
    let now = cx.now();
    let company = cx.company().id;
    let rows = cx.conn().rows(
        "SELECT id FROM process_task WHERE company = ? AND state IN ('open', 'claimed') AND kind = 'step' AND due < ? \
         AND escalated IS NULL ORDER BY due, id LIMIT ?",
        &[Value::Int(company), Value::Int(now.as_microsecond()), Value::Int(BATCH as i64 + 1)],
    )?;
    for row in rows.iter().take(BATCH) {
        let mut task = cx.get(Id::<Task>::new(row.first().and_then(Value::as_int).unwrap_or(0)))?;
        escalate(cx, &mut task, now)?;
    }
    Ok(rows.len() > BATCH)
}

fn escalate(cx: &mut Cx<'_>, task: &mut Rec<Task>, now: Timestamp) -> Result<()> {
    task.escalated = Some(now);
    cx.save(task)?;
    // Who stands in is told about by their own manager: it is on their desk.
    let manager = match task.assignee {
        Some(owner) => people::manager_of(cx, owner)?,
        None => None,
    };
    let manager = manager.filter(|manager| cx.get(*manager).is_ok_and(|user| user.active && !user.archived));
    let due = now.checked_add(SignedDuration::from_hours(LOOK)).map_err(|e| Error::internal(e.to_string()))?;
    let told = cx.call(AddTask {
        kind: None,
        title: format!("Overdue: {}", task.title),
        title_cs: Some(format!("Po termínu: {}", task.title_cs.as_deref().unwrap_or(&task.title))),
        instruction: None,
        subject: Some(task.id.into()),
        party: task.party,
        role: manager.is_none().then(|| "manager".to_owned()),
        assignee: manager,
        due: Some(due),
        operation: None,
    })?;
    // Where the manager is away, it went to who stands in.
    let readers = match cx.get(told.task)?.assignee {
        Some(reader) => vec![reader],
        None => platform::users_in_role(cx, "manager")?,
    };
    for reader in readers {
        write(cx, task, reader)?;
    }
    Ok(())
}

/// Writes to somebody who has an address, in their language.
fn write(cx: &mut Cx<'_>, task: &Rec<Task>, reader: Id<User>) -> Result<()> {
    let reader = cx.get(reader)?;
    let Some(email) = reader.email.clone() else { return Ok(()) };
    let language = kernel::Language::parse(&reader.language.0).unwrap_or_default();
    let title = match language {
        kernel::Language::Cs => task.title_cs.as_deref().unwrap_or(&task.title),
        kernel::Language::En => &task.title,
    };
    let zone = cx.company().time_zone.clone();
    let due = task.due.unwrap_or_else(|| cx.now()).to_zoned_datetime(zone).date();
    let owner = match (task.assignee, &task.role) {
        (Some(owner), _) => cx.get(owner)?.name.clone(),
        (None, Some(role)) => {
            let labels = platform::role_labels(cx, language)?;
            labels.into_iter().find(|(code, _)| code == role).map_or_else(|| role.clone(), |(_, label)| label)
        }
        (None, None) => "-".to_owned(),
    };
    let about = match task.party {
        Some(party) => cx.get(party)?.name.clone(),
        None => "-".to_owned(),
    };
    let args: [(&str, Arg); 4] = [
        ("title", Arg::from(title)),
        ("due", Arg::from(due)),
        ("owner", Arg::from(owner)),
        ("party", Arg::from(about)),
    ];
    let schema = cx.schema().clone();
    cx.send(Letter {
        to: email.0,
        subject: schema.message(language, "process.task.late_subject", &args),
        body: schema.message(language, "process.task.late_text", &args),
        attachments: Vec::new(),
        source: Some(task.id.into()),
    })?;
    Ok(())
}
