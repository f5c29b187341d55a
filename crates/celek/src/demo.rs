//! The demo company: a shop for pottery with half a year behind it, made by the same operations as in any other company,
//! the same each time.

mod deals;

use std::sync::Arc;

use jiff::{Timestamp, ToSpan};
use kernel::{Ask, Currency, Error, Kernel, Principal, Result};
use platform::{NewCompany, NewUser};
use serde_json::{Value as J, json};

const USERS: &[(&str, &str, &str, &str)] = &[
    ("admin", "Jan Dvořák", "Administrator: sets everything up", "Správce: vše nastavuje"),
    ("sales", "Jana Nová", "Sales: leads, quotes and orders", "Obchod: poptávky, nabídky a objednávky"),
    ("stock", "Petr Skála", "Storekeeper: receives, ships, counts", "Skladník: přijímá, vydává, počítá"),
    ("accounts", "Eva Malá", "Accountant: invoices and payments", "Účetní: faktury a platby"),
    ("buyer", "Tomáš Horák", "Buyer: receives goods from suppliers", "Nákupčí: přijímá zboží od dodavatelů"),
    ("manager", "Marie Králová", "Manager: approves, watches the figures", "Vedoucí: schvaluje, sleduje čísla"),
];

/// Code, name, Czech name, price, cost.
const GOODS: &[(&str, &str, &str, &str, &str)] = &[
    ("HR-01", "Mug, white", "Hrnek bílý", "189", "71.50"),
    ("HR-02", "Mug, blue", "Hrnek modrý", "199", "74"),
    ("HR-03", "Mug with a saying", "Hrnek s nápisem", "229", "82"),
    ("TA-01", "Plate, shallow", "Talíř mělký", "159", "58.20"),
    ("TA-02", "Plate, deep", "Talíř hluboký", "169", "61"),
    ("MI-01", "Bowl, small", "Miska malá", "129", "44"),
    ("MI-02", "Bowl, large", "Mísa velká", "349", "128"),
    ("DZ-01", "Jug 1 l", "Džbán 1 l", "459", "171"),
    ("DZ-02", "Jug 2 l", "Džbán 2 l", "629", "240.10"),
    ("KO-01", "Teapot", "Konvice čajová", "799", "305"),
    ("VA-01", "Vase, slim", "Váza štíhlá", "549", "199"),
    ("VA-02", "Vase, round", "Váza kulatá", "599", "215"),
    ("SV-01", "Candle holder", "Svícen", "289", "96"),
    ("PO-01", "Flower pot 12 cm", "Květináč 12 cm", "119", "39"),
    ("PO-02", "Flower pot 20 cm", "Květináč 20 cm", "249", "88"),
    ("SA-01", "Coffee set for six", "Kávová sada pro šest", "2490", "960"),
];

const FIRST: &[&str] = &[
    "Adéla",
    "Bohumil",
    "Čeněk",
    "Dana",
    "Eliška",
    "František",
    "Hana",
    "Chrudoš",
    "Ivana",
    "Jiří",
    "Lenka",
    "Šárka",
    "Zdeněk",
    "Žaneta",
];
const LAST: &[&str] = &[
    "Novotný",
    "Svoboda",
    "Dvořák",
    "Černý",
    "Procházka",
    "Kučera",
    "Veselý",
    "Horák",
    "Němec",
    "Marek",
    "Pospíšil",
    "Šimek",
    "Říha",
    "Žák",
];
const PLACES: &[(&str, &str)] = &[
    ("Praha", "110 00"),
    ("Brno", "602 00"),
    ("Ostrava", "702 00"),
    ("Plzeň", "301 00"),
    ("Liberec", "460 01"),
    ("Olomouc", "779 00"),
    ("Kutná Hora", "284 01"),
    ("Třebíč", "674 01"),
];
const FORMS: &[&str] = &["Keramika", "Restaurace", "Kavárna", "Květinářství", "Dárky", "Penzion", "Galerie", "Domov"];

