//! Who asks: tokens and sessions, requests from other sites, the name under which a demo company answers.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use kernel::{Error, Language, Principal, Result};

use crate::app::{App, Call};

/// Name of the cookie of a session.
pub(crate) const COOKIE: &str = "celek_session";

/// Who asks.
#[derive(Clone, Default)]
pub(crate) struct Caller {
    /// Who is signed in, in that person's own language.
    pub signed_in: Option<Arc<Principal>>,
    /// The secret of the session or token.
    pub secret: Option<String>,
}

impl Caller {
    /// The principal that acts, in the language of the answer.
    ///
    /// # Errors
    /// 401 where nobody is signed in.
    pub fn who(&self, language: Option<Language>) -> Result<Arc<Principal>> {
        let who = self.signed_in.clone().ok_or_else(|| Error::new(401, "signed_out"))?;
        Ok(in_language(who, language))
    }
    /// The language of answers.
    pub fn language(&self, call: &Call) -> Language {
        let own = || self.signed_in.as_ref().map(|w| w.language);
        call.language().or_else(own).or_else(|| call.browser_language()).unwrap_or_default()
    }
}

/// A principal whose answers are in a language.
pub(crate) fn in_language(who: Arc<Principal>, language: Option<Language>) -> Arc<Principal> {
    match language {
        Some(language) if language != who.language => Arc::new(Principal { language, ..(*who).clone() }),
        _ => who,
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|v| v.to_str().ok());
    all.flat_map(|v| v.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == COOKIE && !value.is_empty() && value.len() <= 200).then_some(value)
    })
}

/// Finds who asks. `open`: an operation that anybody may call, also from another site.
///
/// # Errors
/// 401 for a token that is not valid, 403 for writes from other sites.
pub(crate) fn authenticate(app: &App, call: &Call, open: bool) -> Result<Caller> {
    if let Some(given) = call.headers.get(header::AUTHORIZATION) {
        let token =
            given.to_str().ok().and_then(|t| t.split_once(' ')).filter(|(way, _)| way.eq_ignore_ascii_case("bearer"));
        let token = token.map(|(_, token)| token.trim()).filter(|t| !t.is_empty() && t.len() <= 300);
        let token = token.ok_or_else(|| Error::new(401, "signed_out"))?;
        let who = app.kernel.by_secret(token)?;
        return Ok(Caller { signed_in: Some(who), secret: Some(token.to_owned()) });
    }
    if call.writes()
        && let Err(error) = same_origin(call)
    {
        // A web form on another site may call what anybody may call, as nobody: the cookie does not count there.
        return if open { Ok(Caller::default()) } else { Err(error) };
    }
    let Some(secret) = cookie(&call.headers) else { return Ok(Caller::default()) };
    match app.kernel.by_secret(secret) {
        Ok(who) => Ok(Caller { signed_in: Some(who), secret: Some(secret.to_owned()) }),
        Err(error) if error.status == 401 => Ok(Caller::default()),
        Err(error) => Err(error),
    }
}

/// A browser says from where a request comes; one that writes has to come from our own pages.
pub(crate) fn same_origin(call: &Call) -> Result<()> {
    let refused = || Err(Error::new(403, "origin"));
    if call.header("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return refused();
    }
    if let Some(origin) = call.headers.get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or("");
        let from = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        let host = call.header(header::HOST).unwrap_or("");
        if from.is_none_or(|from| host.is_empty() || !from.eq_ignore_ascii_case(host)) {
            return refused();
        }
    }
    Ok(())
}

/// Whether a Host header names this very machine.
pub(crate) fn local_host(host: Option<&str>) -> bool {
    let Some(host) = host else { return false };
    let name = if let Some(rest) = host.strip_prefix('[') {
        let Some((inner, port)) = rest.split_once(']') else { return false };
        if !(port.is_empty() || port.starts_with(':')) {
            return false;
        }
        return inner == "::1";
    } else {
        host.split_once(':').map_or(host, |(name, _)| name)
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1"
}

#[cfg(test)]
mod tests {
    use super::local_host;

    #[test]
    fn only_names_of_this_machine_are_local() {
        for good in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:8080"] {
            assert!(local_host(Some(good)), "{good}");
        }
        for bad in ["", "example.com", "localhost.example.com", "127.0.0.1.example.com", "[::2]", "[::1]x", "10.0.0.1"]
        {
            assert!(!local_host(Some(bad)), "{bad}");
        }
        assert!(!local_host(None));
    }
}
