//! Who acts, and what that principal may do. Checked in the kernel for every surface, never in handlers.

use std::{collections::HashMap, sync::Arc};

use jiff::tz::TimeZone;
use lang::Language;

use crate::{
    def::{EntityDef, OpDef},
    field::FieldDef,
    filter::Filter,
    value::Currency,
};

/// The company in which somebody works.
#[derive(Clone, Debug)]
pub struct Company {
    /// The record; 0 before the first company exists.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Currency of its books.
    pub currency: Currency,
    /// "Today" is there.
    pub time_zone: TimeZone,
    /// Language of its documents and of its order of texts.
    pub language: Language,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// A demo company: served on loopback only.
    pub demo: bool,
}

impl Default for Company {
    fn default() -> Self {
        Self {
            id: 0,
            name: String::new(),
            currency: Currency::NONE,
            time_zone: TimeZone::UTC,
            language: Language::En,
            country: String::new(),
            demo: false,
        }
    }
}

/// What kind of principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A person with a session or a token.
    Person,
    /// The program itself: set-up, jobs, import by whoever may write the database.
    System,
    /// A process definition, rule or webhook: data that calls operations.
    Definition,
    /// Nobody: a public web form.
    Anonymous,
}

/// Extra rights of a role, from the database.
#[derive(Clone, Debug, Default)]
pub struct RoleAccess {
    /// May do everything.
    pub admin: bool,
    /// Entity or operation (or `module.*`) → which of `r` (read), `w` (write), `d` (delete), `c` (call).
    pub grants: HashMap<String, String>,
    /// Record rules by entity: (filter, for reading, for writing).
    pub rules: HashMap<String, Vec<(Filter, bool, bool)>>,
}

/// The rights of all roles; one value for all principals, swapped when they change.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// By role code.
    pub roles: HashMap<String, RoleAccess>,
}

/// Who acts.
#[derive(Clone, Debug)]
pub struct Principal {
    /// What kind.
    pub kind: Kind,
    /// The user; 0 for the system and for nobody.
    pub user: i64,
    /// Login or name of the actor, as the audit tells it.
    pub login: String,
    /// Name for people.
    pub name: String,
    /// Codes of roles.
    pub roles: Vec<String>,
    /// Language of answers.
    pub language: Language,
    /// The company in which the request works.
    pub company: Arc<Company>,
    /// Rights of roles.
    pub access: Arc<Access>,
    /// A token's scope: names (or `module.*`, `read`) it is limited to; everything where empty.
    pub scope: Vec<String>,
    /// Units of the user's employee, for rules `@my_unit`.
    pub units: Vec<i64>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Read records.
    Read,
    /// Create and change records.
    Write,
    /// Delete or archive records.
    Delete,
}

impl Right {
    fn letter(self) -> char {
        match self {
            Self::Read => 'r',
            Self::Write => 'w',
            Self::Delete => 'd',
        }
    }
}

impl Principal {
    /// The program itself, in a company.
    pub fn system(company: Arc<Company>) -> Self {
        Self {
            kind: Kind::System,
            user: 0,
            login: "system".to_owned(),
            name: "Celek".to_owned(),
            roles: Vec::new(),
            language: company.language,
            company,
            access: Arc::default(),
            scope: Vec::new(),
            units: Vec::new(),
        }
    }
    /// Nobody in particular, in a company.
    pub fn anonymous(company: Arc<Company>) -> Self {
        Self { kind: Kind::Anonymous, login: "anonymous".to_owned(), name: String::new(), ..Self::system(company) }
    }
    /// True for the system and for administrators.
    pub fn is_admin(&self) -> bool {
        self.kind == Kind::System || self.roles.iter().any(|r| self.access.roles.get(r).is_some_and(|a| a.admin))
    }
    /// Has one of the roles in a list (`sales stock`, `*` for everybody who is signed in).
    pub fn has_role(&self, list: &str) -> bool {
        list.split(' ').any(|wanted| match wanted {
            "" => false,
            "*" => matches!(self.kind, Kind::Person | Kind::Definition | Kind::System),
            role => self.roles.iter().any(|r| r == role),
        })
    }
    fn granted(&self, name: &str, letter: char) -> bool {
        let module = name.split('.').next().unwrap_or(name);
        self.roles.iter().filter_map(|r| self.access.roles.get(r)).any(|role| {
            [name, &format!("{module}.*")]
                .iter()
                .any(|key| role.grants.get(*key).is_some_and(|letters| letters.contains(letter)))
        })
    }
    fn in_scope(&self, name: &str, read: bool) -> bool {
        let module = name.split('.').next().unwrap_or(name);
        self.scope.is_empty()
            || self.scope.iter().any(|s| (s == "read" && read) || s == name || s.strip_suffix(".*") == Some(module))
    }
    /// May do this with records of an entity (record rules come on top).
    pub fn may(&self, entity: &EntityDef, right: Right) -> bool {
        let declared = match right {
            Right::Read => entity.read,
            Right::Write => entity.write,
            Right::Delete if entity.delete.is_empty() => entity.write,
            Right::Delete => entity.delete,
        };
        self.in_scope(entity.name, right == Right::Read)
            && (self.is_admin() || self.has_role(declared) || self.granted(entity.name, right.letter()))
    }
    /// May call an operation.
    pub fn may_call(&self, op: &OpDef) -> bool {
        if op.person_only && self.kind == Kind::Definition {
            return false;
        }
        if op.public {
            return true;
        }
        self.in_scope(op.name, op.read) && (self.is_admin() || self.has_role(op.allow) || self.granted(op.name, 'c'))
    }
    /// May see a field.
    pub fn may_see(&self, field: &FieldDef) -> bool {
        match field.sensitive {
            "" => true,
            // A secret: nobody sees it, not even an administrator.
            "-" => false,
            roles => self.is_admin() || self.has_role(roles),
        }
    }
    /// The record rules on an entity: `None` where nothing narrows it. Roles add up: a role that may read without a rule
    /// reads everything.
    pub fn rule(&self, entity: &EntityDef, right: Right) -> Option<Filter> {
        if self.is_admin() || self.kind == Kind::Anonymous {
            return None;
        }
        let declared = if right == Right::Read { entity.read } else { entity.write };
        let mut parts = Vec::new();
        for role in &self.roles {
            let Some(access) = self.access.roles.get(role) else { continue };
            let rules: Vec<_> = access
                .rules
                .get(entity.name)
                .into_iter()
                .flatten()
                .filter(|(_, read, write)| if right == Right::Read { *read } else { *write })
                .map(|(filter, ..)| filter.clone())
                .collect();
            let holds = declared.split(' ').any(|r| r == role || r == "*")
                || access.grants.get(entity.name).is_some_and(|g| g.contains(right.letter()));
            match (rules.is_empty(), holds) {
                (true, true) => return None,
                (true, false) => {}
                (false, _) => parts.push(Filter::And(rules)),
            }
        }
        if parts.is_empty() { None } else { Some(Filter::Or(parts)) }
    }
}
