//! Where a database is: what an address says.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use postgres::Config;

use super::errors::translate;
use super::secure::Secure;
use super::session::{Role, Session};
use crate::stats::Counters;
use crate::{Error, Result, quoted};

/// A database on a server, and the schema in it.
#[derive(Clone)]
pub(super) struct Place {
    config: Config,
    secure: Secure,
    schema: Option<String>,
}

impl Place {
    /// Reads `postgres://user:password@host:port/database?schema=NAME&sslmode=…&sslrootcert=FILE`.
    pub(super) fn parse(url: &str) -> Result<Place> {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut schema, mut mode, mut root) = (None, None, None);
        let mut rest = Vec::new();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("schema", name)) => schema = Some(name.to_owned()),
                Some(("sslmode", name)) => mode = Some(name),
                Some(("sslrootcert", file)) => root = Some(file.replace("%2F", "/").replace("%2f", "/")),
                _ => rest.push(part),
            }
        }
        if let Some(name) = &schema {
            crate::schema::check_name(name)?;
        }
        let address = if rest.is_empty() { address.to_owned() } else { format!("{address}?{}", rest.join("&")) };
        // The address may hold a password: it is never part of a message.
        let mut config = Config::from_str(&address).map_err(|_| {
            Error::sql("the address cannot be read: write postgres://user:password@host:port/database?schema=NAME")
        })?;
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(Error::sql("the address names no database: write postgres://user:password@host:port/database"));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        if config.get_application_name().is_none() {
            config.application_name("celek");
        }
        let secure = Secure::of(&mut config, mode, root.as_deref())?;
        Ok(Place { config, secure, schema })
    }

    /// Opens a connection.
    pub(super) fn connect(&self, role: Role, busy: Duration, counters: Arc<Counters>) -> Result<Session> {
        Session::open(self.client()?, self.schema.as_deref(), role, busy, counters)
    }

    /// A plain connection, for what is no transaction of the store.
    pub(super) fn client(&self) -> Result<postgres::Client> {
        self.secure.connect(&self.config).map_err(|error| translate(&error, "connect"))
    }

    /// A plain connection that works in the schema.
    pub(super) fn ready(&self) -> Result<postgres::Client> {
        let mut client = self.client()?;
        if let Some(schema) = &self.schema {
            let sql = format!("SET search_path TO {}", quoted(schema));
            client.batch_execute(&sql).map_err(|error| translate(&error, &sql))?;
        }
        Ok(client)
    }

    /// Makes sure that the schema is there, and that the database speaks UTF-8. Answers a name that is this schema's
    /// alone on the server.
    pub(super) fn prepare(&self, create: bool) -> Result<String> {
        let mut client = self.client()?;
        let failed = |error: postgres::Error| translate(&error, "open");
        let sql = "SELECT current_setting('server_encoding'), current_setting('server_version_num')::int, \
                   current_database()::text, current_schema()::text";
        let row = client.query_one(sql, &[]).map_err(failed)?;
        let (encoding, version): (String, i32) = (row.get(0), row.get(1));
        if encoding != "UTF8" {
            return Err(Error::sql(format!("the database has the encoding {encoding}, Celek needs UTF8")));
        }
        if version < 150_000 {
            return Err(Error::sql(format!("the server has version {}, Celek needs 15 or newer", version / 10_000)));
        }
        let database: String = row.get(2);
        let Some(schema) = &self.schema else {
            let schema: Option<String> = row.get(3);
            let schema = schema.ok_or_else(|| Error::sql("the database has no schema: add ?schema=NAME"))?;
            return Ok(format!("{database}.{schema}"));
        };
        let found = |client: &mut postgres::Client| {
            let sql = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
            client.query_opt(sql, &[schema]).map(|row| row.is_some())
        };
        if !found(&mut client).map_err(failed)? {
            if !create {
                return Err(Error::NotFound(format!("schema {schema} in database {database}")));
            }
            let made = client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(schema)));
            // Two that start at once both try; one of them is told that the name is taken.
            if let Err(error) = made
                && !found(&mut client).map_err(failed)?
            {
                return Err(failed(error));
            }
        }
        Ok(format!("{database}.{schema}"))
    }
}
