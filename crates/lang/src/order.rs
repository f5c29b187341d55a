//! The order of texts, as bytes.

use std::sync::OnceLock;

use icu_collator::options::CollatorOptions;
use icu_collator::{Collator, CollatorBorrowed};

use crate::Language;

/// The version of the keys that [`sort_key`] makes. A change of it means that stored keys must be made anew; a test holds
/// the keys of a sample, so that an update of ICU's data cannot change them unseen.
pub const SORT_KEY_VERSION: u32 = 1;

/// Only so many characters of a text take part in the order.
pub const MAX_SORT_CHARS: usize = 256;

/// No key is longer than this, so that an index can hold it (a PostgreSQL B-tree refuses entries above about 2,700 bytes).
pub const MAX_SORT_KEY_BYTES: usize = 1_000;

fn collator(language: Language) -> Option<&'static CollatorBorrowed<'static>> {
    static COLLATORS: [OnceLock<Option<CollatorBorrowed<'static>>>; 2] = [OnceLock::new(), OnceLock::new()];
    COLLATORS[language.index()]
        .get_or_init(|| Collator::try_new(language.locale().into(), CollatorOptions::default()).ok())
        .as_ref()
}

/// The collation key of a text: comparing two keys byte by byte gives the order of the texts in the language (Unicode
/// Collation Algorithm with the CLDR tailoring; for Czech that is ČSN 97 6030: č after c, ch after h, ř, š, ž after r, s, z,
/// other diacritics only where the letters are equal, case last).
///
/// Texts beyond [`MAX_SORT_CHARS`] characters and keys beyond [`MAX_SORT_KEY_BYTES`] bytes are cut; the cut texts tie, and
/// a stable order must end in something unique anyway. Equal texts give equal keys; keys of different languages or of
/// different [`SORT_KEY_VERSION`]s must not be compared.
pub fn sort_key(text: &str, language: Language) -> Vec<u8> {
    let end = text.char_indices().nth(MAX_SORT_CHARS).map_or(text.len(), |(at, _)| at);
    let text = text.get(..end).unwrap_or(text);
    let mut key = Vec::with_capacity(text.len() + 16);
    match collator(language) {
        Some(collator) => {
            let Ok(()) = collator.write_sort_key_to(text, &mut key);
        }
        None => key.extend_from_slice(crate::fold(text).as_bytes()),
    }
    key.truncate(MAX_SORT_KEY_BYTES);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(language: Language, words: &[&'static str]) -> Vec<&'static str> {
        let mut words = words.to_vec();
        words.sort_by_key(|word| sort_key(word, language));
        words
    }

    #[test]
    fn czech_order() {
        assert!(Language::ALL.into_iter().all(|language| collator(language).is_some()));
        let right = [
            "Adam", "auto", "cena", "citron", "čáp", "Čech", "dům", "had", "hrad", "chata", "Chrudim", "Ivan",
            "jablko", "řada", "sud", "Šmíd", "zebra", "Žižka",
        ];
        let mut mixed = right;
        mixed.reverse();
        assert_eq!(sorted(Language::Cs, &mixed), right);
        assert_eq!(sorted(Language::Cs, &["Dvořák", "dvořák", "Dvorak"]), ["Dvorak", "dvořák", "Dvořák"]);
        assert_eq!(sorted(Language::En, &["hrad", "chata", "čáp", "cena"]), ["čáp", "cena", "chata", "hrad"]);
    }

    #[test]
    fn forms_and_limits() {
        assert_eq!(sort_key("Žižka", Language::Cs), sort_key("Z\u{30c}iz\u{30c}ka", Language::Cs));
        let long = "ž".repeat(100_000);
        assert!(sort_key(&long, Language::Cs).len() <= MAX_SORT_KEY_BYTES);
        assert!(sort_key("", Language::Cs) < sort_key("a", Language::Cs));
        let key = sort_key(&"漢字🎉\u{0}".repeat(80), Language::En);
        assert!(key.len() <= MAX_SORT_KEY_BYTES);
    }

    /// If this fails after an update of the ICU crates, stored keys no longer agree with new ones: raise
    /// [`SORT_KEY_VERSION`] together with the number below.
    #[test]
    fn keys_are_those_of_the_version() {
        let sample = ["", "Žižka", "chata", "Faktura č. 12/2026", "ßøł", "漢字", "🎉", "Ďáblice – sever"];
        let mut sum: u64 = 0xcbf2_9ce4_8422_2325;
        for language in Language::ALL {
            for text in sample {
                for byte in sort_key(text, language) {
                    sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
                }
            }
        }
        assert_eq!((SORT_KEY_VERSION, sum), (1, 2_871_634_555_637_153_525));
    }
}