/// Small numbers that look random and are the same each time (a linear congruential generator, Knuth's MMIX constants).
pub struct Dice(u64);

impl Dice {
    /// Dice of this number roll like all others of it.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }
    /// A number below another.
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % (below.max(1) as u64)).unwrap_or(0)
    }
    /// One of a list that is not empty.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.roll(list.len())]
    }
}

struct Demo<'k> {
    kernel: &'k Kernel,
    dice: Dice,
}

impl Demo<'_> {
    fn who(&self, login: &str) -> Result<Arc<Principal>> {
        self.kernel.login(login)
    }
    fn run(&self, login: &str, operation: &str, input: J) -> Result<J> {
        Ok(self.kernel.run(operation, &input, &Ask::by(self.who(login)?))?.output)
    }
    fn create(&self, login: &str, entity: &str, body: J) -> Result<i64> {
        let made = self.kernel.create(entity, &body, &Ask::by(self.who(login)?))?;
        made.output["id"].as_i64().ok_or_else(|| Error::internal("a record without an id"))
    }
    fn rows(&self, login: &str, entity: &str, filter: J, limit: usize) -> Result<Vec<J>> {
        let query = kernel::Query { filter: Some(kernel::Filter::parse(&filter)?), limit, ..kernel::Query::of(entity) };
        let list = self.kernel.list(&self.who(login)?, &query, &kernel::Shape::default())?;
        Ok(list["rows"].as_array().cloned().unwrap_or_default())
    }
    /// Stops the clock this many days ago, at an hour of the working day.
    fn at(&self, days: i64, hour: i64) -> Result<()> {
        let now = Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC);
        let midnight =
            now.date().to_zoned_datetime(jiff::tz::TimeZone::UTC).map_err(|e| Error::internal(e.to_string()))?;
        let then = midnight
            .checked_sub(days.days())
            .and_then(|z| z.checked_add(hour.hours()))
            .map_err(|e| Error::internal(e.to_string()))?;
        self.kernel.shared().set_clock(Some(then.timestamp()));
        Ok(())
    }
}

/// Sets the company and its users up.
///
/// # Errors
/// As writing does.
pub fn found(kernel: &Kernel, name: &str, demo: bool) -> Result<()> {
    let nobody = Arc::new(Principal::system(Arc::default()));
    let hash = platform::hash_password("demo")?;
    let company = kernel.work(&nobody, "celek.demo", |cx| {
        let company = NewCompany::in_country(name, "CZ", Currency::CZK);
        let company = platform::found(cx, NewCompany { demo, ..company })?;
        for (login, name, does, does_cs) in USERS {
            let user = NewUser {
                login: (*login).to_owned(),
                name: (*name).to_owned(),
                email: Some(format!("{login}@hrnecky.example")),
                roles: vec![(*login).to_owned()],
                hash: Some(hash.clone()),
                does: Some(((*does).to_owned(), (*does_cs).to_owned())),
                ..NewUser::default()
            };
            platform::add_user(cx, company, user)?;
        }
        Ok(company)
    })?;
    kernel.forget_rights();
    let details = json!({
        "reg_no": "27074030", "vat_no": "CZ27074030", "street": "Hrnčířská 12", "city": "Kutná Hora", "postcode": "284 01",
        "iban": "CZ6508000000192000145399", "bank": "Česká spořitelna", "email": "info@hrnecky.example", "phone": "+420777123456",
    });
    kernel.change("platform.company", company.raw(), None, &details, &Ask::by(kernel.login("admin")?))?;
    Ok(())
}

/// Fills an empty database with the demo company and so many customers.
///
/// # Errors
/// As writing does; a database that is not empty is the caller's to refuse.
pub fn run(kernel: &Kernel, customers: usize) -> Result<()> {
    found(kernel, "Hrnečky s.r.o.", true)?;
    let mut demo = Demo { kernel, dice: Dice(2_026) };
    let result = fill(&mut demo, customers);
    kernel.shared().set_clock(None);
    result
}

