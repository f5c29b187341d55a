//! Users, roles and what roles may do.

use kernel::{
    Cx, Done, Email, Entity, Error, Fields, Filter, Id, Json, Language, LanguageCode, Operation, Result, Rules, Run,
    Value,
};
use serde_json::json;

use crate::company::{Company, Unit};

/// A role: what a person does in the company.
#[derive(Entity)]
#[entity(name = "platform.role", shared, title = name, read = "*", write = "admin", area = "settings")]
pub struct Role {
    /// Code by which rights name it.
    #[field(unique)]
    pub code: String,
    /// Name.
    #[field(searchable)]
    pub name: String,
    /// Czech name; the name where empty.
    pub name_cs: Option<String>,
    /// May do everything.
    pub admin: bool,
}
impl Rules for Role {
    fn check(old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        if old.is_none_or(|old| old.admin != new.admin) && new.admin && !cx.who().is_admin() {
            return Err(Error::forbidden("platform.role"));
        }
        touched(cx)
    }
}

/// A right that a role has beyond what modules declare.
#[derive(Entity)]
#[entity(name = "platform.grant", shared, title = name, read = "admin", write = "admin", area = "settings", unique(role, name))]
pub struct Grant {
    /// The role.
    #[field(indexed)]
    pub role: Id<Role>,
    /// Entity, operation, or `module.*`.
    pub name: String,
    /// Which rights: r = read, w = write, d = delete, c = call.
    #[field(max = 4)]
    pub letters: String,
}
impl Rules for Grant {
    fn check(_old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        if !new.letters.chars().all(|c| "rwdc".contains(c)) {
            return Err(Error::field("letters", "platform.letters"));
        }
        touched(cx)
    }
}

/// A rule that narrows which records of an entity a role may read or change.
#[derive(Entity)]
#[entity(name = "platform.rule", shared, title = entity, read = "admin", write = "admin", area = "settings")]
pub struct Rule {
    /// The role.
    #[field(indexed)]
    pub role: Id<Role>,
    /// The entity.
    pub entity: String,
    /// The filter that a record must meet; `@me` and `@my_unit` are the user's.
    pub filter: Json,
    /// Holds for reading.
    pub read: bool,
    /// Holds for writing.
    pub write: bool,
}
impl Rules for Rule {
    fn check(_old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        if new.entity.is_empty() {
            return Ok(());
        }
        let schema = cx.schema().clone();
        schema.plan(&new.entity).map_err(|_| Error::field("entity", "no_entity").with("value", new.entity.as_str()))?;
        // The filter is tried, so that a wrong one is told to who writes it and not to who works under it.
        let filter = Filter::parse(&new.filter.0).map_err(|e| Error::field("filter", e.code.clone()))?;
        let query = kernel::Query { filter: Some(filter), limit: 1, ..kernel::Query::of(&new.entity) };
        cx.select(&query, false).map_err(|e| Error::field("filter", e.code.clone()))?;
        touched(cx)
    }
}

/// Somebody who signs in.
#[derive(Entity)]
#[entity(name = "platform.user", shared, title = name, read = "*", write = "admin", area = "settings",
    many(roles = "platform.role"))]
pub struct User {
    /// Name to sign in with.
    #[field(unique, max = 60)]
    pub login: String,
    /// Name.
    #[field(searchable, role = "title")]
    pub name: String,
    /// E-mail address.
    pub email: Option<Email>,
    /// Language of screens and messages.
    #[field(default = "@language")]
    pub language: LanguageCode,
    /// Company in which the user begins.
    pub company: Id<Company>,
    /// Unit.
    pub unit: Option<Id<Unit>>,
    /// What the user does, for the sign-in page of a demo company.
    pub does: Option<String>,
    /// The same in Czech.
    pub does_cs: Option<String>,
    /// May sign in.
    #[field(default = "true")]
    pub active: bool,
}
impl Rules for User {
    fn check(old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        if let Some(old) = old
            && old.active
            && !new.active
        {
            other_admin(cx, &old.login)?;
        }
        new.login = new.login.trim().to_lowercase();
        let good = new.login.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_@".contains(&b));
        if !good {
            return Err(Error::field("login", "platform.login"));
        }
        touched(cx)
    }
}

/// Refuses what would leave nobody who may do everything.
fn other_admin(cx: &mut Cx<'_>, login: &str) -> Result<()> {
    let admins = cx.conn().rows(
        "SELECT DISTINCT u.login FROM platform_user u JOIN platform_user_roles l ON l.owner = u.id \
         JOIN platform_role r ON r.id = l.other WHERE r.admin = 1 AND u.active = 1 AND u.archived = 0 \
         ORDER BY u.login LIMIT 2",
        &[],
    )?;
    let is_login = |row: &Vec<Value>| row.first().and_then(Value::as_text) == Some(login);
    let last = admins.len() == 1 && admins.iter().any(is_login);
    if last { Err(Error::refused("platform.last_admin")) } else { Ok(()) }
}

