//! Signing in: sessions, tokens, passwords, the one-time link of the first start.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use jiff::{SignedDuration, Timestamp};
use kernel::{
    Access, Cx, Directory, Entity, Error, Filter, Id, Kernel, Language, Operation, Principal, PrincipalKind, Result,
    RoleAccess, Run, Value,
};
use parking_lot::Mutex;
use serde_json::Value as J;

use crate::{
    company::{self, NewCompany},
    user::{self, Credential, NewUser, User},
};

/// A session of a browser.
#[derive(Entity)]
#[entity(name = "platform.session", plain, shared, by_operation, kept, title = user)]
pub struct Session {
    /// Digest of the secret in the cookie.
    #[field(unique, sensitive = "-")]
    pub hash: String,
    /// Who.
    #[field(indexed)]
    pub user: Id<User>,
    /// Until when.
    pub expires: Timestamp,
    /// Last use, to the minute.
    pub seen: Timestamp,
    /// From where.
    pub address: Option<String>,
}

/// A token with which a program acts as a user.
#[derive(Entity)]
#[entity(name = "platform.token", plain, shared, by_operation, title = name, read = "admin", area = "settings")]
pub struct Token {
    /// What it is for.
    pub name: String,
    /// Digest of the token.
    #[field(unique, sensitive = "-")]
    pub hash: String,
    /// As whom.
    #[field(indexed)]
    pub user: Id<User>,
    /// What it is limited to: names of entities and operations, `module.*`, `read`; everything where empty.
    pub scope: Option<String>,
    /// Until when.
    pub expires: Option<Timestamp>,
}

/// The one-time link of the first start.
#[derive(Entity)]
#[entity(name = "platform.setup", plain, shared, by_operation, title = hash)]
pub struct Setup {
    /// Digest of the secret.
    #[field(sensitive = "-")]
    pub hash: String,
    /// Until when.
    pub expires: Timestamp,
    /// Was used.
    pub used: bool,
}

fn digest(secret: &str) -> String {
    blake3::hash(secret.as_bytes()).to_hex().to_string()
}

/// A new secret of 256 bits, as hexadecimal text.
fn secret() -> Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|e| Error::internal(format!("no randomness: {e}")))?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

fn after(now: Timestamp, seconds: i64) -> Result<Timestamp> {
    now.checked_add(SignedDuration::from_secs(seconds)).map_err(|e| Error::internal(e.to_string()))
}

/// Hashes a password (Argon2id, the parameters of RFC 9106 as the library recommends them). Takes some 30 ms: never on the
/// writer.
///
/// # Errors
/// `platform.password` for passwords shorter than 8 characters (except in a demo) or longer than 200.
pub fn hash_password(password: &str) -> Result<String> {
    if password.len() > 200 || password.is_empty() {
        return Err(Error::field("password", "platform.password"));
    }
    let hash = Argon2::default().hash_password(password.as_bytes()).map_err(|e| Error::internal(e.to_string()))?;
    Ok(hash.to_string())
}

fn verify(password: &str, hash: &str) -> bool {
    match argon2::password_hash::phc::PasswordHash::new(hash) {
        Ok(parsed) => Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok(),
        Err(_) => false,
    }
}

/// What an unknown user's password is compared with, so that the answer takes as long.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_password("nobody has this password").unwrap_or_default());

/// Attempts to sign in that did not succeed (yet), by address and login, and by address alone: how many, since when. They are
/// counted before the password is looked at, so that attempts at the same time count too.
type Attempts = HashMap<(String, Option<String>), (u32, Timestamp)>;
static ATTEMPTS: LazyLock<Mutex<Attempts>> = LazyLock::new(Mutex::default);
/// Wrong passwords for one login from one address.
const MAX_FAILED: u32 = 5;
/// Wrong passwords from one address, whatever the login.
const MAX_FROM_ADDRESS: u32 = 60;
const FORGET_AFTER: i64 = 15 * 60;
const SESSION_SECONDS: i64 = 30 * 24 * 3_600;
const IDLE_SECONDS: i64 = 8 * 3_600;

/// When sessions were last used in this process, by digest; [`tidy`] writes it down.
static SEEN: LazyLock<Mutex<HashMap<String, Timestamp>>> = LazyLock::new(Mutex::default);

