//! What has to be there before documents can be replayed: the company, customers, products, opening stock.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use jiff::{ToSpan, civil::Date};
use kernel::{Currency, Cx, Dec, Error, Id, Kernel, Money, Principal, Result, Value};
use party::{Party, PartyKind};
use product::{Product, ProductKind, TaxClass};

use super::{
    countries::code_of,
    read::{Book, Kind, is_service},
    replay::Known,
};

/// Name under which all of the import is in the log of operations.
pub const WORK: &str = "retail.import";

/// How many records are written in one transaction.
const BATCH: usize = 200;

/// Hundredths of the first price that a piece is taken to have cost.
const COST_PERCENT: i64 = 60;

/// Founds the company where there is none; answers the system in it.
pub fn company(kernel: &Kernel) -> Result<Arc<Principal>> {
    let who = kernel.system()?;
    if who.company.id != 0 {
        return Ok(who);
    }
    kernel.work(&who, WORK, |cx| {
        let mut new = platform::NewCompany::in_country("Online Retail Ltd", "GB", Currency::parse("GBP")?);
        new.vat_payer = false;
        platform::found(cx, new)
    })?;
    kernel.forget_rights();
    kernel.system()
}

fn texts(cx: &mut Cx<'_>, sql: &str) -> Result<HashMap<String, i64>> {
    let company = cx.company().id;
    let rows = cx.conn().rows(sql, &[Value::Int(company)])?;
    Ok(rows.iter().filter_map(|r| Some((r.first()?.as_text()?.to_owned(), r.get(1)?.as_int()?))).collect())
}

/// External number of the party that stands for lines without a customer in a country.
pub fn counter(country: &str) -> String {
    format!("counter:{country}").chars().take(60).collect()
}

/// Parties and products: found, or made.
pub fn records(kernel: &Kernel, who: &Arc<Principal>, book: &Book) -> Result<(Known, u64, u64)> {
    let (parties, products) = kernel.read(who, |cx| {
        Ok((
            texts(cx, "SELECT external, id FROM party_party WHERE company = ? AND external IS NOT NULL")?,
            texts(cx, "SELECT code, id FROM product_product WHERE company = ?")?,
        ))
    })?;
    let mut country_of: Vec<Option<u32>> = vec![None; book.customers.all.len()];
    let mut counters: HashSet<u32> = HashSet::new();
    let mut name_of: Vec<Option<u32>> = vec![None; book.products.all.len()];
    let mut price_of: Vec<Option<Dec<6>>> = vec![None; book.products.all.len()];
    for (_, row) in book.documents.iter().flat_map(|d| &d.rows) {
        match row.customer {
            Some(customer) => {
                country_of[customer as usize].get_or_insert(row.country);
            }
            None => {
                counters.insert(row.country);
            }
        }
        if !book.texts.text(row.text).trim().is_empty() {
            // What stands on a sale is a name; what stands on a correction is a remark.
            if row.price.is_positive() && price_of[row.product as usize].is_none() {
                name_of[row.product as usize] = Some(row.text);
            }
            name_of[row.product as usize].get_or_insert(row.text);
        }
        if row.price.is_positive() {
            price_of[row.product as usize].get_or_insert(row.price);
        }
    }
    let mut new_parties = Vec::new();
    for (i, external) in book.customers.all.iter().enumerate() {
        if !parties.contains_key(external) {
            let country = country_of[i].map(|c| book.countries.text(c).to_owned()).unwrap_or_default();
            new_parties.push((external.clone(), format!("Customer {external}"), country));
        }
    }
    for country in &counters {
        let country = book.countries.text(*country).to_owned();
        if !parties.contains_key(&counter(&country)) {
            new_parties.push((counter(&country), format!("Counter sales ({country})"), country));
        }
    }
    for part in new_parties.chunks(BATCH) {
        kernel.work(who, WORK, |cx| {
            for (external, name, country) in part {
                cx.insert(Party {
                    name: name.clone(),
                    kind: PartyKind::Company,
                    reg_no: None,
                    vat_no: None,
                    email: None,
                    phone: None,
                    language: None,
                    country: code_of(country).map(|c| kernel::Country(c.to_owned())),
                    credit_limit: None,
                    payment_days: None,
                    external: Some(external.clone()),
                    note: None,
                    merged_into: None,
                })?;
            }
            Ok(())
        })?;
    }
    let missing: Vec<usize> =
        (0..book.products.all.len()).filter(|i| !products.contains_key(&book.products.all[*i])).collect();
    let currency = who.company.currency;
    for part in missing.chunks(BATCH) {
        kernel.work(who, WORK, |cx| {
            for i in part {
                let code = &book.products.all[*i];
                let name = name_of[*i].map_or(code.as_str(), |t| book.texts.text(t).trim());
                let service = is_service(code);
                cx.insert(Product {
                    code: code.clone(),
                    name: name.to_owned(),
                    name_cs: None,
                    kind: if service { ProductKind::Service } else { ProductKind::Goods },
                    unit: None,
                    tax_class: TaxClass::Zero,
                    price: price_of[*i].map(|p| Money::round_half_away(p, currency)).transpose()?,
                    note: None,
                })?;
            }
            Ok(())
        })?;
    }
    let (parties, products) = kernel.read(who, |cx| {
        Ok((
            texts(cx, "SELECT external, id FROM party_party WHERE company = ? AND external IS NOT NULL")?,
            texts(cx, "SELECT code, id FROM product_product WHERE company = ?")?,
        ))
    })?;
    let none = || Error::internal("a record that was just made is not there");
    let known = Known {
        products: book
            .products
            .all
            .iter()
            .map(|c| products.get(c).map(|id| Id::new(*id)).ok_or_else(none))
            .collect::<Result<_>>()?,
        customers: book
            .customers
            .all
            .iter()
            .map(|c| parties.get(c).map(|id| Id::new(*id)).ok_or_else(none))
            .collect::<Result<_>>()?,
        counters: book.countries.all.iter().map(|c| parties.get(&counter(c)).map(|id| Id::new(*id))).collect(),
    };
    Ok((known, new_parties.len() as u64, missing.len() as u64))
}