/// What was removed no longer gives or narrows a right: what is remembered of rights is thrown away.
pub(crate) fn removed(done: &Done, cx: &mut Cx<'_>) -> Result<()> {
    let about = done.target.filter(|_| done.op.name == "record.delete").map_or("", |target| target.entity);
    if [Role::NAME, Grant::NAME, Rule::NAME, User::NAME, Company::NAME].contains(&about) {
        cx.access_changed();
    }
    Ok(())
}

fn touched(cx: &mut Cx<'_>) -> Result<()> {
    if cx.writable() {
        cx.access_changed();
    }
    Ok(())
}

/// The secret of a user; no surface shows it.
#[derive(Entity)]
#[entity(name = "platform.credential", plain, shared, by_operation, title = user)]
pub struct Credential {
    /// The user.
    #[field(unique)]
    pub user: Id<User>,
    /// Argon2id hash of the password.
    #[field(sensitive = "-")]
    pub hash: String,
}

/// The roles that every company has.
pub const ROLES: &[(&str, &str, &str, bool)] = &[
    ("admin", "Administrator", "Správce", true),
    ("sales", "Sales", "Obchod", false),
    ("stock", "Warehouse", "Sklad", false),
    ("accounts", "Accounting", "Účtárna", false),
    ("buyer", "Purchasing", "Nákup", false),
    ("manager", "Management", "Vedení", false),
];

/// Makes the roles that are missing.
pub(crate) fn roles(cx: &mut Cx<'_>) -> Result<()> {
    for (code, name, name_cs, admin) in ROLES {
        if cx.first::<Role>(&[("code", Value::from(*code))])?.is_none() {
            let (code, name, name_cs) = ((*code).to_owned(), (*name).to_owned(), Some((*name_cs).to_owned()));
            cx.insert(Role { code, name, name_cs, admin: *admin })?;
        }
    }
    Ok(())
}

/// Code and label of every role, in a language.
///
/// # Errors
/// As reading does.
pub fn role_labels(cx: &mut Cx<'_>, language: Language) -> Result<Vec<(String, String)>> {
    let roles = cx.by::<Role>(&[("archived", Value::Int(0))])?;
    let label = |role: &Role| match language {
        Language::Cs => role.name_cs.clone().unwrap_or_else(|| role.name.clone()),
        Language::En => role.name.clone(),
    };
    Ok(roles.iter().map(|role| (role.code.clone(), label(role))).collect())
}

/// What a new user takes.
#[derive(Clone, Debug, Default)]
pub struct NewUser {
    /// Login.
    pub login: String,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Language code; the company's where absent.
    pub language: Option<String>,
    /// Role codes.
    pub roles: Vec<String>,
    /// Hash made by [`crate::hash_password`]; cannot sign in without.
    pub hash: Option<String>,
    /// What the user does, in English and Czech.
    pub does: Option<(String, String)>,
}

/// Adds a user to a company.
///
/// # Errors
/// A login that is taken, an unknown role.
pub fn add_user(cx: &mut Cx<'_>, company: Id<Company>, new: NewUser) -> Result<Id<User>> {
    let language = match new.language {
        Some(language) => LanguageCode(language),
        None => cx.get(company)?.language.clone(),
    };
    let (does, does_cs) = new.does.unzip();
    let user = cx.insert(User {
        login: new.login,
        name: new.name,
        email: new.email.map(Email),
        language,
        company,
        unit: None,
        does,
        does_cs,
        active: true,
    })?;
    set_roles(cx, user, &new.roles)?;
    if let Some(hash) = new.hash {
        set_hash(cx, user, hash)?;
    }
    cx.access_changed();
    Ok(user)
}

/// Sets the roles of a user by their codes.
///
/// # Errors
/// An unknown role.
pub fn set_roles(cx: &mut Cx<'_>, user: Id<User>, codes: &[String]) -> Result<()> {
    let mut ids = Vec::new();
    for code in codes {
        let role = cx
            .first::<Role>(&[("code", Value::from(code.as_str()))])?
            .ok_or_else(|| Error::field("roles", "platform.role").with("role", code.as_str()))?;
        ids.push(role.id.raw());
    }
    ids.sort_unstable();
    let plan = cx.schema().plan("platform.user")?.clone();
    cx.set_many(&plan, "roles", user.raw(), &ids)?;
    cx.access_changed();
    Ok(())
}

/// Stores the hash of a user's password.
///
/// # Errors
/// As writing does.
pub(crate) fn set_hash(cx: &mut Cx<'_>, user: Id<User>, hash: String) -> Result<()> {
    match cx.first::<Credential>(&[("user", user.into())])? {
        Some(mut found) => {
            found.hash = hash;
            cx.save(&mut found)
        }
        None => cx.insert(Credential { user, hash }).map(|_| ()),
    }
}

