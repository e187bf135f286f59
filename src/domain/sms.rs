//! The cost of a text as an SMS, and how to reduce it.
//!
//! Sources: 3GPP TS 23.038 (the GSM 7-bit default alphabet and its extension table) and TS 23.040 (each
//! segment of a longer message loses six octets to a header: 153 of 160 septets remain, 67 of 70 UTF-16
//! units). One character outside the alphabet makes the whole message UCS-2. Each segment is billed.

/// The encoding of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// The GSM 7-bit default alphabet with its extension table; units are septets.
    Gsm7,
    /// UTF-16, for everything else; units are 16 bits.
    Ucs2,
}

impl Encoding {
    /// Units in a single-segment message, and in each segment of a longer one.
    const fn limits(self) -> (u32, u32) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }

    /// Units of a character, which are never split.
    fn units(self, character: char) -> u32 {
        match self {
            Self::Gsm7 if is_extension(character) => 2,
            Self::Gsm7 => 1,
            Self::Ucs2 => character.len_utf16() as u32,
        }
    }
}

/// The size of a text as an SMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segments {
    pub encoding: Encoding,
    /// Septets or UTF-16 units, without unused space at the ends of segments.
    pub units: u32,
    /// Segments, which are billed individually; 0 for an empty text, which is not sent.
    pub count: u32,
}

/// Twilio refuses longer messages (its error 21617). Counted in UTF-16 units, which are never fewer than
/// characters.
pub const MAX_UNITS: usize = 1600;

/// The end of a truncated text.
const ELLIPSIS: &str = "...";

/// The size of a text as it is.
#[must_use]
pub fn segments(text: &str) -> Segments {
    let encoding = if text.chars().all(is_gsm) { Encoding::Gsm7 } else { Encoding::Ucs2 };
    let (single, part) = encoding.limits();
    let (mut units, mut count, mut filled) = (0_u32, 0_u32, part);
    for character in text.chars() {
        let cost = encoding.units(character);
        units = units.saturating_add(cost);
        if filled + cost > part {
            count += 1;
            filled = 0;
        }
        filled += cost;
    }
    let count = if units <= single { count.min(1) } else { count };
    Segments { encoding, units, count }
}

/// Replaces characters outside the GSM alphabet by similar ones in it, so that a curly quote does not double
/// the cost; removes control and invisible characters. Everything else stays: names are not respelled.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{2018}'..='\u{201b}'
            | '\u{2032}'
            | '\u{2035}'
            | '\u{2039}'
            | '\u{203a}'
            | '\u{2b9}'
            | '\u{2bb}'..='\u{2bd}'
            | '\u{2c8}'
            | '`'
            | '\u{b4}' => folded.push('\''),
            '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{2036}' | '\u{ab}' | '\u{bb}' | '\u{2ba}' => {
                folded.push('"');
            }
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2043}' => folded.push('-'),
            '\u{2026}' => folded.push_str(ELLIPSIS),
            '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\t' => {
                folded.push(' ');
            }
            '\u{2022}' | '\u{b7}' | '\u{2219}' => folded.push('*'),
            '\u{2044}' | '\u{2215}' => folded.push('/'),
            '\u{d7}' => folded.push('x'),
            '\n' | '\u{2028}' | '\u{2029}' | '\u{85}' => folded.push('\n'),
            '\r' if characters.peek() != Some(&'\n') => folded.push('\n'),
            _ if character.is_control() || is_invisible(character) => {}
            _ => folded.push(character),
        }
    }
    folded
}

/// Truncates a text to at most `max_segments` segments and [`MAX_UNITS`]; a truncated text ends with three
/// dots. A text that fits is unchanged; nothing fits in zero segments.
#[must_use]
pub fn fit(text: &str, max_segments: u32) -> String {
    let fits = |text: &str| segments(text).count <= max_segments && text.encode_utf16().count() <= MAX_UNITS;
    if fits(text) {
        return text.to_owned();
    }
    let cut = |end: usize| text[..end].trim_end_matches(is_no_end).to_owned() + ELLIPSIS;
    // A longer prefix never costs less, so the longest one that fits can be found by binary search.
    let ends: Vec<usize> = text.char_indices().map(|(end, _)| end).take(MAX_UNITS).collect();
    match ends.partition_point(|&end| fits(&cut(end))) {
        0 => String::new(),
        fitting => cut(ends[fitting - 1]),
    }
}

/// What a truncated text should not end with before its dots: spaces, and joiners without their second half.
fn is_no_end(character: char) -> bool {
    character.is_whitespace() || character == '\u{200d}'
}

/// Invisible characters that only mark positions and directions. Joiners stay: emoji and scripts need them.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Whether a character is in the basic or the extension table.
fn is_gsm(character: char) -> bool {
    is_basic(character) || is_extension(character)
}

/// TS 23.038, 6.2.1: the default alphabet, without the escape to the extension table.
fn is_basic(character: char) -> bool {
    matches!(character, '\n' | '\r' | ' '..='#' | '%'..='?' | 'A'..='Z' | 'a'..='z')
        || "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà".contains(character)
}

/// TS 23.038, 6.2.1.1: the extension table, whose characters cost two septets.
fn is_extension(character: char) -> bool {
    matches!(character, '\u{c}' | '^' | '{' | '}' | '\\' | '[' | '~' | ']' | '|' | '€')
}

#[cfg(test)]
mod tests;