/// Receipts that bear a number of another system: no series gave it.
pub const EXTERNAL_RECEIPTS: &str = "SELECT d.number, d.id FROM inventory_receipt d WHERE d.company = ? AND d.number IS NOT NULL \
     AND NOT EXISTS (SELECT 1 FROM sys_number n WHERE n.record = d.id)";
/// Write-offs that bear one.
pub const EXTERNAL_WRITE_OFFS: &str = "SELECT d.number, d.id FROM inventory_write_off d WHERE d.company = ? AND d.number IS NOT NULL \
     AND NOT EXISTS (SELECT 1 FROM sys_number n WHERE n.record = d.id)";

/// Numbers of documents that are in the database.
pub fn done(kernel: &Kernel, who: &Arc<Principal>) -> Result<HashSet<String>> {
    kernel.read(who, |cx| {
        let mut out: HashSet<String> = HashSet::new();
        for sql in [
            "SELECT number, id FROM sales_order WHERE company = ? AND external = 1",
            "SELECT number, id FROM finance_invoice WHERE company = ? AND external = 1",
            EXTERNAL_RECEIPTS,
            EXTERNAL_WRITE_OFFS,
        ] {
            out.extend(texts(cx, sql)?.into_keys());
        }
        Ok(out)
    })
}

/// How much of each product (by its number in the book) has to be there before the documents: what the stock would lack at
/// the worst moment.
fn lacking(book: &Book, pending: &[usize], stock: &[i64]) -> Vec<i64> {
    let mut level = stock.to_vec();
    let mut worst: Vec<i64> = vec![0; level.len()];
    for document in pending.iter().map(|i| &book.documents[*i]) {
        let mut touched: HashMap<usize, i64> = HashMap::new();
        if document.kind != Kind::BadDebt {
            for (_, row) in document.rows.iter().filter(|(_, r)| !is_service(book.products.text(r.product))) {
                // On a sale and a cancellation a positive quantity leaves; a correction counts the other way round.
                let quantity = row.quantity.raw();
                let change = if document.corrects(row) { quantity } else { -quantity };
                *touched.entry(row.product as usize).or_default() += change;
            }
        }
        for (product, change) in touched {
            level[product] += change;
            worst[product] = worst[product].min(level[product]);
        }
    }
    worst.into_iter().map(|w| -w).collect()
}

/// Takes opening stock over, as much as the documents will need, on the day before the first of them.
pub fn opening(
    kernel: &Kernel,
    who: &Arc<Principal>,
    book: &Book,
    known: &Known,
    (pending, less): (&[usize], &[String]),
    progress: &indicatif::ProgressBar,
) -> Result<u64> {
    let Some((first, _)) = book.days.filter(|_| !pending.is_empty()) else { return Ok(0) };
    let day: Date = first.checked_sub(1.day()).map_err(|e| Error::internal(e.to_string()))?;
    let there: HashMap<i64, i64> = kernel.read(who, |cx| {
        let rows =
            cx.conn().rows("SELECT product, SUM(on_hand - reserved) FROM inventory_quant GROUP BY product", &[])?;
        Ok(rows.iter().filter_map(|r| Some((r.first()?.as_int()?, r.get(1)?.as_int()?))).collect())
    })?;
    let stock: Vec<i64> = known.products.iter().map(|p| there.get(&p.raw()).copied().unwrap_or(0)).collect();
    let mut price: Vec<Option<Dec<6>>> = vec![None; stock.len()];
    for (_, row) in book.documents.iter().flat_map(|d| &d.rows).filter(|(_, r)| r.price.is_positive()) {
        price[row.product as usize].get_or_insert(row.price);
    }
    let wanted: Vec<(usize, Dec<6>)> = lacking(book, pending, &stock)
        .into_iter()
        .enumerate()
        .filter(|(i, q)| *q > 0 && !less.contains(&book.products.all[*i]))
        .map(|(i, q)| (i, Dec::from_raw(q)))
        .collect();
    progress.set_length(wanted.len() as u64);
    for part in wanted.chunks(50) {
        kernel.work(who, WORK, |cx| {
            let zone = cx.company().time_zone.clone();
            let at = day.at(12, 0, 0, 0).to_zoned_datetime(zone).map_err(|e| Error::internal(e.to_string()))?;
            cx.set_now(at.timestamp())?;
            let currency = cx.company().currency;
            for (i, quantity) in part {
                let raw = price[*i].map_or(0, |p| i128::from(p.raw()) * i128::from(COST_PERCENT));
                let unit_cost = Money::round_wide(raw, 8, currency)?;
                let product = known.products[*i];
                cx.call(inventory::Open { product, quantity: *quantity, unit_cost, date: Some(day) })?;
            }
            Ok(())
        })?;
        progress.inc(part.len() as u64);
    }
    progress.finish_and_clear();
    Ok(wanted.len() as u64)
}