/// Users of the company that have a role, in the order of their ids.
///
/// # Errors
/// As reading does.
pub fn users_in_role(cx: &mut Cx<'_>, role: &str) -> Result<Vec<Id<User>>> {
    let company = Value::Int(cx.company().id);
    let rows = cx.conn().rows(
        "SELECT u.id FROM platform_user u JOIN platform_user_roles l ON l.owner = u.id JOIN platform_role r ON r.id = l.other \
         WHERE r.code = ? AND u.company = ? AND u.active = 1 AND u.archived = 0 ORDER BY u.id",
        &[Value::from(role), company],
    )?;
    Ok(rows.iter().filter_map(|r| r.first().and_then(Value::as_int)).map(Id::new).collect())
}

/// Adds a user; the administrator hands over the password that a one-time link or `celek user reset` sets.
#[derive(Operation)]
#[operation(
    name = "platform.user.add",
    allow = "admin",
    button = 2,
    person_only,
    no_inverse = "A user is made inactive."
)]
pub struct AddUser {
    /// Login.
    pub login: String,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: Option<Email>,
    /// Role codes, separated by spaces.
    #[field(role = "roles")]
    pub roles: String,
}

/// The user.
#[derive(Fields)]
pub struct UserAdded {
    /// The user.
    pub user: Id<User>,
}

impl Run for AddUser {
    type Output = UserAdded;
    fn run(self, cx: &mut Cx<'_>) -> Result<UserAdded> {
        let company = Id::new(cx.company().id);
        let user = add_user(
            cx,
            company,
            NewUser {
                login: self.login,
                name: self.name,
                email: self.email.map(|e| e.0),
                roles: self.roles.split_whitespace().map(str::to_owned).collect(),
                ..NewUser::default()
            },
        )?;
        cx.link(user);
        Ok(UserAdded { user })
    }
}

/// Sets the roles of a user.
#[derive(Operation)]
#[operation(name = "platform.user.set_roles", on = User, allow = "admin", person_only, button = 2,
    no_inverse = "The roles are set again.")]
pub struct SetRoles {
    /// The user.
    pub user: Id<User>,
    /// Role codes, separated by spaces.
    #[field(role = "roles")]
    pub roles: String,
}

impl Run for SetRoles {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let codes: Vec<String> = self.roles.split_whitespace().map(str::to_owned).collect();
        let mut admin = false;
        for code in &codes {
            admin |= cx.first::<Role>(&[("code", Value::from(code.as_str()))])?.is_some_and(|role| role.admin);
        }
        if !admin {
            let login = cx.target(self.user)?.login.clone();
            other_admin(cx, &login)?;
        }
        set_roles(cx, self.user, &codes)
    }
}

/// Changes the language in which the program speaks to who asks.
#[derive(Operation)]
#[operation(
    name = "platform.user.set_language",
    allow = "*",
    person_only,
    no_inverse = "The other language is chosen again."
)]
pub struct SetLanguage {
    /// Language.
    pub language: LanguageCode,
}

impl Run for SetLanguage {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let who = cx.who().user;
        if who == 0 {
            return Err(Error::forbidden("platform.user"));
        }
        let mut user = cx.get(Id::<User>::new(who))?;
        user.language = self.language;
        cx.save(&mut user)
    }
}

/// Narrows a role to its own records of an entity: it reads and changes only those that name who asks as their owner.
#[derive(Operation)]
#[operation(name = "platform.rule.own", allow = "admin", person_only, button = 2, no_inverse = "The rule is deleted.")]
pub struct OwnOnly {
    /// The role.
    pub role: Id<Role>,
    /// The entity, such as `crm.deal`.
    pub entity: String,
}

/// The rule.
#[derive(Fields)]
pub struct RuleMade {
    /// The rule.
    pub rule: Id<Rule>,
}

impl Run for OwnOnly {
    type Output = RuleMade;
    fn run(self, cx: &mut Cx<'_>) -> Result<RuleMade> {
        let schema = cx.schema().clone();
        let plan = schema
            .plan(&self.entity)
            .map_err(|_| Error::field("entity", "no_entity").with("value", self.entity.as_str()))?;
        let owner = plan.fields.iter().find(|f| f.role == "owner").map(|f| f.name);
        let owner = owner.ok_or_else(|| Error::field("entity", "platform.no_owner"))?;
        let filter = Json(json!({owner: "@me"}));
        let rule = cx.insert(Rule { role: self.role, entity: self.entity, filter, read: true, write: true })?;
        cx.link(rule);
        Ok(RuleMade { rule })
    }
}

/// The rules that narrow by a field, or narrow an entity.
pub(crate) fn rules_that_use(defined: &kernel::Defined<'_>, cx: &mut Cx<'_>) -> Result<Vec<kernel::AnyRef>> {
    let rules = cx.by::<Rule>(&[])?.into_iter().filter(|rule| !rule.archived);
    let uses = rules.filter(|rule| match defined.field {
        Some(_) => defined.named_in(&rule.filter.0.to_string()),
        None => rule.entity == defined.entity || defined.named_in(&rule.filter.0.to_string()),
    });
    Ok(uses.map(|rule| rule.id.into()).collect())
}
