//! Times as logs write them: microseconds since 1970 in UTC.

/// Reads `2011-10-11T13:45:40.276+02:00`, also with a space in the middle, without seconds or zone (then UTC), and a date
/// alone.
pub fn read(text: &str) -> Option<i64> {
    let bytes = text.trim().as_bytes();
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let part = bytes.get(range)?;
        part.iter().try_fold(0i64, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') || !(1..=12).contains(&month) {
        return None;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=last).contains(&day) {
        return None;
    }
    let mut micros = days(year, month, day) * 86_400_000_000;
    let mut at = 10;
    if bytes.len() > 10 {
        if !matches!(bytes[10], b'T' | b't' | b' ') || bytes.get(13) != Some(&b':') {
            return None;
        }
        let (hour, minute) = (number(11..13)?, number(14..16)?);
        at = 16;
        let mut second = 0;
        if bytes.get(at) == Some(&b':') {
            second = number(17..19)?;
            at = 19;
        }
        if hour > 24 || minute > 59 || second > 60 {
            return None;
        }
        micros += ((hour * 60 + minute) * 60 + second) * 1_000_000;
        if matches!(bytes.get(at), Some(b'.' | b',')) {
            at += 1;
            let mut unit = 100_000;
            while let Some(digit) = bytes.get(at).filter(|b| b.is_ascii_digit()) {
                micros += i64::from(digit - b'0') * unit;
                unit /= 10;
                at += 1;
            }
        }
    }
    match bytes.get(at) {
        None => Some(micros),
        Some(b'Z' | b'z') if at + 1 == bytes.len() => Some(micros),
        Some(sign @ (b'+' | b'-')) => {
            let hours = number(at + 1..at + 3)?;
            let from = if bytes.get(at + 3) == Some(&b':') { at + 4 } else { at + 3 };
            let minutes = if bytes.len() > from { number(from..from + 2)? } else { 0 };
            let offset = (hours * 60 + minutes) * 60_000_000;
            Some(if *sign == b'+' { micros - offset } else { micros + offset })
        }
        Some(_) => None,
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Writes a time in UTC.
pub fn write(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map(|at| at.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn forms() {
        for text in [
            "2011-10-11T13:45:40.276+02:00",
            "2000-02-29 00:00:00Z",
            "1969-12-31T23:59:59.999999-11:30",
            "2012-03-14T16:04:54+0100",
        ] {
            let strict = text.replace(' ', "T").replace("+0100", "+01:00");
            let at: jiff::Timestamp = strict.parse().unwrap();
            assert_eq!(super::read(text), Some(at.as_microsecond()), "{text}");
        }
        assert_eq!(super::read("1970-01-02"), Some(86_400_000_000));
        for text in ["", "2011-02-29", "2011-13-01", "2011-10-11T", "11.10.2011", "2011-10-11T13:45:40x"] {
            assert_eq!(super::read(text), None, "{text}");
        }
    }
}
