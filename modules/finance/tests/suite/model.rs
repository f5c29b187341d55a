//! Random work against models that are written without the code under test.

use kernel::{Currency, Dec};
use proptest::prelude::*;
use serde_json::{Value as J, json};
use trial::Trial;

use crate::{MODULES, customer, czk, invoice, owed};

/// Rounds half away from zero by long division of the exact fraction, written without the code under test.
fn fraction(numerator: i128, denominator: i128) -> i128 {
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    if 2 * rest.abs() >= denominator { whole + numerator.signum() } else { whole }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn line_nets_equal_exact_fractions(quantity in -1_000_000_i64..1_000_000, price in -1_000_000_i64..1_000_000, discount in 0_i64..=10_000) {
        // Quantities and prices of three decimals: their product has six and is exact.
        let (net, exact) = finance::line_net(Dec::from_raw(quantity * 1_000), Dec::from_raw(price * 1_000), Some(Dec::from_raw(discount)), Currency::CZK).unwrap();
        let product = i128::from(quantity) * i128::from(price);
        let expected = fraction(product * i128::from(10_000 - discount), 10_000 * 10_000);
        prop_assert_eq!(i128::from(net.minor), expected);
        if discount == 0 {
            prop_assert_eq!(i128::from(exact.raw()), product);
        }
    }

    #[test]
    fn finer_products_are_refused(quantity in 1_i64..1_000_000, price in 1_i64..1_000_000) {
        let exact = (i128::from(quantity) * i128::from(price)) % 1_000_000 == 0;
        prop_assert_eq!(finance::line_net(Dec::from_raw(quantity), Dec::from_raw(price), None, Currency::CZK).is_ok(), exact);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Random invoices, payments, credits in parts, allocations, releases and reversals: what is owed equals a model kept
    /// beside, and all invariants hold.
    #[test]
    fn books_agree_with_a_model(steps in prop::collection::vec((0_u8..6, 1_i64..50_000, 0_usize..6), 1..16)) {
        let trial = Trial::new(MODULES);
        let party = customer(&trial);
        // Invoices: id, total, pieces left, credited. Payments: id, amount, reversed.
        let (mut invoices, mut payments) = (Vec::<(i64, i64, i64, i64)>::new(), Vec::<(J, i64, bool)>::new());
        let mut model = 0_i64;
        for (kind, minor, pick) in steps {
            match kind {
                0 | 1 => {
                    let id = invoice(&trial, party, &kernel::decimal_text(i128::from(minor), 3), "3");
                    let net = i64::try_from(fraction(i128::from(minor) * 3, 10)).unwrap();
                    let total = net + i64::try_from(fraction(i128::from(net) * 21, 100)).unwrap();
                    invoices.push((id, total, 3, 0));
                    model += total;
                }
                2 => {
                    let amount = czk(&kernel::decimal_text(i128::from(minor), 2));
                    let paid = trial.run("accounts", "finance.payment.register", json!({"party": party, "amount": amount}));
                    payments.push((paid["payment"].clone(), minor, false));
                    model -= minor;
                }
                3 if !invoices.is_empty() => {
                    let at = pick % invoices.len();
                    let (id, total, left, before) = invoices[at];
                    if left == 0 {
                        continue;
                    }
                    let line = trial.record("finance.invoice", id)["lines"][0]["id"].clone();
                    let input = json!({"invoice": id, "lines": [{"line": line, "quantity": "1"}]});
                    let note = trial.run("accounts", "finance.invoice.credit", input)["credit_note"].as_i64().unwrap();
                    let note = trial.record("finance.invoice", note);
                    let back = kernel::parse_decimal(note["total"]["amount"].as_str().unwrap(), 2).unwrap();
                    prop_assert!(back <= 0);
                    model += back;
                    invoices[at] = (id, total, left - 1, before + back);
                    if left == 1 {
                        prop_assert_eq!(before + back, -total);
                        let state = if total == 0 { "paid" } else { "cancelled" };
                        prop_assert_eq!(&trial.record("finance.invoice", id)["state"], state);
                    }
                }
                4 | 5 if !payments.is_empty() => {
                    let (id, amount, reversed) = payments[pick % payments.len()].clone();
                    let at = pick % payments.len();
                    let how = ["allocate", "release", "reverse"][usize::try_from(minor).unwrap() % 3];
                    if !reversed {
                        // Where nothing is open, allocate is refused: then nothing has changed.
                        let done = trial.ask("accounts", &format!("finance.payment.{how}"), json!({"payment": id}));
                        prop_assert!(done.is_ok() || how == "allocate");
                        if how == "reverse" {
                            payments[at].2 = true;
                            model += amount;
                        }
                    }
                }
                _ => {}
            }
        }
        prop_assert_eq!(owed(&trial, party), model);
    }
}
