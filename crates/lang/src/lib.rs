//! What the program knows about languages: the order of texts, folded texts and words for search, numbers, money and
//! dates as people write them, and messages with plurals.
//!
//! Everything here is pure: no files, no clock, no global settings. The language is an argument of each call, so one
//! process serves people of several languages at once.
//!
//! * [`sort_key`] makes bytes whose plain order is the order of the language, so that a database never needs a collation.
//! * [`fold`] and [`tokens`] make texts and words comparable without case and diacritics.
//! * [`number()`], [`money`], [`date`] and their kin format values; money and quantities are scaled integers, never floats.
//! * [`Catalogue`] holds the messages of all languages; [`render`] fills one message.

mod catalogue;
mod fold;
mod format;
mod language;
mod order;
mod template;

pub use catalogue::{Catalogue, CatalogueError, Gap};
pub use fold::{MAX_FOLD_BYTES, MAX_TOKEN_CHARS, MAX_TOKENS, fold, tokens};
pub use format::{NBSP, currency_symbol, date, date_time, money, number, percent, plain, quantity};
pub use language::{Language, plural, plural_decimal};
pub use order::{MAX_SORT_CHARS, MAX_SORT_KEY_BYTES, SORT_KEY_VERSION, sort_key};
pub use template::{Arg, render};
