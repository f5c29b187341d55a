//! Rules of the house that a compiler does not know; they stand in `tests/suite.rs`.
