//! Employees, working calendars and absence: who works for whom, on which days, and who stands in.

mod calendar;
mod employee;
mod working;

use kernel::{Module, entity, event, op};

pub use calendar::{Calendar, Holiday, default_calendar};
pub use employee::{
    Absence, AbsenceChanged, Employee, Report, Reported, absences_from, employee_of, manager_of, substitute,
};
pub use working::{WorkingTime, add_working_days, is_working_day};

/// What the module owns.
pub static MODULE: Module = Module {
    name: "people",
    entities: &[entity::<Calendar>(), entity::<Holiday>(), entity::<Employee>(), entity::<Absence>()],
    operations: &[op::<Report>()],
    events: &[event::<AbsenceChanged>()],
    errors: &["people.ends_before", "people.own_substitute", "people.too_far", "people.work_ends_first"],
    catalogues: &[("en", include_str!("../i18n/en.toml")), ("cs", include_str!("../i18n/cs.toml"))],
    views: &[
        ("people.employee", include_str!("employee.view.toml")),
        ("people.absence", include_str!("absence.view.toml")),
        ("people.calendar", include_str!("calendar.view.toml")),
        ("people.holiday", include_str!("holiday.view.toml")),
    ],
    found: &[calendar::found],
    ..Module::BASE
};
