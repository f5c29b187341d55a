//! Values that fields hold: identifiers, exact decimals and money, references. No floats anywhere.

use std::{fmt, hash::Hash, marker::PhantomData};

use crate::error::{Error, Result};

/// The identifier of a record of entity `T`; unique over all entities, below 2^53.
pub struct Id<T>(i64, PhantomData<fn() -> T>);

impl<T> Id<T> {
    /// The identifier with this number.
    pub const fn new(id: i64) -> Self {
        Self(id, PhantomData)
    }
    /// The number.
    pub const fn raw(self) -> i64 {
        self.0
    }
    /// True for the place holder of a reference that was not given (in a draft).
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}
impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<T> Hash for Id<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A reference to a record of any entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnyRef {
    /// Name of the entity.
    pub entity: &'static str,
    /// The record.
    pub id: i64,
}

impl AnyRef {
    /// A reference to a record.
    pub const fn new(entity: &'static str, id: i64) -> Self {
        Self { entity, id }
    }
    /// The record as one of entity `T`, if it is one.
    pub fn to<T: crate::def::Entity>(self) -> Option<Id<T>> {
        (self.entity == T::NAME).then(|| Id::new(self.id))
    }
}
impl<T: crate::def::Entity> From<Id<T>> for AnyRef {
    fn from(id: Id<T>) -> Self {
        Self::new(T::NAME, id.raw())
    }
}

