//! Who works in the company, for whom, and who stands in.

use jiff::civil::Date;
use kernel::{Cx, Entity, Error, Id, Rec, Result, Rules};
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
    fn check(_old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        if cx.is_draft() && (new.employee.is_none() || new.to == Date::default()) {
            return Ok(());
        }
        if new.to < new.from {
            return Err(Error::field("to", "people.ends_before"));
        }
        if new.substitute == Some(new.employee) {
            return Err(Error::field("substitute", "people.own_substitute"));
        }
        Ok(())
    }
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
