//! What reporting tools read past the program.

use trial::Trial;

use crate::{MODULES, customer, invoice};

#[test]
fn views_have_real_decimals_and_nothing_sensitive() {
    let cases = [("CZ", "CZK", 121_013), ("US", "USD", 100_011), ("JP", "JPY", 100_000), ("KW", "KWD", 100_011)];
    for (country, currency, hundredths) in cases {
        let trial = Trial::of(MODULES, country, currency);
        let party = customer(&trial);
        invoice(&trial, party, if currency == "JPY" { "1000" } else { "1000.11" }, "1");
        // Both databases know these words.
        let text = "SELECT CAST(ROUND(i.total * 100) AS BIGINT), i.total_currency, CAST(ROUND(l.quantity * 100) AS BIGINT), \
                    SUBSTR(CAST(a.at AS TEXT), 1, 2) FROM v_finance_invoice i JOIN v_finance_invoice_line l \
                    ON l.invoice = i.id JOIN v_sys_operation a ON a.id = (SELECT MAX(id) FROM sys_operation)";
        let row = trial.kernel().read(&trial.system(), |cx| Ok(cx.conn().rows(text, &[])?)).unwrap().remove(0);
        assert_eq!(row, [hundredths.into(), currency.into(), 100_i64.into(), "20".into()], "{country}");
    }
    let trial = Trial::new(MODULES);
    let look = |text: &str| trial.kernel().read(&trial.system(), |cx| Ok(cx.conn().rows(text, &[])?)).is_ok();
    assert!(look("SELECT name FROM v_platform_token"));
    assert!(!look("SELECT hash FROM v_platform_token"));
}
