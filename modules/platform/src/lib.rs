//! Who works here: companies, units, users, roles and their rights, sessions and tokens; notes on any record.

mod company;
mod note;
mod notice;
mod session;
mod user;
mod view;

use kernel::{Currency, Cx, Job, Module, Result, entity, op};

pub use company::{Company, NewCompany, Unit, found, own, system_in};
pub use note::{AddNote, ListNotes, Note, NoteRow, Notes, readable};
pub use notice::{LookedAt, MyNotices, Notice, NoticeRow, Notices};
pub use session::{
    Revoke, Session, Setup, Token, access, create_token, hash_password, random_password, reset_password, setup_token,
};
pub use user::{
    AddUser, Credential, Grant, NewUser, OwnOnly, ROLES, Role, Rule, RuleMade, SetLanguage, SetRoles, User, UserAdded,
    add_user, role_labels, set_roles, users_in_role,
};
pub use view::{ForgetView, KeepView, KeptView, ListViews, View, ViewRow, Views};

/// What the module owns.
pub static MODULE: Module = Module {
    name: "platform",
    entities: &[
        entity::<Company>(),
        entity::<Unit>(),
        entity::<Role>(),
        entity::<Grant>(),
        entity::<Rule>(),
        entity::<User>(),
        entity::<Credential>(),
        entity::<Session>(),
        entity::<Token>(),
        entity::<Setup>(),
        entity::<Note>(),
        entity::<Notice>(),
        entity::<View>(),
    ],
    operations: &[
        op::<AddUser>(),
        op::<SetRoles>(),
        op::<SetLanguage>(),
        op::<OwnOnly>(),
        op::<Revoke>(),
        op::<AddNote>(),
        op::<ListNotes>(),
        op::<MyNotices>(),
        op::<LookedAt>(),
        op::<KeepView>(),
        op::<ForgetView>(),
        op::<ListViews>(),
    ],
    catalogues: &[("en", include_str!("../i18n/en.toml")), ("cs", include_str!("../i18n/cs.toml"))],
    views: &[
        ("platform.company", include_str!("company.view.toml")),
        ("platform.user", include_str!("user.view.toml")),
        ("platform.role", include_str!("role.view.toml")),
        ("platform.rule", include_str!("rule.view.toml")),
        ("platform.token", include_str!("token.view.toml")),
    ],
    errors: &[
        "no_user",
        "signed_out",
        "platform.letters",
        "platform.last_admin",
        "platform.login",
        "platform.no_owner",
        "platform.password",
        "platform.role",
        "platform.setup_token",
        "platform.sign_in",
        "platform.throttled",
        "platform.time_zone",
        "platform.too_many_views",
        "platform.view_entity",
        "platform.view_of_another",
    ],
    after: &[user::removed],
    uses: &[user::rules_that_use, view::that_use],
    jobs: &[Job { name: "platform.sessions", every: 600, run: session::tidy }],
    directory: Some(&session::Users),
    ..Module::BASE
};

/// Founds a company for a test, with a user for each role named after it; nobody can sign in with a password.
///
/// # Errors
/// As writing does.
pub fn found_for_trial(cx: &mut Cx<'_>, country: &str, currency: &str, users: &[&str]) -> Result<()> {
    let name = if country == "CZ" { "Zkouška s.r.o." } else { "Trial Ltd" };
    let company = found(cx, NewCompany::in_country(name, country, Currency::parse(currency)?))?;
    for login in users {
        let user = NewUser {
            login: (*login).to_owned(),
            name: (*login).to_owned(),
            roles: vec![(*login).to_owned()],
            language: Some("en".to_owned()),
            ..NewUser::default()
        };
        add_user(cx, company, user)?;
    }
    Ok(())
}
