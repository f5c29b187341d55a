//! XLSX: typed cells, one sheet.

use std::{
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};

use calamine::{DataRef, Reader, Xlsx};
use jiff::civil::{Date, DateTime, Time};

use crate::{Cell, Each, Error, Kind, Limits, unpack};

pub(crate) fn read(content: &[u8], sheet: Option<&str>, limits: Limits, each: &mut Each<'_>) -> Result<Kind, Error> {
    let content = unpack::unpacked(content, limits.unpacked)?;
    // What is read was made by anybody: a panic over it is a file that cannot be read.
    catch_unwind(AssertUnwindSafe(|| rows(content, sheet, limits, each)))
        .unwrap_or_else(|_| Err(Error::Broken("its content makes no sense".to_owned())))
}

fn broken(error: &calamine::XlsxError) -> Error {
    Error::Broken(error.to_string().chars().take(200).collect())
}

fn rows(content: Vec<u8>, sheet: Option<&str>, limits: Limits, each: &mut Each<'_>) -> Result<Kind, Error> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(content)).map_err(|e| broken(&e))?;
    let sheets = book.sheet_names();
    let found = match sheet {
        Some(name) => sheets.iter().find(|s| *s == name),
        None => sheets.first(),
    };
    let Some(name) = found.cloned() else { return Err(Error::NoSheet { sheets }) };
    let mut cells = book.worksheet_cells_reader(&name).map_err(|e| broken(&e))?;
    let (mut row, mut line) = (Vec::new(), 0);
    let mut total = 0;
    while let Some(cell) = cells.next_cell().map_err(|e| broken(&e))? {
        let (at, column) = cell.get_position();
        let this = u64::from(at) + 1;
        if this != line {
            if this < line {
                return Err(Error::Broken("its rows are out of order".to_owned()));
            }
            if !hand_over(line, &mut row, each) {
                return Ok(Kind::Xlsx { sheet: name, sheets });
            }
            line = this;
        }
        if line > limits.rows {
            return Err(Error::TooManyRows { max: limits.rows });
        }
        let value = value(cell.get_value());
        if value.is_empty() {
            continue;
        }
        let column = column as usize;
        if column >= limits.columns {
            return Err(Error::TooManyColumns { line, max: limits.columns });
        }
        if let Cell::Text(text) = &value {
            if text.len() > limits.cell {
                return Err(Error::CellTooLong { line, column: column + 1, max: limits.cell });
            }
            // One text can be referred to many times.
            total += text.len();
            if total > limits.unpacked {
                return Err(Error::TooLarge { max: limits.unpacked });
            }
        }
        if row.len() <= column {
            row.resize(column + 1, Cell::Empty);
        }
        row[column] = value;
    }
    hand_over(line, &mut row, each);
    Ok(Kind::Xlsx { sheet: name, sheets })
}

fn hand_over(line: u64, row: &mut Vec<Cell>, each: &mut Each<'_>) -> bool {
    let cells = std::mem::take(row);
    cells.iter().all(Cell::is_empty) || each(line, &cells)
}

fn value(data: &DataRef<'_>) -> Cell {
    let text = |text: &str| if text.is_empty() { Cell::Empty } else { Cell::Text(text.to_owned()) };
    match data {
        DataRef::Empty => Cell::Empty,
        DataRef::Int(value) => Cell::Number(value.to_string()),
        DataRef::Float(value) => number(*value),
        DataRef::String(value) => text(value),
        DataRef::SharedString(value) => text(value),
        DataRef::Bool(value) => Cell::Bool(*value),
        DataRef::DateTime(at) if at.is_duration() => number(at.as_f64()),
        DataRef::DateTime(at) => {
            // Below one there is no day in it.
            let (year, month, day, hour, minute, second, milli) = at.to_ymd_hms_milli();
            let small = |n: u8| i8::try_from(n).unwrap_or(-1);
            let time = Time::new(small(hour), small(minute), small(second), i32::from(milli) * 1_000_000);
            let date = Date::new(i16::try_from(year).unwrap_or(-1), small(month), small(day));
            match (date, time) {
                (_, Ok(time)) if (0.0..1.0).contains(&at.as_f64()) => Cell::Time(time),
                (Ok(date), Ok(time)) if time == Time::midnight() => Cell::Date(date),
                (Ok(date), Ok(time)) => Cell::Moment(DateTime::from_parts(date, time)),
                _ => number(at.as_f64()),
            }
        }
        DataRef::DateTimeIso(value) => match (value.parse::<Date>(), value.parse::<DateTime>()) {
            (_, Ok(at)) if value.contains('T') => Cell::Moment(at),
            (Ok(date), _) => Cell::Date(date),
            _ => text(value),
        },
        DataRef::DurationIso(value) => text(value),
        DataRef::Error(error) => Cell::Wrong(error.to_string()),
    }
}

/// A number of a spreadsheet in plain notation. It holds 15 digits that count; what comes after them is noise of binary
/// fractions (0.1 + 0.2).
fn number(value: f64) -> Cell {
    if !value.is_finite() || value.abs() >= 1e15 {
        return if value.is_finite() && value.abs() < 1e21 {
            Cell::Number(format!("{value:.0}"))
        } else {
            Cell::Wrong(value.to_string())
        };
    }
    let told = format!("{value:.14e}");
    let (digits, exponent) = told.split_once('e').unwrap_or((&told, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let places = usize::try_from(14 - exponent).unwrap_or(0);
    if places > 60 {
        return Cell::Number("0".to_owned());
    }
    let minus = digits.starts_with('-');
    let mut plain: String = digits.chars().filter(char::is_ascii_digit).collect();
    while plain.len() <= places {
        plain.insert(0, '0');
    }
    let whole = plain.len() - places;
    let fraction = plain[whole..].trim_end_matches('0').to_owned();
    let whole = plain[..whole].trim_start_matches('0').to_owned();
    let mut out = if whole.is_empty() { "0".to_owned() } else { whole };
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(&fraction);
    }
    if minus && out != "0" {
        out.insert(0, '-');
    }
    Cell::Number(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_without_the_noise_of_fractions() {
        let told = |value: f64| number(value).to_string();
        assert_eq!(told(0.1 + 0.2), "0.3");
        assert_eq!(told(1234.5), "1234.5");
        assert_eq!(told(-0.07), "-0.07");
        assert_eq!(told(0.0), "0");
        assert_eq!(told(-0.0), "0");
        assert_eq!(told(100.0), "100");
        assert_eq!(told(123_456_789_012_345.0), "123456789012345");
        assert_eq!(told(1e20), "100000000000000000000");
        assert_eq!(told(1e-10), "0.0000000001");
        assert!(matches!(number(f64::NAN), Cell::Wrong(_)));
    }
}
