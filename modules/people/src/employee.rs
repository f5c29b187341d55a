//! Who works in the company, for whom, and who stands in.

use jiff::civil::Date;
use kernel::{Cx, Entity, Error, Event, Fields, Filter, Id, Op, Operation, Rec, Result, Rules, Run};
use party::Party;
use platform::{Unit, User};

use crate::calendar::Calendar;

/// How many substitutes in a row may be away themselves.
const MAX_CHAIN: usize = 10;

/// Somebody who works in the company.
#[derive(Entity)]
#[entity(name = "people.employee", plain, title = name, read = "*", write = "manager", area = "people")]
pub struct Employee {
    /// Name.
    #[field(searchable, role = "title")]
    pub name: String,
    /// The user as whom the employee signs in.
    #[field(unique)]
    pub user: Option<Id<User>>,
    /// The employee's card among people and companies.
    pub party: Option<Id<Party>>,
    /// The superior.
    #[field(indexed, tracked)]
    pub manager: Option<Id<Employee>>,
    /// Unit.
    pub unit: Option<Id<Unit>>,
    /// Position.
    #[field(searchable, tracked)]
    pub position: Option<String>,
    /// Working calendar; the company's where empty.
    pub calendar: Option<Id<Calendar>>,
}

/// Days on which an employee is away.
#[derive(Entity)]
#[entity(name = "people.absence", title = employee, read = "*", write = "manager", area = "people")]
pub struct Absence {
    /// The employee.
    #[field(indexed)]
    pub employee: Id<Employee>,
    /// First day.
    #[field(default = "@today", indexed)]
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Who stands in.
    pub substitute: Option<Id<Employee>>,
    /// Why; colleagues do not see it.
    #[field(sensitive = "manager")]
    pub reason: Option<String>,
}

impl Rules for Absence {
    fn check(old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        if cx.is_draft() && (new.employee.is_none() || new.to == Date::default()) {
            return Ok(());
        }
        if new.to < new.from {
            return Err(Error::field("to", "people.ends_before"));
        }
        if new.substitute == Some(new.employee) {
            return Err(Error::field("substitute", "people.own_substitute"));
        }
        if cx.writable() {
            for employee in old.iter().map(|old| old.employee).filter(|old| *old != new.employee).chain([new.employee])
            {
                cx.emit(AbsenceChanged { employee })?;
            }
        }
        Ok(())
    }
}

/// An absence of an employee was written down or changed: what hangs on it looks at all absences of the employee again.
#[derive(Event)]
#[event(name = "people.absence.changed", subject = employee)]
pub struct AbsenceChanged {
    /// The employee.
    pub employee: Id<Employee>,
}

/// Reports that somebody is away: oneself, or for managers anybody.
#[derive(Operation)]
#[operation(
    name = "people.absence.report",
    allow = "*",
    button = 1,
    no_inverse = "The absence is shortened or archived."
)]
pub struct Report {
    /// Who is away; yourself where empty.
    pub employee: Option<Id<Employee>>,
    /// First day.
    #[field(default = "@today")]
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Who stands in.
    pub substitute: Option<Id<Employee>>,
    /// Why; colleagues do not see it.
    pub reason: Option<String>,
}

/// The absence.
#[derive(Fields)]
pub struct Reported {
    /// The absence.
    pub absence: Id<Absence>,
}

impl Run for Report {
    type Output = Reported;
    fn run(self, cx: &mut Cx<'_>) -> Result<Reported> {
        let own = match cx.who().user {
            0 => None,
            user => employee_of(cx, Id::new(user))?.map(|e| e.id),
        };
        let who = cx.who();
        let employee = match self.employee.or(own) {
            Some(employee) if Some(employee) == own || who.is_admin() || who.has_role("manager") => employee,
            Some(_) => return Err(Error::forbidden(Absence::NAME)),
            None => return Err(Error::field("employee", "required")),
        };
        let (from, to, substitute, reason) = (self.from, self.to, self.substitute, self.reason);
        let absence = cx.insert(Absence { employee, from, to, substitute, reason })?;
        cx.link(absence);
        Ok(Reported { absence })
    }
}

/// Absences that are not over on a day, of the whole company.
///
/// # Errors
/// As reading does.
pub fn absences_from(cx: &mut Cx<'_>, day: Date) -> Result<Vec<Rec<Absence>>> {
    cx.find(Filter::is("to", Op::Ge, kernel::day(day)))
}

/// The employee who signs in as a user.
///
/// # Errors
/// As reading does.
pub fn employee_of(cx: &mut Cx<'_>, user: Id<User>) -> Result<Option<Rec<Employee>>> {
    let found = cx.by::<Employee>(&[("user", user.into())])?;
    Ok(found.into_iter().find(|e| !e.archived))
}

/// The superior of a user, where both are employees and the superior signs in.
///
/// # Errors
/// As reading does.
pub fn manager_of(cx: &mut Cx<'_>, user: Id<User>) -> Result<Option<Id<User>>> {
    match employee_of(cx, user)?.and_then(|e| e.manager) {
        Some(manager) => Ok(cx.get(manager)?.user),
        None => Ok(None),
    }
}

fn absence_on(cx: &mut Cx<'_>, employee: Id<Employee>, day: Date) -> Result<Option<Rec<Absence>>> {
    let all = cx.by::<Absence>(&[("employee", employee.into())])?;
    Ok(all.into_iter().find(|a| !a.archived && a.from <= day && day <= a.to))
}

/// Who stands in for a user on a day; none where the user is not away, or nobody stands in. Where the substitute is away
/// too, it is the substitute's substitute.
///
/// # Errors
/// As reading does.
pub fn substitute(cx: &mut Cx<'_>, user: Id<User>, day: Date) -> Result<Option<Id<User>>> {
    let Some(own) = employee_of(cx, user)? else { return Ok(None) };
    let (mut employee, mut away) = (own.id, absence_on(cx, own.id, day)?);
    for _ in 0..MAX_CHAIN {
        let Some(absence) = away else {
            return Ok(if employee == own.id { None } else { cx.get(employee)?.user });
        };
        let Some(next) = absence.substitute else { return Ok(None) };
        employee = next;
        away = absence_on(cx, employee, day)?;
    }
    Ok(None)
}
