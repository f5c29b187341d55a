//! Currencies.

/// The number of decimals of a currency (ISO 4217, list one): 2 unless the list says otherwise.
pub fn currency_exponent(code: &str) -> u8 {
    match code {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// Reads a decimal amount (`480.5`, `12`, `.5`; a point, no sign, no groups) into the smallest unit of the currency. `None` when it
/// is not such a number, has more decimals than the currency (zeros aside) or does not fit.
pub(crate) fn minor(text: &str, currency: &str) -> Option<i64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || (whole.is_empty() && decimals.is_empty()) {
        return None;
    }
    let exponent = usize::from(currency_exponent(currency));
    let (kept, lost) = decimals.split_at(decimals.len().min(exponent));
    if lost.bytes().any(|digit| digit != b'0') {
        return None;
    }
    let all = whole.bytes().chain(kept.bytes()).chain(std::iter::repeat_n(b'0', exponent - kept.len()));
    all.into_iter().try_fold(0_i64, |sum, digit| sum.checked_mul(10)?.checked_add(i64::from(digit - b'0')))
}

/// Writes an amount in the smallest unit as a decimal number without a sign.
pub(crate) fn decimal(minor: i64, currency: &str) -> String {
    lang::plain(i128::from(minor).abs(), currency_exponent(currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        assert_eq!(minor("480.5", "CZK"), Some(48_050));
        assert_eq!(minor("480.50000", "CZK"), Some(48_050));
        assert_eq!(minor("480.505", "CZK"), None);
        assert_eq!(minor("480.505", "KWD"), Some(480_505));
        assert_eq!(minor("12", "JPY"), Some(12));
        assert_eq!(minor(".5", "EUR"), Some(50));
        for wrong in ["", ".", "-1", "+1", "1,5", "1e3", "1.2.3", " 1", "92233720368547758.08", "９"] {
            assert_eq!(minor(wrong, "EUR"), None, "{wrong}");
        }
        assert_eq!(minor("92233720368547758.07", "EUR"), Some(i64::MAX));
        assert_eq!(decimal(i64::MIN, "EUR"), "92233720368547758.08");
        assert_eq!(decimal(-5, "EUR"), "0.05");
    }
}