/// A currency by its ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Czech koruna.
    pub const CZK: Self = Self(*b"CZK");
    /// Euro.
    pub const EUR: Self = Self(*b"EUR");
    /// Pound sterling.
    pub const GBP: Self = Self(*b"GBP");
    /// No currency: the code of ISO 4217 for that. Zero amounts of drafts carry it.
    pub const NONE: Self = Self(*b"XXX");

    /// Reads a code.
    ///
    /// # Errors
    /// `currency` where the text is not three capital letters.
    pub fn parse(text: &str) -> Result<Self> {
        match text.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(Error::bad("currency").with("value", text.chars().take(20).collect::<String>())),
        }
    }
    /// The code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }
    /// Currencies whose minor unit is not a hundredth (ISO 4217).
    pub const UNUSUAL: &[&str] = &[
        "JPY", "KRW", "VND", "CLP", "ISK", "UGX", "XAF", "XOF", "XPF", "PYG", "RWF", "VUV", "GNF", "KMF", "DJF", "BIF",
        "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND",
    ];

    /// Digits of the minor unit (ISO 4217).
    pub fn exponent(self) -> u8 {
        match &self.0 {
            b"JPY" | b"KRW" | b"VND" | b"CLP" | b"ISK" | b"UGX" | b"XAF" | b"XOF" | b"XPF" | b"PYG" | b"RWF"
            | b"VUV" | b"GNF" | b"KMF" | b"DJF" | b"BIF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}
impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Ten to the power of `n`; `n` is at most 18.
pub const fn pow10(n: u8) -> i64 {
    10_i64.pow(n as u32)
}

/// Divides and rounds half away from zero. `divisor` is positive.
pub fn round_div(value: i128, divisor: i128) -> i128 {
    let half = divisor / 2;
    if value >= 0 { (value + half) / divisor } else { (value - half) / divisor }
}

fn narrow(value: i128) -> Result<i64> {
    i64::try_from(value).map_err(|_| Error::new(422, "overflow"))
}

/// Writes an unscaled value as a decimal text with exactly `scale` digits after the point.
pub fn decimal_text(raw: i128, scale: u8) -> String {
    if scale == 0 {
        return raw.to_string();
    }
    let divisor = 10_u128.pow(u32::from(scale));
    let (whole, part) = (raw.unsigned_abs() / divisor, raw.unsigned_abs() % divisor);
    format!("{}{whole}.{part:0width$}", if raw < 0 { "-" } else { "" }, width = usize::from(scale))
}

/// Reads a decimal text exactly; more digits after the point than `scale` are refused unless they are zeros.
///
/// # Errors
/// `decimal` for text that is not a number, `too_precise` for too many digits, `overflow` outside 64 bits.
pub fn parse_decimal(text: &str, scale: u8) -> Result<i64> {
    let wrong = || Error::new(422, "decimal").with("value", text.chars().take(40).collect::<String>());
    let trimmed = text.trim();
    let (negative, digits) = match trimmed.as_bytes().first() {
        Some(b'-') => (true, &trimmed[1..]),
        Some(b'+') => (false, &trimmed[1..]),
        _ => (false, trimmed),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let number = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.len() + part.len() == 0 || !number(whole) || !number(part) || (whole.is_empty() && part.is_empty()) {
        return Err(wrong());
    }
    let (kept, rest) = if part.len() > usize::from(scale) { part.split_at(usize::from(scale)) } else { (part, "") };
    if rest.bytes().any(|b| b != b'0') {
        return Err(Error::new(422, "too_precise").with("scale", i64::from(scale)));
    }
    let mut value: i128 = 0;
    for digit in whole.bytes().chain(kept.bytes()).chain(std::iter::repeat_n(b'0', usize::from(scale) - kept.len())) {
        value = value * 10 + i128::from(digit - b'0');
        if value > i128::from(i64::MAX) {
            return Err(Error::new(422, "overflow"));
        }
    }
    narrow(if negative { -value } else { value })
}

/// An exact decimal with `S` digits after the point, kept as a 64-bit integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Dec<const S: u8>(i64);

impl<const S: u8> Dec<S> {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// One.
    pub const ONE: Self = Self(pow10(S));

    /// From the unscaled value: `Dec::<2>::from_raw(1250)` is 12.50.
    pub const fn from_raw(raw: i64) -> Self {
        Self(raw)
    }
    /// From a whole number.
    ///
    /// # Errors
    /// `overflow`.
    pub fn whole(value: i64) -> Result<Self> {
        narrow(i128::from(value) * i128::from(pow10(S))).map(Self)
    }
    /// The unscaled value.
    pub const fn raw(self) -> i64 {
        self.0
    }
    /// Reads a decimal text.
    ///
    /// # Errors
    /// See [`parse_decimal`].
    pub fn parse(text: &str) -> Result<Self> {
        parse_decimal(text, S).map(Self)
    }
    /// True for zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
    /// True above zero.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }
    /// True below zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
    /// Sum.
    ///
    /// # Errors
    /// `overflow`.
    pub fn plus(self, other: Self) -> Result<Self> {
        self.0.checked_add(other.0).map(Self).ok_or_else(|| Error::new(422, "overflow"))
    }
    /// Difference.
    ///
    /// # Errors
    /// `overflow`.
    pub fn minus(self, other: Self) -> Result<Self> {
        self.0.checked_sub(other.0).map(Self).ok_or_else(|| Error::new(422, "overflow"))
    }
    /// The opposite number.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self(self.0.wrapping_neg())
    }
    /// Without sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(if self.0 < 0 { self.0.wrapping_neg() } else { self.0 })
    }
    /// Product, rounded half away from zero to scale `R`.
    ///
    /// # Errors
    /// `overflow`.
    pub fn times<const O: u8, const R: u8>(self, other: Dec<O>) -> Result<Dec<R>> {
        let product = i128::from(self.0) * i128::from(other.0);
        let scale = S + O;
        let value = if scale >= R {
            round_div(product, 10_i128.pow(u32::from(scale - R)))
        } else {
            product.checked_mul(10_i128.pow(u32::from(R - scale))).ok_or_else(|| Error::new(422, "overflow"))?
        };
        narrow(value).map(Dec)
    }
    /// Product at scale `R` that must not lose a digit.
    ///
    /// # Errors
    /// `too_precise` where it would, `overflow`.
    pub fn times_exact<const O: u8, const R: u8>(self, other: Dec<O>) -> Result<Dec<R>> {
        let product = i128::from(self.0) * i128::from(other.0);
        let divisor = 10_i128.pow(u32::from((S + O).saturating_sub(R)));
        if product % divisor != 0 {
            return Err(Error::new(422, "too_precise").with("scale", i64::from(R)));
        }
        narrow(product / divisor).map(Dec)
    }
    /// The same number at scale `R`, rounded half away from zero.
    ///
    /// # Errors
    /// `overflow`.
    pub fn rescale<const R: u8>(self) -> Result<Dec<R>> {
        self.times::<0, R>(Dec::from_raw(1))
    }
}
impl<const S: u8> fmt::Display for Dec<S> {
    /// Without needless zeros: `12.5`, `3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = decimal_text(i128::from(self.0), S);
        let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        f.write_str(short)
    }
}

