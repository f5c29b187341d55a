//! Who does whose tasks: all tasks of a colleague who is away go to a substitute, with those that come meanwhile, and what is
//! not done by then comes back by itself.

use jiff::civil::Date;
use kernel::{Cx, Entity, Error, Fields, Id, Json, Operation, Rec, Result, Run, Value, choice};
use people::{Absence, AbsenceChanged, Employee};
use platform::User;

use crate::task::{Task, colleague};

/// How many substitutes in a row may be away themselves.
const MAX_CHAIN: usize = 10;

choice!(
    /// Where a substitution stands.
    SubstitutionState { Planned = "planned" => "grey", Running = "running" => "blue", Ended = "ended" => "green" }
);

/// Days on which somebody does a colleague's tasks.
#[derive(Entity)]
#[entity(name = "process.substitution", plain, by_operation, title = from, status = state, read = "*", area = "processes",
    indexed(from, state))]
pub struct Substitution {
    /// Who is away.
    pub from: Id<User>,
    /// Who stands in.
    pub to: Id<User>,
    /// First day.
    pub begins: Date,
    /// The day on which the tasks come back.
    pub until: Date,
    /// The absence that it follows; none where the tasks were handed over by hand.
    #[field(indexed)]
    pub absence: Option<Id<Absence>>,
    /// State.
    #[field(indexed, tracked)]
    pub state: SubstitutionState,
}

/// Who does the tasks of a user now; the user, where nobody stands in or each stands in for the other.
fn present(cx: &mut Cx<'_>, user: Id<User>) -> Result<Id<User>> {
    let mut seen = vec![user];
    for _ in 0..MAX_CHAIN {
        let now = seen[seen.len() - 1];
        let key = [("from", now.into()), ("state", SubstitutionState::Running.into())];
        match cx.first::<Substitution>(&key)? {
            None => return Ok(now),
            Some(running) if seen.contains(&running.to) => return Ok(user),
            Some(running) => seen.push(running.to),
        }
    }
    Ok(user)
}

/// Gives a task to a user, or to who stands in for them.
///
/// # Errors
/// As reading does.
pub(crate) fn give(cx: &mut Cx<'_>, task: &mut Task, owner: Id<User>) -> Result<()> {
    let now = present(cx, owner)?;
    task.assignee = Some(now);
    task.stands_for = Some(owner).filter(|owner| *owner != now);
    Ok(())
}

/// Open tasks of a user: those that the user has, and those that another does in the user's place.
fn open_of(cx: &mut Cx<'_>, user: Id<User>) -> Result<Vec<Rec<Task>>> {
    let company = Value::Int(cx.company().id);
    let rows = cx.conn().rows(
        "SELECT id FROM process_task WHERE company = ? AND assignee = ? AND stands_for IS NULL AND state IN ('open', 'claimed') \
         UNION ALL SELECT id FROM process_task WHERE company = ? AND stands_for = ? AND state IN ('open', 'claimed')",
        &[company.clone(), user.into(), company, user.into()],
    )?;
    rows.iter().filter_map(|row| row.first().and_then(Value::as_int)).map(|id| cx.get(Id::new(id))).collect()
}

/// Puts the open tasks of a user, and of all for whom somebody stands in, where they belong now. Answers how many moved.
fn settle(cx: &mut Cx<'_>, user: Id<User>) -> Result<i64> {
    let mut owners = vec![user];
    for running in cx.by::<Substitution>(&[("state", SubstitutionState::Running.into())])? {
        if !owners.contains(&running.from) {
            owners.push(running.from);
        }
    }
    let mut moved = 0;
    for owner in owners {
        for mut task in open_of(cx, owner)? {
            let before = task.assignee;
            give(cx, &mut task, owner)?;
            if task.assignee != before {
                cx.save(&mut task)?;
                moved += 1;
            }
        }
    }
    Ok(moved)
}

/// Begins or ends a substitution where its day has come. Answers how many tasks moved.
fn review(cx: &mut Cx<'_>, substitution: &mut Rec<Substitution>) -> Result<i64> {
    let today = cx.today();
    let state = if substitution.state == SubstitutionState::Ended || today >= substitution.until {
        SubstitutionState::Ended
    } else if today < substitution.begins {
        SubstitutionState::Planned
    } else {
        SubstitutionState::Running
    };
    substitution.state = state;
    cx.save(substitution)?;
    settle(cx, substitution.from)
}

/// The substitution that an absence asks for: both must sign in here.
fn wanted(cx: &mut Cx<'_>, absence: &Rec<Absence>) -> Result<Option<Substitution>> {
    let user_of = |cx: &mut Cx<'_>, employee: Id<Employee>| -> Result<Option<Id<User>>> { Ok(cx.get(employee)?.user) };
    let Some(substitute) = absence.substitute.filter(|_| !absence.archived) else { return Ok(None) };
    let (Some(from), Some(to)) = (user_of(cx, absence.employee)?, user_of(cx, substitute)?) else { return Ok(None) };
    let until = absence.to.tomorrow().map_err(|_| Error::field("to", "date"))?;
    Ok((from != to && until > cx.today()).then_some(Substitution {
        from,
        to,
        begins: absence.from,
        until,
        absence: Some(absence.id),
        state: SubstitutionState::Planned,
    }))
}

