//! A demo company: for now the company and its users.

use std::sync::Arc;

use kernel::{Currency, Kernel, Principal, Result};
use platform::{NewCompany, NewUser};

const USERS: &[(&str, &str, &str, &str)] = &[
    ("admin", "Jan Dvořák", "Administrator: sets everything up", "Správce: vše nastavuje"),
    ("sales", "Jana Nová", "Sales: quotes and orders", "Obchod: nabídky a objednávky"),
    ("stock", "Petr Skála", "Storekeeper: receives, ships, counts", "Skladník: přijímá, vydává, počítá"),
    ("accounts", "Eva Malá", "Accountant: invoices and payments", "Účetní: faktury a platby"),
    ("buyer", "Tomáš Horák", "Buyer: orders from suppliers", "Nákupčí: objednává u dodavatelů"),
    ("manager", "Marie Králová", "Manager: approves, watches the figures", "Vedoucí: schvaluje, sleduje čísla"),
];

/// Fills an empty database with the demo company.
///
/// # Errors
/// As writing does.
pub fn run(kernel: &Kernel, _customers: usize) -> Result<()> {
    let nobody = Arc::new(Principal::system(Arc::default()));
    let hash = platform::hash_password("demo")?;
    kernel.work(&nobody, "celek.demo", |cx| {
        let company = NewCompany::in_country("Hrnečky s.r.o.", "CZ", Currency::parse("CZK")?);
        let company = platform::found(cx, NewCompany { demo: true, ..company })?;
        for (login, name, does, does_cs) in USERS {
            let user = NewUser {
                login: (*login).to_owned(),
                name: (*name).to_owned(),
                roles: vec![(*login).to_owned()],
                hash: Some(hash.clone()),
                does: Some(((*does).to_owned(), (*does_cs).to_owned())),
                ..NewUser::default()
            };
            platform::add_user(cx, company, user)?;
        }
        Ok(())
    })?;
    kernel.forget_rights();
    Ok(())
}
