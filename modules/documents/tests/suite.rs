//! Documents from what is stored.

#![allow(clippy::unwrap_used)]

use documents::Template;
use kernel::{Currency, Dec, Id, Language, Module, Money};
use serde_json::json;
use trial::Trial;

const MODULES: &[&Module] = &[&party::MODULE, &documents::MODULE];

#[test]
fn a_letter_is_typeset_in_the_language_of_its_reader() {
    let trial = Trial::new(MODULES);
    let party = trial.create(
        "sales",
        "party.party",
        json!({
            "name": "Odběratel a.s.", "reg_no": "12 34 56 79", "language": "en",
            "addresses": [
                {"kind": "delivery", "street": "Skladová 1", "city": "Brno", "postcode": "602 00"},
                {"kind": "invoice", "street": "Hlavní 5", "city": "Praha", "postcode": "110 00"},
            ],
        }),
    );
    let system = trial.system();
    let file = trial
        .kernel()
        .read(&system, |cx| {
            let id = Id::new(party);
            let language = documents::language(cx, id)?;
            assert_eq!(language, Language::En);
            let customer = documents::customer(cx, id, party::AddressKind::Invoice)?;
            assert_eq!(customer["address"], json!(["Hlavní 5", "110 00 Praha"]));
            assert_eq!(customer["registration"], "12345679");
            let data = json!({
                "date": "2026-11-24",
                "supplier": documents::supplier(cx)?,
                "customer": customer,
                "subject": "Reminder",
                "body": ["Good day,", "please pay."],
            });
            documents::pdf("reminder", Template::Letter, &data, language)
        })
        .unwrap();
    assert_eq!((file.name.as_str(), file.media_type.as_str()), ("reminder.pdf", "application/pdf"));
    // "%PDF-" in base64.
    assert!(file.content.0.starts_with("JVBERi"));
}

#[test]
fn what_cannot_be_typeset_is_refused() {
    let error = documents::pdf("x", Template::Invoice, &json!({"lines": "no"}), Language::Cs).err().unwrap();
    assert_eq!((error.status, error.code.as_ref()), (409, "documents.typeset"));
}

#[test]
fn amounts_are_printed_as_the_reader_writes_them() {
    let money = Money::new(123_456, Currency::CZK);
    assert_eq!(documents::amount(Language::Cs, money).replace('\u{a0}', " "), "1 234,56 Kč");
    assert_eq!(documents::quantity(Language::Cs, Dec::<6>::from_raw(1_500_000)), "1,5");
    let price = |raw| documents::price(Language::En, Dec::<6>::from_raw(raw), Currency::CZK);
    assert_eq!(
        (price(10_500_000).as_str(), price(2_005_000).as_str(), price(-1).as_str()),
        ("10.50", "2.005", "-0.000001")
    );
    assert_eq!(documents::percent(Language::Cs, Dec::from_raw(2_100)).replace('\u{a0}', " "), "21 %");
    assert_eq!(documents::day(Language::Cs, jiff::civil::date(2026, 11, 4)).replace('\u{a0}', " "), "4. 11. 2026");
}
