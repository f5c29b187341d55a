//! Who acts: principals by user, login or secret, kept until rights change.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use parking_lot::RwLock;

use crate::{
    access::Principal,
    cx::Cx,
    engine::Kernel,
    error::{Error, Result},
};

/// Principals by user and company, and the version of the rights that they had.
pub(crate) type Principals = RwLock<(i64, HashMap<(i64, i64), Arc<Principal>>)>;

/// Principals by the digest of their secret, since when they are trusted, and the version of the rights.
pub(crate) type Secrets = RwLock<(i64, HashMap<[u8; 32], (jiff::Timestamp, Arc<Principal>)>)>;

/// For how long a secret is taken on trust.
const TRUST: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);
/// Most secrets that are kept.
const MOST_SECRETS: usize = 10_000;

impl Kernel {
    /// The principal of a user; kept until rights change.
    ///
    /// # Errors
    /// 401 where there is no such active user.
    pub fn principal(&self, user: i64, company: i64) -> Result<Arc<Principal>> {
        let version = self.shared.access_version.load(Ordering::Acquire);
        {
            let cache = self.principals.read();
            if cache.0 == version
                && let Some(found) = cache.1.get(&(user, company))
            {
                return Ok(found.clone());
            }
        }
        let directory = self.directory()?;
        let found = self
            .system_read(|cx| directory.principal(user, company, cx))?
            .ok_or_else(|| Error::new(401, "signed_out"))?;
        let found = Arc::new(found);
        let mut cache = self.principals.write();
        if cache.0 != version {
            *cache = (version, HashMap::new());
        }
        cache.1.insert((user, company), found.clone());
        Ok(found)
    }

    /// The principal with this login.
    ///
    /// # Errors
    /// 401 where there is none.
    pub fn login(&self, login: &str) -> Result<Arc<Principal>> {
        let directory = self.directory()?;
        let user = self
            .system_read(|cx| directory.user(login, cx))?
            .ok_or_else(|| Error::new(401, "no_user").with("login", login))?;
        self.principal(user, 0)
    }

    /// The principal of a session or token. For a second it is taken on trust, unless rights or secrets change.
    ///
    /// # Errors
    /// 401 where the secret is unknown or over.
    pub fn by_secret(&self, secret: &str) -> Result<Arc<Principal>> {
        let version = self.shared.access_version.load(Ordering::Acquire);
        let (key, now) = (*blake3::hash(secret.as_bytes()).as_bytes(), self.shared.now());
        {
            let known = self.secrets.read();
            if known.0 == version
                && let Some((at, who)) = known.1.get(&key)
                && now.duration_since(*at).abs() < TRUST
            {
                return Ok(who.clone());
            }
        }
        let directory = self.directory()?;
        let (user, company, scope) =
            self.system_read(|cx| directory.by_secret(secret, cx))?.ok_or_else(|| Error::new(401, "signed_out"))?;
        let who = self.principal(user, company)?;
        let who = if scope.is_empty() { who } else { Arc::new(Principal { scope, ..(*who).clone() }) };
        let mut known = self.secrets.write();
        if known.0 != version || known.1.len() >= MOST_SECRETS {
            *known = (version, HashMap::new());
        }
        known.1.insert(key, (now, who.clone()));
        Ok(who)
    }

    /// The system in the first company (in none where there is none yet).
    ///
    /// # Errors
    /// As reading does.
    pub fn system(&self) -> Result<Arc<Principal>> {
        let first = self.systems()?.into_iter().next();
        Ok(first.unwrap_or_else(|| Arc::new(Principal::system(Arc::default()))))
    }

    /// The system in every company, in the order of their founding.
    ///
    /// # Errors
    /// As reading does.
    pub fn systems(&self) -> Result<Vec<Arc<Principal>>> {
        let companies = match self.directory {
            Some(directory) => self.system_read(|cx| directory.companies(cx))?,
            None => Vec::new(),
        };
        Ok(companies.into_iter().map(|company| Arc::new(Principal::system(Arc::new(company)))).collect())
    }

    fn system_read<T>(&self, f: impl FnOnce(&mut Cx<'_>) -> Result<T>) -> Result<T> {
        self.read(&Arc::new(Principal::system(Arc::default())), f)
    }
}
