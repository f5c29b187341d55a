//! One field vocabulary for entities, inputs and outputs of operations, and events. Each Rust type says its kind through
//! [`FieldType`]; the derive macros never parse types.

use jiff::civil::{Date, Time};
use store::Value;

use crate::{
    error::{Error, Result},
    value::{AnyRef, Currency, Dec, Id, Money},
};

/// One value of a choice.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// What is stored.
    pub value: &'static str,
    /// Colour of the badge: `grey`, `blue`, `green`, `amber` or `red`.
    pub colour: &'static str,
}

/// The values of a choice type. Labels stand in the catalogue under `choice.NAME.VALUE`.
#[derive(Clone, Copy, Debug)]
pub struct ChoiceSet {
    /// Name in snake case.
    pub name: &'static str,
    /// The values in their order.
    pub items: &'static [Choice],
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// One line of text.
    Text,
    /// Several lines.
    LongText,
    /// One of a fixed set.
    Choice(&'static ChoiceSet),
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A decimal of this scale.
    Dec(u8),
    /// An amount with its currency: two columns.
    Money,
    /// A day, `YYYY-MM-DD`.
    Date,
    /// A time of day, `HH:MM:SS`.
    Time,
    /// A moment, microseconds since 1970 UTC.
    Timestamp,
    /// A duration in seconds.
    Duration,
    /// A record of an entity.
    Ref(&'static str),
    /// A record of any entity: two columns.
    AnyRef,
    /// An e-mail address.
    Email,
    /// A phone number, E.164.
    Phone,
    /// A country, ISO 3166-1 alpha-2.
    Country,
    /// A language, `cs` or `en`.
    Language,
    /// Free JSON.
    Json,
    /// A stored file.
    File,
    /// Rows of fields; only in inputs and outputs.
    List(fn() -> &'static [FieldDef]),
}

impl Kind {
    /// Name in the interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::LongText => "long_text",
            Self::Choice(_) => "choice",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Dec(_) => "dec",
            Self::Money => "money",
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::Ref(_) => "ref",
            Self::AnyRef => "any_ref",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Country => "country",
            Self::Language => "language",
            Self::Json => "json",
            Self::File => "file",
            Self::List(_) => "list",
        }
    }
    /// How many cells (columns) a value takes.
    pub const fn cells(self) -> usize {
        match self {
            Self::Money | Self::AnyRef => 2,
            _ => 1,
        }
    }
    /// True where the cell holds text.
    pub const fn is_text(self) -> bool {
        matches!(
            self,
            Self::Text
                | Self::LongText
                | Self::Choice(_)
                | Self::Email
                | Self::Phone
                | Self::Country
                | Self::Language
                | Self::Date
                | Self::Time
                | Self::Json
                | Self::List(_)
        )
    }
    /// Suffix of the second column.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Money => "_currency",
            Self::AnyRef => "_entity",
            _ => "",
        }
    }
}

/// A field, declared once; every surface is derived from it.
#[derive(Clone, Copy, Debug)]
pub struct FieldDef {
    /// Name, and the name of its column.
    pub name: &'static str,
    /// English label; made from the name where empty.
    pub label: &'static str,
    /// English help: the doc comment.
    pub help: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Must be given.
    pub required: bool,
    /// No two records of a company have the same value.
    pub unique: bool,
    /// Has an index.
    pub indexed: bool,
    /// Has a stored sort key in the company's language.
    pub sorted: bool,
    /// Has a stored folded form and takes part in full-text search.
    pub searchable: bool,
    /// Default: JSON text, or `@today`, `@now`, `@me`, `@currency`.
    pub default: Option<&'static str>,
    /// A condition such as `discount >= 0 and discount <= 100`.
    pub check: Option<&'static str>,
    /// Shown, never typed.
    pub read_only: bool,
    /// Written by operations only, never by a generic surface.
    pub by_operation: bool,
    /// Its changes are shown in the timeline.
    pub tracked: bool,
    /// Roles that may see it (space separated); all readers where empty, nobody where `-`.
    pub sensitive: &'static str,
    /// What it means to a screen: `title`, `status`, `amount`, `owner`, `due` …
    pub role: &'static str,
    /// Longest text, in characters.
    pub max: u32,
    /// Defined at run time; its column is `x_…`.
    pub custom: bool,
}

impl FieldDef {
    /// A field with nothing set.
    pub const BASE: Self = Self {
        name: "",
        label: "",
        help: "",
        kind: Kind::Text,
        required: false,
        unique: false,
        indexed: false,
        sorted: false,
        searchable: false,
        default: None,
        check: None,
        read_only: false,
        by_operation: false,
        tracked: false,
        sensitive: "",
        role: "",
        max: 0,
        custom: false,
    };

