//! What reporting tools read past the program.

use trial::Trial;

use crate::{MODULES, customer, invoice};

#[test]
fn views_have_real_decimals_and_nothing_sensitive() {
    for (country, currency, total) in
        [("CZ", "CZK", "1210.13"), ("US", "USD", "1000.11"), ("JP", "JPY", "1000.00"), ("KW", "KWD", "1000.11")]
    {
        let trial = Trial::of(MODULES, country, currency);
        let party = customer(&trial);
        let price = if currency == "JPY" { "1000" } else { "1000.11" };
        invoice(&trial, party, price, "1");
        let text = "SELECT printf('%.2f', i.total), i.total_currency, substr(i.date, 1, 2), printf('%.2f', l.quantity), \
                    substr(a.at, 1, 2) FROM v_finance_invoice i JOIN v_finance_invoice_line l ON l.invoice = i.id \
                    JOIN v_sys_operation a ON a.id = (SELECT MAX(id) FROM sys_operation)";
        let row = trial.kernel().read(&trial.system(), |cx| Ok(cx.conn().rows(text, &[])?)).unwrap().remove(0);
        let words: Vec<&str> = row.iter().filter_map(kernel::Value::as_text).collect();
        assert_eq!(words, [total, currency, "20", "1.00", "20"], "{country}");
    }
    let trial = Trial::new(MODULES);
    let look = |text: &str| trial.kernel().read(&trial.system(), |cx| Ok(cx.conn().rows(text, &[])?)).is_ok();
    assert!(look("SELECT name FROM v_platform_token"));
    assert!(!look("SELECT hash FROM v_platform_token"));
}
