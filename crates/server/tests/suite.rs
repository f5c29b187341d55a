//! The HTTP contract, over a real server on a fresh company.

#[path = "suite/bad_input.rs"]
mod bad_input;
#[path = "suite/bulk.rs"]
mod bulk;
#[path = "suite/companies.rs"]
mod companies;
#[path = "suite/live.rs"]
mod live;
#[path = "suite/open.rs"]
mod open;
#[path = "suite/reading.rs"]
mod reading;
#[path = "suite/signing_in.rs"]
mod signing_in;
#[path = "suite/writing.rs"]
mod writing;

use serde_json::json;
use server::{Running, ServeOptions};
use trial::{Trial, http::Client};

/// A served company; the server stops before the trial proves its invariants.
pub struct Served {
    server: Option<Running>,
    /// The company.
    pub trial: Trial,
}

impl Served {
    /// Serves a fresh company.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        let trial = Trial::new(&[&party::MODULE, &server::MODULE]);
        let options =
            ServeOptions { background: false, ..ServeOptions::at("127.0.0.1:0".parse().expect("an address")) };
        let server = server::start(trial.shared(), options).expect("the server starts");
        Self { server: Some(server), trial }
    }
    /// Nobody's client.
    pub fn client(&self) -> Client {
        Client::new(self.server.as_ref().expect("the server runs").addr())
    }
    /// A client with a user's token.
    pub fn as_user(&self, login: &str) -> Client {
        let token = platform::create_token(self.trial.kernel(), login, "test", "", None).expect("a token");
        self.client().token(&token)
    }
    /// A user with a password, signed in with a cookie.
    pub fn signed_in(&self, login: &str) -> Client {
        platform::reset_password(self.trial.kernel(), login, "a good password").expect("a password");
        let reply = self.client().post("/api/v1/session", &json!({"user": login, "password": "a good password"}));
        assert_eq!(reply.status, 200, "{}", reply.text());
        let cookie = reply.header("set-cookie").split(';').next().unwrap_or("").to_owned();
        self.client().with("cookie", &cookie)
    }
    /// Parties that there are.
    pub fn parties(&self) -> usize {
        self.trial.list("party.party", json!({})).len()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }
}
