//! `celek serve`: runs the system, and hands its letters to a mail server where one is set.

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use kernel::{Kernel, Principal};
use mail::{Mailer, SmtpSettings, Tls};
use server::{Sender, ServeOptions};

use crate::{cli::ServeArgs, failure::Failure, open, output::print_line, post::Post};

/// The mail server from the settings CELEK_SMTP_HOST, PORT, USER, PASSWORD, FROM and TLS (`none`, `starttls`, `tls`).
fn post() -> Result<Option<Arc<dyn Sender>>, Failure> {
    let setting = |name: &str| std::env::var(format!("CELEK_SMTP_{name}")).ok().filter(|v| !v.is_empty());
    let Some(host) = setting("HOST") else { return Ok(None) };
    let tls = match setting("TLS").as_deref() {
        None | Some("starttls") => Tls::StartTls,
        Some("tls") => Tls::Tls,
        Some("none") => Tls::None,
        Some(other) => return Err(Failure::usage(format!("CELEK_SMTP_TLS is none, starttls or tls, not {other}"))),
    };
    let port = match setting("PORT") {
        Some(port) => port.parse().map_err(|_| Failure::usage("CELEK_SMTP_PORT is not a port"))?,
        None => match tls {
            Tls::Tls => 465,
            Tls::StartTls => 587,
            Tls::None => 25,
        },
    };
    let from = setting("FROM")
        .ok_or_else(|| Failure::usage("CELEK_SMTP_FROM is missing: the address that letters come from"))?;
    let settings = SmtpSettings { host, port, tls, user: setting("USER"), password: setting("PASSWORD") };
    let mailer = Mailer::new(&settings).map_err(|e| Failure::usage(format!("mail: {e}")))?;
    Ok(Some(Arc::new(Post::new(mailer, from))))
}

fn address(addr: SocketAddr) -> String {
    if addr.ip().is_unspecified() { format!("http://localhost:{}", addr.port()) } else { format!("http://{addr}") }
}

/// `celek serve`.
pub fn run(db: &str, args: ServeArgs) -> Result<ExitCode, Failure> {
    let sender = post()?;
    let kernel = Arc::new(open::or_create(db)?);
    let fail = |error| Failure::of(&kernel, error, false);
    let nobody = Arc::new(Principal::system(Arc::default()));
    let directory = kernel.directory().map_err(fail)?;
    let empty = kernel.read(&nobody, |cx| directory.is_empty(cx)).map_err(fail)?;
    let options = ServeOptions { sender, secure: args.secure, ..ServeOptions::at(args.listen) };
    let running = server::start(kernel.clone(), options)
        .map_err(|e| Failure::no(format!("cannot listen at {}: {e}", args.listen)))?;
    let at = address(running.addr());
    print_line(&format!("Celek runs at {at}"));
    if empty {
        // To the terminal only, never to the log.
        let token = platform::setup_token(&kernel).map_err(fail)?;
        print_line("Set up the company and its administrator with this link; it works once, for 30 minutes:");
        print_line(&format!("{at}/setup?token={token}"));
    } else {
        hint(&kernel, &at);
    }
    running.wait().map_err(|e| Failure::no(e.to_string()))?;
    if let Ok(kernel) = Arc::try_unwrap(kernel) {
        let _ = kernel.close();
    }
    Ok(ExitCode::SUCCESS)
}

fn hint(kernel: &Kernel, at: &str) {
    if kernel.system().is_ok_and(|s| s.company.demo) {
        print_line(&format!(
            "This is a demo company: open {at} and sign in as admin, sales, stock, accounts, buyer or manager; the password is demo."
        ));
    }
}
