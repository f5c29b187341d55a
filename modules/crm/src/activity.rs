//! What happened with customers: calls, meetings, letters, notes, and what became of leads and deals. The timeline of a party.

use kernel::{AnyRef, Cx, Entity, Error, Id, Kind, LetterSent, LongText, Operation, Result, Run, choice};
use party::Party;
use platform::User;

choice!(
    /// What happened.
    ActivityKind { Call = "call", Meeting = "meeting", Mail = "mail", Note = "note", Step = "step" => "amber",
        Converted = "converted" => "blue", Won = "won" => "green", Lost = "lost" => "red", Reopened = "reopened" => "blue" }
);

choice!(
    /// What a person can say has happened; the rest is written down by what happens.
    LoggedKind { Call = "call", Meeting = "meeting", Mail = "mail", Note = "note" }
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

/// Writes down what happened.
pub(crate) fn log(
    cx: &mut Cx<'_>,
    subject: AnyRef,
    party: Option<Id<Party>>,
    kind: ActivityKind,
    text: &str,
) -> Result<()> {
    let (at, by) = (cx.now(), Some(cx.who().user).filter(|u| *u != 0).map(Id::new));
    let text = Some(LongText(text.to_owned())).filter(|t| !t.0.is_empty());
    cx.insert(Activity { subject, party, kind, text, at, by })?;
    Ok(())
}

/// Whom a record is about: the party itself, or the one that the record names first.
fn party_of(cx: &mut Cx<'_>, subject: AnyRef) -> Result<Option<Id<Party>>> {
    if let Some(party) = subject.to::<Party>() {
        return Ok(Some(party));
    }
    let plan = cx.schema().plan(subject.entity)?.clone();
    let row = cx.row(subject.entity, subject.id)?;
    let named = plan.fields.iter().filter(|f| matches!(f.kind, Kind::Ref(to) if to == Party::NAME));
    Ok(named.into_iter().find_map(|f| plan.cell(f.name, &row.cells).as_int()).map(Id::new))
}

/// Notes what happened with a record that one may read.
#[derive(Operation)]
#[operation(name = "crm.activity.log", allow = "sales manager", no_inverse = "What happened, happened; log another.")]
pub struct LogActivity {
    /// What it was about.
    pub subject: AnyRef,
    /// The customer; follows from what it was about where empty.
    pub party: Option<Id<Party>>,
    /// What happened.
    pub kind: LoggedKind,
    /// In words.
    pub text: LongText,
}

impl Run for LogActivity {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        platform::readable(cx, self.subject)?;
        let own = party_of(cx, self.subject)?;
        if let Some(party) = self.party {
            platform::readable(cx, party.into())?;
            if own.is_some_and(|own| own != party) {
                return Err(Error::field("party", "crm.other_party"));
            }
        }
        let kind = match self.kind {
            LoggedKind::Call => ActivityKind::Call,
            LoggedKind::Meeting => ActivityKind::Meeting,
            LoggedKind::Mail => ActivityKind::Mail,
            LoggedKind::Note => ActivityKind::Note,
        };
        log(cx, self.subject, self.party.or(own), kind, &self.text.0)
    }
}

/// A letter that left stands in the timeline of whom it was about.
pub(crate) fn letter_left(event: &LetterSent, cx: &mut Cx<'_>) -> Result<()> {
    let Some(source) = event.source else { return Ok(()) };
    let Some(party) = party_of(cx, source)? else { return Ok(()) };
    let letter = cx.get(event.letter)?;
    let text = Some(LongText(format!("{} → {}", letter.subject, letter.recipient)));
    let activity =
        Activity { subject: source, party: Some(party), kind: ActivityKind::Mail, text, at: event.at, by: None };
    cx.insert(activity)?;
    Ok(())
}