fn fill(demo: &mut Demo<'_>, customers: usize) -> Result<()> {
    demo.at(180, 7)?;
    let mut goods = Vec::new();
    for (code, name, name_cs, price, cost) in GOODS {
        let body = json!({"code": code, "name": name_cs, "name_cs": name_cs, "note": name, "price": {"amount": price, "currency": "CZK"}});
        let id = demo.create("stock", "product.product", body)?;
        let quantity = 60 + demo.dice.roll(140);
        demo.run(
            "stock",
            "inventory.receipt.quick",
            json!({"product": id, "quantity": quantity.to_string(), "unit_cost": {"amount": cost, "currency": "CZK"}}),
        )?;
        goods.push(id);
    }
    let delivery = demo.create(
        "sales",
        "product.product",
        json!({"code": "DOPRAVA", "name": "Doprava", "kind": "service", "price": {"amount": "120", "currency": "CZK"}}),
    )?;
    let mut parties = Vec::new();
    for i in 0..customers.max(1) {
        parties.push(party(demo, i)?);
    }
    for i in 0..120_usize {
        // From long ago to today; the last ones are still on their way.
        let days = 170 - i64::try_from(i * 170 / 119).unwrap_or(0);
        order(demo, &parties, &goods, delivery, days, i)?;
    }
    deals::fill(demo, &parties)?;
    demo.at(3, 9)?;
    let spoiled = demo.create(
        "stock",
        "inventory.write_off",
        json!({"reason": "Rozbito při balení", "lines": [{"product": goods[0], "quantity": "2"}]}),
    )?;
    demo.run("manager", "inventory.write_off.approve", json!({"write_off": spoiled}))?;
    demo.run("stock", "inventory.write_off.post", json!({"write_off": spoiled}))?;
    demo.create(
        "stock",
        "inventory.write_off",
        json!({"reason": "Prasklá glazura", "lines": [{"product": goods[9], "quantity": "1"}]}),
    )?;
    leads(demo, &goods)
}

fn party(demo: &mut Demo<'_>, i: usize) -> Result<i64> {
    let (city, postcode) = *demo.dice.pick(PLACES);
    let (first, last) = (*demo.dice.pick(FIRST), *demo.dice.pick(LAST));
    let company = i % 3 != 2;
    let name = if company { format!("{} {last} s.r.o.", demo.dice.pick(FORMS)) } else { format!("{first} {last}") };
    let street = format!(
        "{} {}",
        demo.dice.pick(&["Hlavní", "Nádražní", "Školní", "Zahradní", "Polní"]),
        1 + demo.dice.roll(90)
    );
    let body = json!({
        "name": name,
        "kind": if company { "company" } else { "person" },
        "email": format!("zakaznik{i}@zakaznici.example"),
        "phone": format!("+42060{}{:06}", 1 + demo.dice.roll(8), demo.dice.roll(1_000_000)),
        "payment_days": if company { 14 } else { 7 },
        "addresses": [{"kind": "invoice", "street": street, "city": city, "postcode": postcode, "country": "CZ"}],
    });
    demo.create("sales", "party.party", body)
}