    /// Longest text that the field takes, in characters.
    pub const fn max_chars(&self) -> usize {
        match (self.max, self.kind) {
            (0, Kind::LongText) => 20_000,
            (0, Kind::Json | Kind::List(_)) => 1_000_000,
            (0, _) => 250,
            (n, _) => n as usize,
        }
    }
    /// How many cells it takes.
    pub const fn cells(&self) -> usize {
        self.kind.cells()
    }
}

/// Reads the cells of a row one after the other.
pub struct Reader<'a> {
    cells: &'a [Value],
    at: usize,
    /// A missing value becomes the type's zero (drafts) instead of an error.
    pub lenient: bool,
}

static NULL: Value = Value::Null;

impl<'a> Reader<'a> {
    /// A reader at the first cell.
    pub fn new(cells: &'a [Value]) -> Self {
        Self { cells, at: 0, lenient: false }
    }
    /// A reader that takes missing values for zero.
    pub fn lenient(cells: &'a [Value]) -> Self {
        Self { cells, at: 0, lenient: true }
    }
    /// The next cell.
    pub fn take(&mut self) -> &'a Value {
        let cell = self.cells.get(self.at).unwrap_or(&NULL);
        self.at += 1;
        cell
    }
    /// The next cell without taking it.
    pub fn peek(&self) -> &'a Value {
        self.cells.get(self.at).unwrap_or(&NULL)
    }
    /// The next cell as an integer.
    ///
    /// # Errors
    /// Internal, where the cell holds something else.
    pub fn int(&mut self) -> Result<i64> {
        match self.take() {
            Value::Int(value) => Ok(*value),
            Value::Null if self.lenient => Ok(0),
            other => Err(mismatch("integer", self.at, other)),
        }
    }
    /// The next cell as text.
    ///
    /// # Errors
    /// Internal, where the cell holds something else.
    pub fn text(&mut self) -> Result<&'a str> {
        match self.take() {
            Value::Text(value) => Ok(value),
            Value::Null if self.lenient => Ok(""),
            other => Err(mismatch("text", self.at, other)),
        }
    }
}

fn mismatch(wanted: &str, at: usize, found: &Value) -> Error {
    let found = match found {
        Value::Null => "nothing",
        Value::Int(_) => "an integer",
        Value::Text(_) => "text",
        Value::Blob(_) => "bytes",
    };
    Error::internal(format!("cell {at} should hold {wanted}, holds {found}"))
}

/// A Rust type that a field can have.
pub trait FieldType: Sized + 'static {
    /// What it is to the registry.
    const KIND: Kind;
    /// False for types that can be absent.
    const REQUIRED: bool = true;
    /// Reads its cells.
    ///
    /// # Errors
    /// Internal, where the cells do not hold it.
    fn get(reader: &mut Reader<'_>) -> Result<Self>;
    /// Writes its cells.
    fn put(&self, cells: &mut Vec<Value>);
}

impl<T: FieldType> FieldType for Option<T> {
    const KIND: Kind = T::KIND;
    const REQUIRED: bool = false;
    fn get(reader: &mut Reader<'_>) -> Result<Self> {
        if matches!(reader.peek(), Value::Null) {
            for _ in 0..T::KIND.cells() {
                reader.take();
            }
            return Ok(None);
        }
        T::get(reader).map(Some)
    }
    fn put(&self, cells: &mut Vec<Value>) {
        match self {
            Some(value) => value.put(cells),
            None => cells.extend(std::iter::repeat_n(Value::Null, T::KIND.cells())),
        }
    }
}

