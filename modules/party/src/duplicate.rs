//! Candidates for duplicates: parties that may be the same as one that is being entered. They are told, never refused, and
//! nothing is merged by itself.

use kernel::{Cx, Email, Fields, Filter, Id, Note, Operation, Phone, Query, Result, Run, Value};

use crate::party::{Contact, Party};

/// Most candidates of a kind.
const MOST: usize = 10;

/// Words that say what form a company has and nothing about which one it is, folded and without dots.
const FORMS: &[&str] = &[
    "sro", "spol", "spols", "s", "ro", "as", "ks", "vos", "zs", "zu", "ops", "sp", "zoo", "ltd", "limited", "llc",
    "inc", "corp", "plc", "co", "gmbh", "ag", "kg", "ohg", "ug", "sa", "sas", "sarl", "srl", "spa", "bv", "nv", "oy",
    "ab", "aps", "kft", "zrt", "doo",
];

/// A name without case, diacritics, punctuation and legal form: two parties whose cores are equal are called the same.
pub fn core_name(name: &str) -> String {
    let folded = kernel::fold(name).replace(". ", ".");
    let words: Vec<String> = folded
        .split(|c: char| c.is_whitespace() || c == ',')
        .map(|word| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>())
        .filter(|word| !word.is_empty())
        .collect();
    let kept: Vec<&str> = words.iter().map(String::as_str).filter(|word| !FORMS.contains(word)).collect();
    if kept.is_empty() { words.join(" ") } else { kept.join(" ") }
}

/// Finds parties that may be the same as one that is being entered: same number, e-mail or phone, or a like name.
#[derive(Operation)]
#[operation(name = "party.party.duplicates", allow = "*", read)]
pub struct Duplicates {
    /// Name.
    pub name: Option<String>,
    /// Registration number.
    pub reg_no: Option<String>,
    /// E-mail address.
    pub email: Option<Email>,
    /// Phone number.
    pub phone: Option<Phone>,
}

/// A party that may be the same.
#[derive(Fields)]
pub struct Candidate {
    /// The party.
    pub party: Id<Party>,
    /// Its name.
    pub name: String,
    /// What is the same: `reg_no`, `email`, `phone` or `name`.
    pub same: String,
}

/// Candidates, the surest first.
#[derive(Fields)]
pub struct Candidates {
    /// The candidates.
    pub candidates: Vec<Candidate>,
}

impl Run for Duplicates {
    type Output = Candidates;
    fn run(self, cx: &mut Cx<'_>) -> Result<Candidates> {
        Ok(Candidates { candidates: find(cx, self)? })
    }
}

/// Candidates among the parties that who acts may read, each once with the surest that is the same; those that were merged away
/// are left out.
///
/// # Errors
/// As reading does.
pub fn find(cx: &mut Cx<'_>, wanted: Duplicates) -> Result<Vec<Candidate>> {
    let mut found: Vec<Candidate> = Vec::new();
    if let Some(number) = wanted.reg_no {
        let number: String = number.chars().filter(|c| !c.is_whitespace()).collect();
        by_field(cx, &mut found, "reg_no", number, "reg_no")?;
    }
    if let Some(email) = wanted.email {
        let email = email.0.to_lowercase();
        by_field(cx, &mut found, "email", email.clone(), "email")?;
        by_contact(cx, &mut found, email, "email")?;
    }
    if let Some(phone) = wanted.phone {
        by_field(cx, &mut found, "phone", phone.0.clone(), "phone")?;
        by_contact(cx, &mut found, phone.0, "phone")?;
    }
    if let Some(name) = wanted.name {
        // Legal forms say nothing about who somebody is, and short words hit everybody.
        let core = core_name(&name);
        let words: Vec<&str> = core.split(' ').filter(|w| w.chars().count() > 2).take(4).collect();
        if !words.is_empty() {
            let query = Query { q: Some(words.join(" ")), limit: MOST, ..Query::of("party.party") };
            add(cx, &mut found, &query, "name")?;
        }
    }
    Ok(found)
}