fn attempt(login: &str, address: &str, now: Timestamp) -> Result<()> {
    let mut attempts = ATTEMPTS.lock();
    if attempts.len() > 10_000 {
        attempts.retain(|_, (_, since)| now.duration_since(*since).as_secs() < FORGET_AFTER);
    }
    let keys = [(Some(login.to_owned()), MAX_FAILED), (None, MAX_FROM_ADDRESS)];
    let keys = keys.map(|(login, most)| ((address.to_owned(), login), most));
    for (key, most) in &keys {
        if attempts.get(key).is_some_and(|(_, since)| now.duration_since(*since).as_secs() >= FORGET_AFTER) {
            attempts.remove(key);
        }
        if attempts.get(key).is_some_and(|(count, _)| count >= most) {
            return Err(Error::new(429, "platform.throttled"));
        }
    }
    for (key, _) in keys {
        attempts.entry(key).or_insert((0, now)).0 += 1;
    }
    Ok(())
}

fn succeeded(login: &str, address: &str) {
    let mut attempts = ATTEMPTS.lock();
    attempts.remove(&(address.to_owned(), Some(login.to_owned())));
    if let Some((count, _)) = attempts.get_mut(&(address.to_owned(), None)) {
        *count = count.saturating_sub(1);
    }
}

/// Writes down when sessions were last used and removes those that are over.
pub(crate) fn tidy(_: &kernel::Json, cx: &mut Cx<'_>) -> Result<bool> {
    let now = cx.now();
    let used: Vec<(String, Timestamp)> = SEEN.lock().iter().map(|(hash, at)| (hash.clone(), *at)).collect();
    for (hash, at) in used {
        if let Some(mut session) = cx.first::<Session>(&[("hash", Value::from(hash.as_str()))])?
            && session.seen < at
        {
            session.seen = at;
            cx.save(&mut session)?;
        }
    }
    SEEN.lock().retain(|_, at| now.duration_since(*at).as_secs() < IDLE_SECONDS);
    let over = Filter::is("expires", kernel::Op::Lt, now.as_microsecond());
    for session in cx.find::<Session>(over.clone())? {
        cx.delete(session.id)?;
    }
    for setup in cx.find::<Setup>(over)? {
        cx.delete(setup.id)?;
    }
    Ok(false)
}

/// Who may sign in.
pub struct Users;

impl Directory for Users {
    fn roles(&self, language: Language, cx: &mut Cx<'_>) -> Result<Vec<(String, String)>> {
        user::role_labels(cx, language)
    }
    fn name(&self, user: i64, cx: &mut Cx<'_>) -> Result<Option<String>> {
        Ok(cx.get::<User>(Id::new(user)).ok().map(|found| found.name.clone()))
    }
    fn principal(&self, user: i64, company: i64, cx: &mut Cx<'_>) -> Result<Option<Principal>> {
        let Ok(found) = cx.get::<User>(Id::new(user)) else { return Ok(None) };
        if !found.active || found.archived {
            return Ok(None);
        }
        let user_record: &User = &found;
        let company = if company == 0 { user_record.company } else { Id::new(company) };
        let record = cx.get(company)?;
        let plan = cx.schema().plan("platform.user")?.clone();
        let roles = cx.many(&plan, "roles", user)?;
        let access = access(cx)?;
        let mut codes = Vec::new();
        for id in roles {
            codes.push(cx.get(Id::<user::Role>::new(id))?.code.clone());
        }
        Ok(Some(Principal {
            kind: PrincipalKind::Person,
            user,
            login: found.login.clone(),
            name: found.name.clone(),
            roles: codes,
            language: Language::parse(&found.language.0).unwrap_or_default(),
            company: Arc::new(company::working(company.raw(), &record)),
            access: Arc::new(access),
            scope: Vec::new(),
            units: found.unit.iter().map(|u| u.raw()).collect(),
        }))
    }

    fn user(&self, login: &str, cx: &mut Cx<'_>) -> Result<Option<i64>> {
        Ok(cx.first::<User>(&[("login", Value::from(login.trim().to_lowercase()))])?.map(|u| u.id.raw()))
    }

    fn by_secret(&self, secret: &str, cx: &mut Cx<'_>) -> Result<Option<(i64, i64, Vec<String>)>> {
        let hash = digest(secret);
        let now = cx.now();
        if let Some(session) = cx.first::<Session>(&[("hash", Value::from(hash.as_str()))])? {
            let mut seen = SEEN.lock();
            let last = seen.get(&hash).copied().unwrap_or(session.seen).max(session.seen);
            if session.expires <= now || now.duration_since(last).as_secs() > IDLE_SECONDS {
                seen.remove(&hash);
                return Ok(None);
            }
            seen.insert(hash, now);
            return Ok(Some((session.user.raw(), 0, Vec::new())));
        }
        if let Some(token) = cx.first::<Token>(&[("hash", Value::from(hash.as_str()))])? {
            let over = token.archived || token.expires.is_some_and(|e| e <= now);
            let scope = token.scope.as_deref().unwrap_or("").split_whitespace().map(str::to_owned).collect();
            return Ok((!over).then(|| (token.user.raw(), 0, scope)));
        }
        Ok(None)
    }