impl FieldType for String {
    const KIND: Kind = Kind::Text;
    fn get(reader: &mut Reader<'_>) -> Result<Self> {
        reader.text().map(str::to_owned)
    }
    fn put(&self, cells: &mut Vec<Value>) {
        // '' is NULL in both databases.
        cells.push(if self.is_empty() { Value::Null } else { Value::Text(self.clone()) });
    }
}
impl FieldType for i64 {
    const KIND: Kind = Kind::Int;
    fn get(reader: &mut Reader<'_>) -> Result<Self> {
        reader.int()
    }
    fn put(&self, cells: &mut Vec<Value>) {
        cells.push(Value::Int(*self));
    }
}
impl FieldType for bool {
    const KIND: Kind = Kind::Bool;
    fn get(reader: &mut Reader<'_>) -> Result<Self> {
        reader.int().map(|value| value != 0)
    }
    fn put(&self, cells: &mut Vec<Value>) {
        cells.push(Value::Int(i64::from(*self)));
    }
}
impl<const S: u8> FieldType for Dec<S> {
    const KIND: Kind = Kind::Dec(S);
    fn get(reader: &mut Reader<'_>) -> Result<Self> {
        reader.int().map(Self::from_raw)
    }
    fn put(&self, cells: &mut Vec<Value>) {
        cells.push(Value::Int(self.raw()));
    }
}
impl FieldType for Money {
    const KIND: Kind = Kind::Money;
    fn get(reader: &mut Reader<'_>) -> Result<Self> {
        let minor = reader.int()?;
        let code = reader.text()?;
        Ok(Self { minor, currency: if code.is_empty() { Currency::NONE } else { Currency::parse(code)? } })
    }
    fn put(&self, cells: &mut Vec<Value>) {
        cells.push(Value::Int(self.minor));
        cells.push(Value::Text(self.currency.code().to_owned()));
    }
}
impl FieldType for Currency {
    const KIND: Kind = Kind::Text;
    fn get(reader: &mut Reader<'_>) -> Result<Self> {
        let code = reader.text()?;
        if code.is_empty() { Ok(Self::NONE) } else { Self::parse(code) }
    }
    fn put(&self, cells: &mut Vec<Value>) {
        cells.push(Value::Text(self.code().to_owned()));
    }
}
impl FieldType for Date {
    const KIND: Kind = Kind::Date;
    fn get(reader: &mut Reader<'_>) -> Result<Self> {
        let text = reader.text()?;
        if text.is_empty() {
            return Ok(Self::ZERO);
        }
        text.parse().map_err(|_| Error::internal(format!("not a day: {text}")))
    }
    fn put(&self, cells: &mut Vec<Value>) {
        cells.push(if *self == Self::ZERO { Value::Null } else { Value::Text(self.to_string()) });
    }
}
impl FieldType for Time {
    const KIND: Kind = Kind::Time;
    fn get(reader: &mut Reader<'_>) -> Result<Self> {
        let text = reader.text()?;
        if text.is_empty() {
            return Ok(Self::midnight());
        }
        text.parse().map_err(|_| Error::internal(format!("not a time: {text}")))
    }
    fn put(&self, cells: &mut Vec<Value>) {
        cells.push(Value::Text(self.to_string()));
    }
}
impl FieldType for jiff::Timestamp {
    const KIND: Kind = Kind::Timestamp;
    fn get(reader: &mut Reader<'_>) -> Result<Self> {
        let micros = reader.int()?;
        Self::from_microsecond(micros).map_err(|_| Error::internal(format!("not a moment: {micros}")))
    }
    fn put(&self, cells: &mut Vec<Value>) {
        cells.push(Value::Int(self.as_microsecond()));
    }
}
impl<T: crate::def::Entity> FieldType for Id<T> {
    const KIND: Kind = Kind::Ref(T::NAME);
    fn get(reader: &mut Reader<'_>) -> Result<Self> {
        reader.int().map(Self::new)
    }
    fn put(&self, cells: &mut Vec<Value>) {
        cells.push(if self.is_none() { Value::Null } else { Value::Int(self.raw()) });
    }
}
impl FieldType for AnyRef {
    const KIND: Kind = Kind::AnyRef;
    fn get(reader: &mut Reader<'_>) -> Result<Self> {
        let id = reader.int()?;
        let entity = reader.text()?;
        Ok(Self { entity: crate::intern::intern(entity), id })
    }
    fn put(&self, cells: &mut Vec<Value>) {
        if self.id == 0 {
            cells.extend([Value::Null, Value::Null]);
        } else {
            cells.push(Value::Int(self.id));
            cells.push(Value::Text(self.entity.to_owned()));
        }
    }
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $kind:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub String);
        impl FieldType for $name {
            const KIND: Kind = $kind;
            fn get(reader: &mut Reader<'_>) -> Result<Self> {
                reader.text().map(|text| Self(text.to_owned()))
            }
            fn put(&self, cells: &mut Vec<Value>) {
                cells.push(if self.0.is_empty() { Value::Null } else { Value::Text(self.0.clone()) });
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
text_type!(/// Text of several lines.
    LongText, Kind::LongText);
text_type!(/// An e-mail address, checked on entry.
    Email, Kind::Email);
text_type!(/// A phone number in E.164 form, brought to it on entry.
    Phone, Kind::Phone);
text_type!(/// A country by its ISO 3166-1 alpha-2 code.
    Country, Kind::Country);
text_type!(/// A language by its code.
    LanguageCode, Kind::Language);

/// A duration in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seconds(pub i64);
impl FieldType for Seconds {
    const KIND: Kind = Kind::Duration;
    fn get(reader: &mut Reader<'_>) -> Result<Self> {
        reader.int().map(Self)
    }
    fn put(&self, cells: &mut Vec<Value>) {
        cells.push(Value::Int(self.0));
    }
}

/// Free JSON; the database never looks into it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Json(pub serde_json::Value);
impl FieldType for Json {
    const KIND: Kind = Kind::Json;
    fn get(reader: &mut Reader<'_>) -> Result<Self> {
        let text = reader.text()?;
        if text.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(text).map(Self).map_err(|error| Error::internal(format!("not JSON: {error}")))
    }
    fn put(&self, cells: &mut Vec<Value>) {
        cells.push(if self.0.is_null() { Value::Null } else { Value::Text(self.0.to_string()) });
    }
}

/// A stored file (content-addressed, see `files`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId(pub i64);
impl FieldType for FileId {
    const KIND: Kind = Kind::File;
    fn get(reader: &mut Reader<'_>) -> Result<Self> {
        reader.int().map(Self)
    }
    fn put(&self, cells: &mut Vec<Value>) {
        cells.push(if self.0 == 0 { Value::Null } else { Value::Int(self.0) });
    }
}

/// Rows inside an input or an output. The cell holds them as JSON text: nested rows exist at the edge only, between
/// operations the values travel as they are.
impl<T: crate::def::Fields> FieldType for Vec<T> {
    const KIND: Kind = Kind::List(T::fields);
    const REQUIRED: bool = false;
    fn get(reader: &mut Reader<'_>) -> Result<Self> {
        let lenient = reader.lenient;
        let Value::Text(text) = reader.take() else { return Ok(Self::new()) };
        let rows: Vec<serde_json::Value> =
            serde_json::from_str(text).map_err(|error| Error::internal(format!("not rows: {error}")))?;
        rows.iter()
            .enumerate()
            .map(|(i, row)| {
                let cells = crate::json::decode_fields(T::fields(), row, lenient)
                    .map_err(|error| error.under(&i.to_string()))?;
                T::read(&mut Reader { cells: &cells, at: 0, lenient })
            })
            .collect()
    }
    fn put(&self, cells: &mut Vec<Value>) {
        let rows: Vec<_> = self
            .iter()
            .map(|row| {
                let mut cells = Vec::new();
                row.write(&mut cells);
                crate::json::encode_fields(T::fields(), &cells)
            })
            .collect();
        cells.push(Value::Text(serde_json::Value::Array(rows).to_string()));
    }
}

/// Declares a type with a fixed set of values: stored as text, labelled in the catalogue under `choice.NAME.VALUE`.
/// A colour for the badge may follow a value: `Won = "won" => "green"`.
#[macro_export]
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $value:literal $(=> $colour:literal)?),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }
        impl $name {
            /// All values in their order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The values as the registry knows them.
            pub const SET: $crate::ChoiceSet = $crate::ChoiceSet {
                name: stringify!($name),
                items: &[$($crate::Choice { value: $value, colour: $crate::choice!(@colour $($colour)?) }),+],
            };
            /// What is stored.
            pub const fn value(self) -> &'static str {
                match self { $(Self::$variant => $value),+ }
            }
            /// The value with this stored form.
            pub fn from_value(value: &str) -> Option<Self> {
                match value { $($value => Some(Self::$variant),)+ _ => None }
            }
        }
        impl $crate::FieldType for $name {
            const KIND: $crate::Kind = $crate::Kind::Choice(&Self::SET);
            fn get(reader: &mut $crate::Reader<'_>) -> $crate::Result<Self> {
                let lenient = reader.lenient;
                let text = reader.text()?;
                match Self::from_value(text) {
                    Some(value) => Ok(value),
                    None if lenient => Ok(Self::ALL[0]),
                    None => Err($crate::Error::internal(format!("not a {}: {text}", stringify!($name)))),
                }
            }
            fn put(&self, cells: &mut Vec<$crate::Value>) {
                cells.push($crate::Value::Text(self.value().to_owned()));
            }
        }
        impl From<$name> for $crate::Value {
            fn from(value: $name) -> Self { Self::Text(value.value().to_owned()) }
        }
    };
    (@colour) => { "grey" };
    (@colour $colour:literal) => { $colour };
}