/// Brings the substitutions of an employee in line with the employee's absences.
fn follow(cx: &mut Cx<'_>, employee: Id<Employee>) -> Result<()> {
    for absence in cx.by::<Absence>(&[("employee", employee.into())])? {
        let kept = cx.first::<Substitution>(&[("absence", absence.id.into())])?;
        match (kept, wanted(cx, &absence)?) {
            (None, None) => {}
            (None, Some(new)) => {
                let id = cx.insert(new)?;
                let mut new = cx.get(id)?;
                review(cx, &mut new)?;
            }
            (Some(mut kept), Some(new)) => {
                let same = (kept.from, kept.to, kept.begins, kept.until) == (new.from, new.to, new.begins, new.until);
                if !same {
                    let before = kept.from;
                    let value: &mut Substitution = &mut kept;
                    *value = new;
                    review(cx, &mut kept)?;
                    if before != kept.from {
                        settle(cx, before)?;
                    }
                }
            }
            (Some(mut kept), None) if kept.state != SubstitutionState::Ended => end(cx, &mut kept).map(|_| ())?,
            (Some(_), None) => {}
        }
    }
    Ok(())
}

/// Hears that somebody is away, or is back.
pub(crate) fn absence_changed(event: &AbsenceChanged, cx: &mut Cx<'_>) -> Result<()> {
    follow(cx, event.employee)
}

/// Begins and ends what begins and ends today; sees too what changed without a word, such as an absence that was archived.
pub(crate) fn turn(_: &Json, cx: &mut Cx<'_>) -> Result<bool> {
    let today = cx.today();
    let mut standing = cx.by::<Substitution>(&[("state", SubstitutionState::Planned.into())])?;
    standing.extend(cx.by::<Substitution>(&[("state", SubstitutionState::Running.into())])?);
    let mut employees = Vec::new();
    for absence in people::absences_from(cx, today)? {
        employees.push(absence.employee);
    }
    for absence in standing.iter().filter_map(|s| s.absence) {
        employees.push(cx.get(absence)?.employee);
    }
    employees.sort_by_key(|e| e.raw());
    employees.dedup();
    for employee in employees {
        follow(cx, employee)?;
    }
    for substitution in standing {
        let mut substitution = cx.get(substitution.id)?;
        let due = match substitution.state {
            SubstitutionState::Planned => today >= substitution.begins,
            SubstitutionState::Running => today >= substitution.until,
            SubstitutionState::Ended => false,
        };
        if due {
            review(cx, &mut substitution)?;
        }
    }
    Ok(false)
}

fn end(cx: &mut Cx<'_>, substitution: &mut Rec<Substitution>) -> Result<i64> {
    substitution.state = SubstitutionState::Ended;
    cx.save(substitution)?;
    settle(cx, substitution.from)
}

/// Hands all open tasks of a colleague, who is ill, say, to another. With a day, those that come meanwhile follow, and what is
/// not done by then comes back by itself; without, they are the other one's for good. The same call the other way round gives
/// them back at once.
#[derive(Operation)]
#[operation(name = "process.task.hand_over", allow = "manager", button = 2, no_inverse = "Hand them back.")]
pub struct HandOver {
    /// Whose.
    pub from: Id<User>,
    /// To whom.
    pub to: Id<User>,
    /// The day on which they come back.
    pub until: Option<Date>,
}

/// How many.
#[derive(Fields)]
pub struct HandedOver {
    /// How many.
    pub tasks: i64,
}

impl Run for HandOver {
    type Output = HandedOver;
    fn run(self, cx: &mut Cx<'_>) -> Result<HandedOver> {
        colleague(cx, "to", self.to)?;
        if self.from == self.to {
            return Err(Error::field("to", "process.to_oneself"));
        }
        let running = |from: Id<User>| [("from", Value::from(from)), ("state", SubstitutionState::Running.into())];
        let backwards = cx.by::<Substitution>(&running(self.to))?.into_iter().find(|s| s.to == self.from);
        if let Some(mut back) = backwards {
            return Ok(HandedOver { tasks: end(cx, &mut back)? });
        }
        for mut earlier in cx.by::<Substitution>(&running(self.from))? {
            end(cx, &mut earlier)?;
        }
        let mut tasks = 0;
        match self.until {
            Some(until) if until <= cx.today() => return Err(Error::field("until", "process.until_past")),
            Some(until) => {
                let begins = cx.today();
                let (from, to, state) = (self.from, self.to, SubstitutionState::Running);
                let new = cx.insert(Substitution { from, to, begins, until, absence: None, state })?;
                cx.link(new);
                tasks += settle(cx, self.from)?;
            }
            None => {
                for mut task in open_of(cx, self.from)? {
                    give(cx, &mut task, self.to)?;
                    cx.save(&mut task)?;
                    tasks += 1;
                }
            }
        }
        Ok(HandedOver { tasks })
    }
}

/// Ends a substitution early: the tasks that are not done come back at once.
#[derive(Operation)]
#[operation(name = "process.substitution.end", on = Substitution, when = [SubstitutionState::Planned, SubstitutionState::Running],
    allow = "manager", button = 1, no_inverse = "Hand the tasks over again.")]
pub struct EndSubstitution {
    /// The substitution.
    pub substitution: Id<Substitution>,
}

impl Run for EndSubstitution {
    type Output = HandedOver;
    fn run(self, cx: &mut Cx<'_>) -> Result<HandedOver> {
        let mut substitution = cx.target(self.substitution)?;
        Ok(HandedOver { tasks: end(cx, &mut substitution)? })
    }
}