fn by_field(cx: &mut Cx<'_>, found: &mut Vec<Candidate>, field: &str, value: String, same: &str) -> Result<()> {
    let query = Query { filter: Some(Filter::eq(field, value)), limit: MOST, ..Query::of("party.party") };
    add(cx, found, &query, same)
}

fn by_contact(cx: &mut Cx<'_>, found: &mut Vec<Candidate>, value: String, same: &str) -> Result<()> {
    let query = Query { filter: Some(Filter::eq("value", value)), limit: MOST, ..Query::of("party.contact") };
    for row in cx.select(&query, true)?.0 {
        let party = cx.get(Id::<Contact>::new(row.id))?.party;
        by_id(cx, found, party, same)?;
    }
    Ok(())
}

fn add(cx: &mut Cx<'_>, found: &mut Vec<Candidate>, query: &Query, same: &str) -> Result<()> {
    for row in cx.select(query, true)?.0 {
        by_id(cx, found, Id::new(row.id), same)?;
    }
    Ok(())
}

fn by_id(cx: &mut Cx<'_>, found: &mut Vec<Candidate>, party: Id<Party>, same: &str) -> Result<()> {
    if found.iter().any(|c| c.party == party) {
        return Ok(());
    }
    let record = cx.get(party)?;
    if record.merged_into.is_none() && !record.archived {
        found.push(Candidate { party, name: record.name.clone(), same: same.to_owned() });
    }
    Ok(())
}

/// Tells the candidates of a party that is being typed, beside what they share with it.
pub(crate) fn tell(old: Option<&Party>, new: &Party, cx: &mut Cx<'_>) -> Result<()> {
    let own = cx.ruled::<Party>();
    // Only what was typed is looked for: an old record is not scolded again for what it shares.
    let fresh = |same: bool| old.is_none() || !same;
    let wanted = Duplicates {
        name: Some(new.name.clone()).filter(|n| !n.is_empty() && fresh(old.is_some_and(|o| o.name == new.name))),
        reg_no: new.reg_no.clone().filter(|_| fresh(old.is_some_and(|o| o.reg_no == new.reg_no))),
        email: new.email.clone().filter(|_| fresh(old.is_some_and(|o| o.email == new.email))),
        phone: new.phone.clone().filter(|_| fresh(old.is_some_and(|o| o.phone == new.phone))),
    };
    let core = core_name(&new.name);
    for candidate in find(cx, wanted)? {
        // A name that only shares words is no candidate worth a remark.
        let called_same = candidate.same != "name" || core_name(&candidate.name) == core;
        if own == Some(candidate.party) || !called_same {
            continue;
        }
        let key = format!("party.party.same_{}", candidate.same);
        cx.tell(Note::new(&key).on(&candidate.same).with("name", candidate.name).link(candidate.party));
    }
    Ok(())
}

/// Whether a party can be reached under an address or number, its own or one of its contact points.
///
/// # Errors
/// As reading does.
pub fn reached_by(cx: &mut Cx<'_>, party: Id<Party>, value: &str) -> Result<bool> {
    let record = cx.get(party)?;
    let own = [record.email.as_ref().map(|e| e.0.as_str()), record.phone.as_ref().map(|p| p.0.as_str())];
    if own.contains(&Some(value)) {
        return Ok(true);
    }
    Ok(!cx.by::<Contact>(&[("party", party.into()), ("value", Value::from(value))])?.is_empty())
}

#[cfg(test)]
mod tests {
    use super::core_name;

    #[test]
    fn names_are_the_same_without_their_legal_form() {
        for name in ["Žižka a syn s.r.o.", "ŽIŽKA A SYN, spol. s r.o.", "zizka  a syn", "Žižka a syn, s. r. o."] {
            assert_eq!(core_name(name), "zizka a syn", "{name}");
        }
        assert_ne!(core_name("Žižka a syn"), core_name("Žižka a dcera"));
        assert_eq!(core_name("A.S."), "as");
    }
}