/// An amount in minor units of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// An amount.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }
    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }
    /// True for zero.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }
    fn same(self, other: Self) -> Result<Currency> {
        match (self, other) {
            (a, b) if a.currency == b.currency => Ok(a.currency),
            (a, b) if a.minor == 0 && a.currency == Currency::NONE => Ok(b.currency),
            (a, b) if b.minor == 0 && b.currency == Currency::NONE => Ok(a.currency),
            _ => {
                Err(Error::new(422, "currency_mixed").with("a", self.currency.code()).with("b", other.currency.code()))
            }
        }
    }
    /// Sum.
    ///
    /// # Errors
    /// `currency_mixed`, `overflow`.
    pub fn plus(self, other: Self) -> Result<Self> {
        let currency = self.same(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or_else(|| Error::new(422, "overflow"))?;
        Ok(Self { minor, currency })
    }
    /// Difference.
    ///
    /// # Errors
    /// `currency_mixed`, `overflow`.
    pub fn minus(self, other: Self) -> Result<Self> {
        self.plus(other.negated())
    }
    /// The opposite amount.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self { minor: self.minor.wrapping_neg(), currency: self.currency }
    }
    /// An exact value (scale `S`, in major units) rounded half away from zero to the currency's minor unit.
    ///
    /// # Errors
    /// `overflow`.
    pub fn round_half_away<const S: u8>(value: Dec<S>, currency: Currency) -> Result<Self> {
        Self::round_wide(i128::from(value.raw()), S, currency)
    }
    /// The same for an unscaled 128-bit value of any scale: line net = quantity × price × (1 − discount).
    ///
    /// # Errors
    /// `overflow`.
    pub fn round_wide(value: i128, scale: u8, currency: Currency) -> Result<Self> {
        let exponent = currency.exponent();
        let minor = if scale >= exponent {
            round_div(value, 10_i128.pow(u32::from(scale - exponent)))
        } else {
            value.checked_mul(10_i128.pow(u32::from(exponent - scale))).ok_or_else(|| Error::new(422, "overflow"))?
        };
        Ok(Self { minor: narrow(minor)?, currency })
    }
    /// This amount × a rate in percent (scale 2, `2100` = 21 %), rounded half away from zero.
    ///
    /// # Errors
    /// `overflow`.
    pub fn percent(self, rate: Dec<2>) -> Result<Self> {
        let minor = narrow(round_div(i128::from(self.minor) * i128::from(rate.raw()), 10_000))?;
        Ok(Self { minor, currency: self.currency })
    }
    /// round(amount × part / whole), half away from zero; `whole` is not zero.
    ///
    /// # Errors
    /// `overflow`, `zero_division`.
    pub fn share(self, part: i64, whole: i64) -> Result<Self> {
        if whole == 0 {
            return Err(Error::new(422, "zero_division"));
        }
        let product = i128::from(self.minor) * i128::from(part);
        let value = round_div(if whole < 0 { -product } else { product }, i128::from(whole).abs());
        Ok(Self { minor: narrow(value)?, currency: self.currency })
    }
    /// The amount in major units as text: `1234.50`.
    pub fn text(self) -> String {
        decimal_text(i128::from(self.minor), self.currency.exponent())
    }
}
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.text(), self.currency)
    }
}
