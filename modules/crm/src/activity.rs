//! What happened with customers: calls, meetings, letters, notes.

use kernel::{AnyRef, Cx, Entity, Id, LongText, Operation, Result, Right, Run, choice};
use party::Party;
use platform::User;

choice!(
    /// What happened.
    ActivityKind { Call = "call", Meeting = "meeting", Mail = "mail", Note = "note" }
);

/// Something that happened.
#[derive(Entity)]
#[entity(name = "crm.activity", plural = "Activities", plain, append_only, title = kind, read = "sales manager", area = "customers",
    indexed(subject, subject_entity))]
pub struct Activity {
    /// What it was about.
    pub subject: AnyRef,
    /// The customer.
    #[field(indexed)]
    pub party: Option<Id<Party>>,
    /// What happened.
    pub kind: ActivityKind,
    /// In words.
    pub text: Option<LongText>,
    /// When.
    pub at: jiff::Timestamp,
    /// Who.
    pub by: Option<Id<User>>,
}

pub(crate) fn log(cx: &mut Cx<'_>, subject: AnyRef, party: Option<Id<Party>>, kind: &str, text: &str) -> Result<()> {
    let (at, by) = (cx.now(), Some(cx.who().user).filter(|u| *u != 0).map(Id::new));
    let kind = ActivityKind::from_value(kind).unwrap_or(ActivityKind::Note);
    let text = Some(LongText(text.to_owned())).filter(|t| !t.0.is_empty());
    cx.insert(Activity { subject, party, kind, text, at, by })?;
    Ok(())
}

/// Notes what happened with a record.
#[derive(Operation)]
#[operation(name = "crm.activity.log", allow = "sales manager", no_inverse = "What happened, happened; log another.")]
pub struct LogActivity {
    /// What it was about.
    pub subject: AnyRef,
    /// The customer.
    pub party: Option<Id<Party>>,
    /// What happened.
    pub kind: ActivityKind,
    /// In words.
    pub text: LongText,
}

impl Run for LogActivity {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        cx.require(self.subject.entity, Right::Read)?;
        cx.row(self.subject.entity, self.subject.id)?;
        log(cx, self.subject, self.party, self.kind.value(), &self.text.0)
    }
}
