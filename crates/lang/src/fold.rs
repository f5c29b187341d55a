//! Texts and words made comparable for search.

use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;

/// [`fold`] reads no more than this many bytes of a text, [`tokens`] neither.
pub const MAX_FOLD_BYTES: usize = 1 << 20;

/// [`tokens`] gives no more words than this.
pub const MAX_TOKENS: usize = 10_000;

/// A word of [`tokens`] is cut to this many characters.
pub const MAX_TOKEN_CHARS: usize = 64;

/// The text in lower case, without diacritics and in compatibility form (Unicode NFKD), runs of white space as one space,
/// none at the ends: `"  Žluťoučký\tKŮŇ "` gives `"zlutoucky kun"`.
///
/// Letters that Unicode does not decompose are spelled plainly: ø o, ß ss, ł l, đ d, æ ae, œ oe, þ th, ı i. Dashes become
/// `-`, quotation marks and apostrophes `'` or `"`; soft hyphens, zero-width characters and controls vanish. The same
/// function must fold what is stored and what is looked for. At most [`MAX_FOLD_BYTES`] of the text are read.
pub fn fold(text: &str) -> String {
    const NFKD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfkd();
    const CLASSES: CanonicalCombiningClassMapBorrowed<'static> = CanonicalCombiningClassMapBorrowed::new();
    let text = cut(text, MAX_FOLD_BYTES);
    let mut folded = String::with_capacity(text.len());
    let mut gap = false;
    for c in NFKD.normalize_iter(text.chars().flat_map(char::to_lowercase)).flat_map(char::to_lowercase) {
        if c.is_whitespace() {
            gap = true;
            continue;
        }
        if c.is_control() || is_invisible(c) || (!c.is_ascii() && CLASSES.get_u8(c) != 0) {
            continue;
        }
        if gap && !folded.is_empty() {
            folded.push(' ');
        }
        gap = false;
        match plain(c) {
            Some(letters) => folded.push_str(letters),
            None => folded.push(c),
        }
    }
    folded
}

/// The words and numbers of a text, folded by [`fold`], in their order and with repeats: runs of letters and digits, where
/// an ideograph or kana counts as a word of its own. `"Objednávka SO-2026/17"` gives `objednavka`, `so`, `2026`, `17`.
///
/// At most [`MAX_TOKENS`] words of at most [`MAX_TOKEN_CHARS`] characters from the first [`MAX_FOLD_BYTES`] bytes.
pub fn tokens(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut length = 0;
    let folded = fold(text);
    // The space at the end closes the last word.
    for c in folded.chars().chain([' ']) {
        let alone = is_ideograph(c);
        if c.is_alphanumeric() && !alone {
            if length < MAX_TOKEN_CHARS {
                word.push(c);
                length += 1;
            }
            continue;
        }
        if length > 0 {
            words.push(std::mem::take(&mut word));
            length = 0;
        }
        if alone {
            words.push(c.to_string());
        }
        if words.len() >= MAX_TOKENS {
            words.truncate(MAX_TOKENS);
            break;
        }
    }
    words
}

/// The longest start of the text with at most so many bytes.
fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let end = (0..=bytes).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'ø' => "o",
        'ß' => "ss",
        'ł' => "l",
        'đ' | 'ð' | 'ɖ' => "d",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ħ' => "h",
        'ı' => "i",
        'ŋ' => "n",
        'ŧ' => "t",
        'ĸ' => "k",
        'ς' => "σ",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '`' | '\u{b4}' => "'",
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '«' | '»' => "\"",
        '\u{2044}' => "/",
        _ => return None,
    })
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e01ef}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding() {
        assert_eq!(fold("  Příliš\u{a0}ŽLUŤOUČKÝ\t\nkůň "), "prilis zlutoucky kun");
        assert_eq!(
            fold("Straße GROẞ Łódź Ørsted Đuro Æsir Œuvre Þór"),
            "strasse gross lodz orsted duro aesir oeuvre thor"
        );
        assert_eq!(fold("İstanbul ISPARTA ısı"), "istanbul isparta isi");
        assert_eq!(fold("ﬁrma ① ½ ² ＡＢ"), "firma 1 1/2 2 ab");
        assert_eq!(fold("K\u{212a}\u{2126}"), "kkω");
        assert_eq!(fold("ΣΊΣΥΦΟΣ"), fold("σίσυφος"));
        assert_eq!(fold("pod\u{ad}nik\u{200b} A–B d’Art"), "podnik a-b d'art");
        assert_eq!(fold("Z\u{30c}iz\u{30c}ka"), fold("Žižka"));
        assert_eq!(fold(" \u{301} \t"), "");
        for text in ["Příliš žluťoučký", "Straße", "İ", "ﬀ Ǆ", "가나다 がぎ"] {
            assert_eq!(fold(&fold(text)), fold(text), "folding twice changes nothing");
        }
    }

    #[test]
    fn words() {
        assert_eq!(tokens("Objednávka SO-2026/17, 3×šroub M5"), ["objednavka", "so", "2026", "17", "3", "sroub", "m5"]);
        assert_eq!(tokens("東京 office"), ["東", "京", "office"]);
        assert_eq!(tokens(" – … "), Vec::<String>::new());
    }

    #[test]
    fn limits() {
        assert_eq!(tokens(&"a ".repeat(MAX_TOKENS + 5)).len(), MAX_TOKENS);
        assert_eq!(tokens(&"漢".repeat(MAX_TOKENS + 5)).len(), MAX_TOKENS);
        assert_eq!(tokens(&"ž".repeat(1000)), ["z".repeat(MAX_TOKEN_CHARS)]);
        assert!(fold(&"ž".repeat(MAX_FOLD_BYTES)).len() <= MAX_FOLD_BYTES);
        assert_eq!(cut("žž", 3), "ž");
    }
}