    fn secrets(&self) -> &'static [&'static str] {
        &["platform.session", "platform.token", "platform.user"]
    }

    fn companies(&self, cx: &mut Cx<'_>) -> Result<Vec<kernel::Company>> {
        Ok(company::all(cx)?.iter().map(|c| company::working(c.id.raw(), c)).collect())
    }

    fn sign_in(&self, kernel: &Kernel, login: &str, password: &str, address: &str) -> Result<String> {
        let now = kernel.shared().now();
        let login: String = login.trim().to_lowercase().chars().take(60).collect();
        attempt(&login, address, now)?;
        let nobody = Arc::new(Principal::system(Arc::default()));
        let found = kernel.read(&nobody, |cx| {
            let Some(user) = cx.first::<User>(&[("login", Value::from(login.as_str()))])? else { return Ok(None) };
            let credential = cx.first::<Credential>(&[("user", user.id.into())])?;
            Ok(credential.filter(|_| user.active && !user.archived).map(|c| (user.id, c.hash.clone())))
        })?;
        let right = match &found {
            Some((_, hash)) => verify(password, hash),
            None => {
                verify(password, &NOBODY);
                false
            }
        };
        let Some((user, _)) = found.filter(|_| right) else {
            return Err(Error::new(401, "platform.sign_in"));
        };
        succeeded(&login, address);
        let secret = secret()?;
        let expires = after(now, SESSION_SECONDS)?;
        kernel.work(&nobody, "platform.session.open", |cx| {
            let row = Session {
                hash: digest(&secret),
                user,
                expires,
                seen: now,
                address: Some(address.chars().take(60).collect()),
            };
            cx.insert(row)
        })?;
        Ok(secret)
    }

    fn sign_out(&self, kernel: &Kernel, secret: &str) -> Result<()> {
        let nobody = Arc::new(Principal::system(Arc::default()));
        let hash = digest(secret);
        SEEN.lock().remove(&hash);
        kernel.work(&nobody, "platform.session.close", |cx| {
            if let Some(session) = cx.first::<Session>(&[("hash", Value::from(hash.as_str()))])? {
                cx.delete(session.id)?;
            }
            Ok(())
        })
    }

    fn demo_users(&self, language: Language, cx: &mut Cx<'_>) -> Result<Vec<(String, String, String)>> {
        let demo = company::all(cx)?.first().is_some_and(|c| c.demo);
        if !demo {
            return Ok(Vec::new());
        }
        let users = cx.by::<User>(&[("active", Value::Int(1))])?;
        let does = |u: &User| if language == Language::Cs { u.does_cs.clone() } else { u.does.clone() };
        Ok(users.iter().filter_map(|u| Some((u.login.clone(), u.name.clone(), does(u)?))).collect())
    }

    fn is_empty(&self, cx: &mut Cx<'_>) -> Result<bool> {
        Ok(cx.conn().int("SELECT COUNT(*) FROM platform_user", &[])?.unwrap_or(0) == 0)
    }

    fn set_up(&self, kernel: &Kernel, input: &J) -> Result<String> {
        let text = |name: &'static str| -> Result<String> {
            let value = input.get(name).and_then(J::as_str).map(str::trim).unwrap_or("");
            if value.is_empty() || value.chars().count() > 200 {
                Err(Error::field(name, "required"))
            } else {
                Ok(value.to_owned())
            }
        };
        let (token, name, login) = (text("token")?, text("company")?, text("user")?);
        let password = input.get("password").and_then(J::as_str).unwrap_or("").to_owned();
        if password.chars().count() < 8 {
            return Err(Error::field("password", "platform.password"));
        }
        let country = text("country")?.to_uppercase();
        if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(Error::field("country", "country"));
        }
        let currency = kernel::Currency::parse(&text("currency")?).map_err(|_| Error::field("currency", "currency"))?;
        let language = Language::parse(&text("language")?).ok_or_else(|| Error::field("language", "language"))?;
        let nobody = Arc::new(Principal::system(Arc::default()));
        // A guessed link costs nothing but a look-up, and a link is good for an empty database only.
        kernel.read(&nobody, |cx| offered(cx, &token))?;
        let hash = hash_password(&password)?;
        let person = input.get("name").and_then(J::as_str).filter(|n| !n.is_empty()).unwrap_or(&login).to_owned();
        kernel.work(&nobody, "platform.setup", |cx| {
            let mut setup = offered(cx, &token)?;
            setup.used = true;
            cx.save(&mut setup)?;
            let company =
                company::found(cx, NewCompany { language, ..NewCompany::in_country(&name, &country, currency) })?;
            user::add_user(
                cx,
                company,
                NewUser {
                    login: login.clone(),
                    name: person.clone(),
                    roles: vec!["admin".to_owned()],
                    hash: Some(hash.clone()),
                    language: Some(language.code().to_owned()),
                    ..NewUser::default()
                },
            )
        })?;
        kernel.forget_rights();
        self.sign_in(kernel, &login, &password, "setup")
    }
}

