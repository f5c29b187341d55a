//! Employees, working calendars and absence: who works for whom, on which days, and who stands in.

mod calendar;
mod employee;

use kernel::{Module, entity};

pub use calendar::{Calendar, Holiday, add_working_days, default_calendar, is_working_day};
pub use employee::{Absence, Employee, employee_of, manager_of, substitute};

/// What the module owns.
pub static MODULE: Module = Module {
    name: "people",
    entities: &[entity::<Calendar>(), entity::<Holiday>(), entity::<Employee>(), entity::<Absence>()],
    errors: &["people.ends_before", "people.own_substitute", "people.too_far"],
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
