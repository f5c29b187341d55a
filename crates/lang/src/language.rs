//! The languages that the program speaks, and their plural categories.

use std::fmt;
use std::str::FromStr;

use icu_locale::{Locale, locale};
use icu_plurals::{PluralCategory, PluralOperands, PluralRules};

/// A language of the program: of its messages, of formats and of the order of texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// English, with European (day first) dates. The language that every message must have.
    #[default]
    En,
    /// Czech.
    Cs,
}

impl Language {
    /// All languages, English first.
    pub const ALL: [Self; 2] = [Self::En, Self::Cs];

    /// The ISO 639-1 code: `"en"` or `"cs"`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Cs => "cs",
        }
    }

    /// The name of the language in that language, for lists to choose from.
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Cs => "Čeština",
        }
    }

    /// Reads a language tag (BCP 47: `cs`, `cs-CZ`, also `cs_CZ`; case does not matter); only the language itself is
    /// looked at. `None` when it is not one of ours.
    pub fn parse(tag: &str) -> Option<Self> {
        let first = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(first))
    }

    /// The position in [`Language::ALL`].
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::En => 0,
            Self::Cs => 1,
        }
    }

    /// The locale by which ICU's data are found.
    pub(crate) const fn locale(self) -> Locale {
        match self {
            Self::En => locale!("en"),
            Self::Cs => locale!("cs"),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(tag: &str) -> Result<Self, Self::Err> {
        Self::parse(tag).ok_or(UnknownLanguage)
    }
}

/// The text names no language of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownLanguage;

impl fmt::Display for UnknownLanguage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown language: expected one of en, cs")
    }
}

impl std::error::Error for UnknownLanguage {}

thread_local! {
    static RULES: [Option<PluralRules>; 2] =
        Language::ALL.map(|language| PluralRules::try_new_cardinal(language.locale().into()).ok());
}

fn category(language: Language, operands: PluralOperands) -> &'static str {
    RULES.with(|rules| {
        let category = rules[language.index()].as_ref().map(|rules| rules.category_for(operands));
        match category {
            Some(PluralCategory::One) => "one",
            Some(PluralCategory::Few) => "few",
            Some(PluralCategory::Many) => "many",
            _ => "other",
        }
    })
}

/// The plural category of a whole number: `"one"`, `"few"`, `"many"` or `"other"` (CLDR cardinal rules).
///
/// Czech: 1 is `one`, 2 to 4 are `few`, all other whole numbers `other`. English: 1 is `one`, all else `other`.
/// The sign does not matter.
pub fn plural(language: Language, n: i64) -> &'static str {
    category(language, n.into())
}

/// The plural category of a decimal number given as a scaled integer: `minor / 10^scale` (CLDR cardinal rules).
///
/// In Czech a number with decimals is `many` (1,5 kusu); a number whose decimals are all zero counts as whole.
pub fn plural_decimal(language: Language, minor: impl Into<i128>, scale: u8) -> &'static str {
    let text = crate::format::trimmed(minor.into(), scale);
    match (text.parse::<i128>(), language) {
        (Ok(whole), _) => category(language, whole.into()),
        (Err(_), Language::En) => "other",
        (Err(_), Language::Cs) => "many",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        assert_eq!(Language::parse("cs-CZ"), Some(Language::Cs));
        assert_eq!(Language::parse(" EN_gb "), Some(Language::En));
        assert_eq!(Language::parse("de"), None);
        assert_eq!(Language::parse(""), None);
        assert_eq!("cs".parse(), Ok(Language::Cs));
        assert_eq!(Language::default().to_string(), "en");
        for language in Language::ALL {
            assert_eq!(Language::ALL[language.index()], language);
            assert_eq!(Language::parse(language.code()), Some(language));
        }
    }

    #[test]
    fn categories() {
        let cs = |n| plural(Language::Cs, n);
        assert_eq!(
            [cs(0), cs(1), cs(2), cs(4), cs(5), cs(21), cs(-1)],
            ["other", "one", "few", "few", "other", "other", "one"]
        );
        assert_eq!(
            [plural(Language::En, 1), plural(Language::En, 0), plural(Language::En, 2)],
            ["one", "other", "other"]
        );
        assert_eq!(plural_decimal(Language::Cs, 15, 1), "many");
        assert_eq!(plural_decimal(Language::Cs, 300, 2), "few");
        assert_eq!(plural_decimal(Language::Cs, i128::MIN, 38), "many");
        assert_eq!(plural(Language::Cs, i64::MIN), "other");
    }
}