/// The offer of a one-time link that still holds.
fn offered(cx: &mut Cx<'_>, token: &str) -> Result<kernel::Rec<Setup>> {
    let now = cx.now();
    let found = cx.first::<Setup>(&[("hash", Value::from(digest(token)))])?;
    let found = found.filter(|s| !s.used && s.expires > now);
    let free = Users.is_empty(cx)?;
    found.filter(|_| free).ok_or_else(|| Error::new(403, "platform.setup_token"))
}

/// Makes the one-time secret with which a company and its administrator are set up; it lives 30 minutes.
///
/// # Errors
/// As writing does.
pub fn setup_token(kernel: &Kernel) -> Result<String> {
    let secret = secret()?;
    let nobody = Arc::new(Principal::system(Arc::default()));
    kernel.work(&nobody, "platform.setup.offer", |cx| {
        let expires = after(cx.now(), 30 * 60)?;
        cx.insert(Setup { hash: digest(&secret), expires, used: false })
    })?;
    Ok(secret)
}

/// Makes an API token for a user and answers it; only its digest is kept.
///
/// # Errors
/// `no_user` where there is none.
pub fn create_token(kernel: &Kernel, login: &str, name: &str, scope: &str, days: Option<i64>) -> Result<String> {
    let who = kernel.login(login)?;
    let token = format!("celek_{}", secret()?);
    kernel.work(&who, "platform.token.create", |cx| {
        let expires = days.map(|d| after(cx.now(), d.saturating_mul(86_400))).transpose()?;
        let scope = Some(scope.to_owned()).filter(|s| !s.is_empty());
        cx.insert(Token { name: name.to_owned(), hash: digest(&token), user: Id::new(who.user), scope, expires })
    })?;
    Ok(token)
}

/// Sets a user's password and ends the user's sessions.
///
/// # Errors
/// `no_user`; a password that is too short.
pub fn reset_password(kernel: &Kernel, login: &str, password: &str) -> Result<()> {
    if password.chars().count() < 8 {
        return Err(Error::field("password", "platform.password"));
    }
    let who = kernel.login(login)?;
    let hash = hash_password(password)?;
    let nobody = Arc::new(Principal::system(Arc::default()));
    kernel.work(&nobody, "platform.user.reset", |cx| {
        let user = Id::<User>::new(who.user);
        user::set_hash(cx, user, hash.clone())?;
        for session in cx.by::<Session>(&[("user", user.into())])? {
            cx.delete(session.id)?;
        }
        Ok(())
    })
}

/// Ends a token at once.
#[derive(Operation)]
#[operation(name = "platform.token.revoke", on = Token, allow = "admin", person_only, button = 2, dangerous,
    no_inverse = "Make another token.")]
pub struct Revoke {
    /// The token.
    pub token: Id<Token>,
}

impl Run for Revoke {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        cx.archive(self.token, true)
    }
}

/// A random password that can be read out.
///
/// # Errors
/// Where the system has no randomness.
pub fn random_password() -> Result<String> {
    Ok(secret()?.chars().take(16).collect())
}

/// The rights of all roles, from grants and rules.
///
/// # Errors
/// As reading does.
pub fn access(cx: &mut Cx<'_>) -> Result<Access> {
    let mut access = Access::default();
    let mut codes = HashMap::new();
    for role in cx.by::<user::Role>(&[("archived", Value::Int(0))])? {
        codes.insert(role.id, role.code.clone());
        access.roles.insert(role.code.clone(), RoleAccess { admin: role.admin, ..RoleAccess::default() });
    }
    for grant in cx.by::<user::Grant>(&[("archived", Value::Int(0))])? {
        if let Some(role) = codes.get(&grant.role).and_then(|c| access.roles.get_mut(c)) {
            role.grants.entry(grant.name.clone()).or_default().push_str(&grant.letters);
        }
    }
    for rule in cx.by::<user::Rule>(&[("archived", Value::Int(0))])? {
        // A rule that can no longer be read hides everything rather than showing everything.
        let filter = Filter::parse(&rule.filter.0).unwrap_or(Filter::Or(Vec::new()));
        if let Some(role) = codes.get(&rule.role).and_then(|c| access.roles.get_mut(c)) {
            role.rules.entry(rule.entity.clone()).or_default().push((filter, rule.read, rule.write));
        }
    }
    Ok(access)
}
