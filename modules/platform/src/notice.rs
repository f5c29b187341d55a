//! Notices: somebody should know of something that happened on a record.

use kernel::{AnyRef, Cx, Entity, Fields, Id, LongText, Operation, Result, Run, Value};

use crate::{note::readable, user::User};

/// Most notices that are shown.
const MOST: usize = 50;
/// Most people that one note names.
const NAMED: usize = 20;

/// Told to one person, who alone reads it, by `platform.notice.mine`.
#[derive(Entity)]
#[entity(name = "platform.notice", plain, by_operation, title = text, indexed(user))]
pub struct Notice {
    /// Who should know.
    pub user: Id<User>,
    /// On which record.
    pub record: AnyRef,
    /// What was written.
    pub text: LongText,
    /// Who wrote it.
    pub author: Option<Id<User>>,
    /// When.
    pub at: jiff::Timestamp,
    /// Was looked at.
    pub seen: bool,
}

/// Logins that a text names, `@jana`, each once.
pub(crate) fn named(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        // An e-mail address names nobody.
        if c == '@' && !before.is_alphanumeric() {
            let rest = text.get(at + 1..).unwrap_or("");
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(rest.len());
            let login = rest.get(..end).unwrap_or("").trim_end_matches('.').to_lowercase();
            if !login.is_empty() && !found.contains(&login) && found.len() < NAMED {
                found.push(login);
            }
        }
        before = c;
    }
    found
}

/// Tells those whom a note names. Whoever may not read the record is told nothing: that is judged when they look.
pub(crate) fn tell(cx: &mut Cx<'_>, record: AnyRef, text: &str, author: Option<Id<User>>) -> Result<()> {
    let at = cx.now();
    for login in named(text) {
        let Some(user) = cx.first::<User>(&[("login", Value::from(login.as_str()))])? else { continue };
        if !user.active || Some(user.id) == author {
            continue;
        }
        let user = user.id;
        cx.insert(Notice { user, record, text: LongText(text.to_owned()), author, at, seen: false })?;
    }
    Ok(())
}

/// What one should know, the newest first.
#[derive(Operation)]
#[operation(name = "platform.notice.mine", allow = "*", read)]
pub struct MyNotices {}

/// A notice.
#[derive(Fields)]
pub struct NoticeRow {
    /// The notice.
    pub notice: Id<Notice>,
    /// On which record.
    pub record: AnyRef,
    /// What was written.
    pub text: LongText,
    /// Who wrote it.
    pub author: Option<String>,
    /// When.
    pub at: jiff::Timestamp,
    /// Was looked at.
    pub seen: bool,
}

/// Notices.
#[derive(Fields)]
pub struct Notices {
    /// The notices.
    pub notices: Vec<NoticeRow>,
}

impl Run for MyNotices {
    type Output = Notices;
    fn run(self, cx: &mut Cx<'_>) -> Result<Notices> {
        let mut notices = Vec::new();
        let who = cx.who().user;
        for notice in cx.by::<Notice>(&[("user", Value::from(who))])?.into_iter().rev().take(MOST) {
            // A right may have gone meanwhile.
            if readable(cx, notice.record).is_err() {
                continue;
            }
            let author = match notice.author {
                Some(author) => Some(cx.get(author)?.name.clone()),
                None => None,
            };
            notices.push(NoticeRow {
                notice: notice.id,
                record: notice.record,
                text: notice.text.clone(),
                author,
                at: notice.at,
                seen: notice.seen,
            });
        }
        Ok(Notices { notices })
    }
}

/// Says that one has looked at one's notices.
#[derive(Operation)]
#[operation(name = "platform.notice.look", allow = "*", no_inverse = "It moves no value.")]
pub struct LookedAt {}

impl Run for LookedAt {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let who = cx.who().user;
        for mut notice in cx.by::<Notice>(&[("user", Value::from(who))])?.into_iter().rev().take(MOST) {
            if !notice.seen {
                notice.seen = true;
                cx.save(&mut notice)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn a_text_names_people_by_their_logins() {
        assert_eq!(named("@jana, look; so should @Petr.skala. jan@x.example not"), ["jana", "petr.skala"]);
        assert_eq!(named("@ @, @@jana @jana"), ["jana"]);
        assert!(named("nobody").is_empty());
    }
}
