//! Deals of the demo company: a pipeline at home and one for export, in Czech and in English, in every stage.

use kernel::{Error, Result};
use serde_json::{Value as J, json};

use super::Demo;

/// Name, country, currency of its deals.
const ABROAD: &[(&str, &str, &str)] = &[
    ("Thistle & Clay Ltd", "GB", "GBP"),
    ("Harbour Tea Rooms", "GB", "GBP"),
    ("Töpferhaus Müller GmbH", "DE", "EUR"),
    ("Maple Street Gifts LLC", "US", "USD"),
    ("Nordisk Bord AB", "SE", "EUR"),
];

const AT_HOME: &[&str] = &[
    "Hrnky s logem",
    "Nádobí pro novou restauraci",
    "Vázy do recepce",
    "Dárkové sady na Vánoce",
    "Květináče pro hotel",
    "Konvice do čajovny",
    "Talíře pro školní jídelnu",
    "Svícny na svatby",
    "Džbány pro vinný sklep",
    "Misky do bistra",
    "Sady pro zaměstnance",
    "Keramika do e-shopu",
    "Obnova nádobí v penzionu",
    "Vzorky pro designérku",
];

const FOR_EXPORT: &[&str] = &[
    "Mugs for the summer season",
    "Table ware for six tea rooms",
    "Stoneware collection",
    "Gift sets for Christmas",
    "Vases for a flower market",
    "Private label teapots",
    "Bowls, second order",
];

const STEPS: &[(&str, &str)] = &[
    ("Zavolat kvůli množství", "Call about quantities"),
    ("Poslat vzorky", "Send samples"),
    ("Domluvit schůzku", "Arrange a meeting"),
    ("Poslat upravenou nabídku", "Send the revised quote"),
];
const TALKS: &[(&str, &str, &str)] = &[
    ("call", "Zajímá je dodací lhůta a balení.", "They ask about delivery times and packing."),
    ("meeting", "Prošli jsme vzorník, líbí se modrá řada.", "We went through the samples; they like the blue range."),
    ("note", "Rozhoduje majitelka, vrátí se příští týden.", "The owner decides, she is back next week."),
];
const REASONS: &[(&str, &str)] = &[
    ("Koupili levnější z dovozu", "They bought a cheaper import"),
    ("Odloženo na příští rok", "Put off until next year"),
];

/// A pipeline of its own for export, with the web form of the English site and a fair as sources of leads.
fn set_up(demo: &Demo<'_>) -> Result<i64> {
    let export = demo.create(
        "manager",
        "crm.pipeline",
        json!({"name": "Export", "place": 20, "stages": [
            {"name": "First contact", "place": 10, "probability": 15},
            {"name": "Samples sent", "place": 20, "probability": 40},
            {"name": "Terms", "place": 30, "probability": 70},
            {"name": "Signed", "place": 40, "won": true},
            {"name": "Gone elsewhere", "place": 50, "lost": true},
        ]}),
    )?;
    demo.create(
        "manager",
        "crm.stream",
        json!({"code": "EN", "name": "English site", "source": "web", "pipeline": export}),
    )?;
    let sales = demo.who("sales")?.user;
    demo.create(
        "manager",
        "crm.stream",
        json!({"code": "VELETRH", "name": "Veletrh For Gastro", "source": "fair", "salesperson": sales}),
    )?;
    Ok(export)
}

/// Open stages of a pipeline in their order, and those where won and lost deals end.
fn stages(demo: &Demo<'_>, pipeline: &J) -> Result<(Vec<J>, J, J)> {
    let mut all = demo.rows("sales", "crm.stage", json!({"pipeline": pipeline}), 50)?;
    all.sort_by_key(|stage| stage["place"].as_i64());
    let ends = |which: &str| all.iter().find(|s| s[which] == json!(true)).map_or(J::Null, |s| s["id"].clone());
    let (won, lost) = (ends("won"), ends("lost"));
    let open = all.iter().filter(|s| s["won"] == json!(false) && s["lost"] == json!(false));
    Ok((open.map(|s| s["id"].clone()).collect(), won, lost))
}

/// Deals of the last three months: some in each stage, some decided, a few that nobody thinks of.
pub(super) fn fill(demo: &mut Demo<'_>, parties: &[i64]) -> Result<()> {
    demo.at(95, 7)?;
    let export = set_up(demo)?;
    let home = demo
        .rows("sales", "crm.pipeline", json!({"id": {"ne": export}}), 1)?
        .into_iter()
        .next()
        .ok_or_else(|| Error::internal("a company without a pipeline"))?["id"]
        .clone();
    for (i, name) in AT_HOME.iter().enumerate() {
        let customer = *demo.dice.pick(parties);
        deal(demo, i, name, customer, &home, "CZK", true)?;
    }
    let mut abroad = Vec::new();
    for (i, (name, country, currency)) in ABROAD.iter().enumerate() {
        let body =
            json!({"name": name, "country": country, "language": "en", "email": format!("buyer{i}@abroad.example")});
        abroad.push((demo.create("sales", "party.party", body)?, *currency));
    }
    for (i, name) in FOR_EXPORT.iter().enumerate() {
        let (customer, currency) = *demo.dice.pick(&abroad);
        deal(demo, i, name, customer, &json!(export), currency, false)?;
    }
    Ok(())
}

fn deal(
    demo: &mut Demo<'_>,
    i: usize,
    name: &str,
    customer: i64,
    pipeline: &J,
    currency: &str,
    czech: bool,
) -> Result<()> {
    let (open, won, lost) = stages(demo, pipeline)?;
    let said = |(cs, en): (&str, &str)| if czech { cs.to_owned() } else { en.to_owned() };
    let age = 8 + i64::try_from(demo.dice.roll(80)).unwrap_or(0);
    demo.at(age, 9)?;
    let thousands = 2 + demo.dice.roll(if czech { 90 } else { 9 });
    let amount = json!({"amount": format!("{thousands}000"), "currency": currency});
    let body = json!({"name": name, "party": customer, "stage": open.first(), "amount": amount});
    let id = demo.create("sales", "crm.deal", body)?;
    let about = json!({"entity": "crm.deal", "id": id});
    // Each stage has its deals; every fifth deal goes on to its end.
    let reach = i % open.len();
    let decided = i % 5 == 4;
    for (n, stage) in open.iter().enumerate().skip(1).take(if decided { open.len() } else { reach }) {
        let days = (age - 2 * i64::try_from(n).unwrap_or(0)).max(3);
        demo.at(days, 10)?;
        let (kind, cs, en) = *demo.dice.pick(TALKS);
        demo.run("sales", "crm.activity.log", json!({"subject": about, "kind": kind, "text": said((cs, en))}))?;
        demo.run("sales", "crm.deal.move", json!({"deal": id, "stage": stage}))?;
    }
    demo.at(2, 11)?;
    if decided && i.is_multiple_of(2) {
        demo.run("sales", "crm.deal.move", json!({"deal": id, "stage": won}))?;
    } else if decided {
        let reason = said(*demo.dice.pick(REASONS));
        demo.run("sales", "crm.deal.move", json!({"deal": id, "stage": lost, "reason": reason}))?;
    } else if i % 6 != 5 {
        let day = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
        let due = day.checked_add(jiff::ToSpan::days(1 + i64::try_from(demo.dice.roll(14)).unwrap_or(0)));
        let due = due.map_err(|e| Error::internal(e.to_string()))?;
        let what = said(*demo.dice.pick(STEPS));
        demo.run("sales", "crm.deal.next_step", json!({"deal": id, "what": what, "due": due.to_string()}))?;
    }
    Ok(())
}