fn order(demo: &mut Demo<'_>, parties: &[i64], goods: &[i64], delivery: i64, days: i64, i: usize) -> Result<()> {
    demo.at(days, 8)?;
    let mut lines = vec![json!({"product": delivery, "quantity": "1"})];
    for _ in 0..=demo.dice.roll(3) {
        let product = *demo.dice.pick(goods);
        lines.push(json!({"product": product, "quantity": (1 + demo.dice.roll(4)).to_string()}));
    }
    let customer = *demo.dice.pick(parties);
    let order = demo.create("sales", "sales.order", json!({"customer": customer, "lines": lines}))?;
    if days == 0 && i.is_multiple_of(2) {
        return Ok(());
    }
    let confirmed = demo.run("sales", "sales.order.confirm", json!({"order": order}))?;
    let Some(shipment) = confirmed["delivery"].as_i64() else { return Ok(()) };
    if days <= 2 {
        return Ok(());
    }
    demo.at(days - 1, 9)?;
    let shipped = demo.run("stock", "inventory.delivery.ship", json!({"delivery": shipment}));
    if let Err(error) = shipped {
        // Sold out: what the refusal offers is done, as a storekeeper would.
        for action in error.actions.iter().filter(|a| a.operation == "inventory.receipt.quick") {
            demo.run("stock", &action.operation, action.input.clone())?;
        }
        demo.run("stock", "inventory.delivery.ship", json!({"delivery": shipment}))?;
    }
    if days <= 4 {
        return Ok(());
    }
    let filter = json!({"source": {"entity": "sales.order", "id": order}});
    for invoice in demo.rows("accounts", "finance.invoice", filter, 5)? {
        demo.at(days - 2, 10)?;
        demo.run("accounts", "finance.invoice.send", json!({"invoice": invoice["id"]}))?;
        let pays = days > 25 && demo.dice.roll(20) > 0 || days > 12 && demo.dice.roll(3) > 0;
        if pays {
            demo.at((days - 12).max(1), 11)?;
            demo.run(
                "accounts",
                "finance.payment.register",
                json!({"party": invoice["party"], "amount": invoice["total"], "reference": invoice["variable_symbol"], "invoice": invoice["id"]}),
            )?;
        }
    }
    Ok(())
}

/// Leads of the last days from both sites and the fair, two of them already deals, one with a quote.
fn leads(demo: &mut Demo<'_>, goods: &[i64]) -> Result<()> {
    for (i, (name, company, message, stream)) in [
        ("Karel Vaněk", "Kavárna U Vaňka", "Sháníme hrnky s naším logem, asi 80 kusů.", "WEB"),
        ("Petra Lišková", "", "Máte konvice i v zelené barvě?", "WEB"),
        ("Olga Benešová", "Hotel Beseda", "Prosíme o nabídku talířů pro restauraci.", "WEB"),
        ("Marek Štěpán", "Dárky Štěpán", "Zajímá nás velkoobchodní ceník.", "VELETRH"),
        ("Alice Brown", "The Corner Pottery", "Do you ship to Ireland? We would start with 60 mugs.", "EN"),
        ("Sean Murphy", "Murphy Interiors", "Please send your wholesale price list.", "EN"),
    ]
    .into_iter()
    .enumerate()
    {
        demo.at((4 - i64::try_from(i).unwrap_or(0)).max(1), 12)?;
        let email = format!("poptavka@zajemce{i}.example");
        let input =
            json!({"name": name, "company_name": company, "email": email, "message": message, "stream": stream});
        let anonymous = Arc::new(Principal::anonymous(demo.kernel.system()?.company.clone()));
        demo.kernel.run("crm.lead.arrive", &input, &Ask::by(anonymous))?;
    }
    for lead in demo.rows("sales", "crm.lead", json!({"name": "Alice Brown"}), 1)? {
        let amount = json!({"amount": "600", "currency": "EUR"});
        demo.run(
            "sales",
            "crm.lead.convert",
            json!({"lead": lead["id"], "deal_name": "Mugs for Ireland", "amount": amount}),
        )?;
    }
    let Some(lead) = demo.rows("sales", "crm.lead", json!({"name": "Olga Benešová"}), 1)?.into_iter().next() else {
        return Ok(());
    };
    let converted = demo.run(
        "sales",
        "crm.lead.convert",
        json!({"lead": lead["id"], "amount": {"amount": "25000", "currency": "CZK"}}),
    )?;
    let quote = demo.run(
        "sales",
        "crm.deal.quote",
        json!({"deal": converted["deal"], "product": goods[3], "quantity": "120"}),
    )?;
    demo.run("sales", "sales.quote.send", json!({"quote": quote["quote"]}))?;
    Ok(())
}
