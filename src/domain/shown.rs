//! Sanitizes foreign text for display.
//!
//! Names of models, directories, tasks and goals may contain anything. A terminal interprets some characters:
//! it clears the screen, writes to the clipboard, sets its title, or shows a line backwards. An agent reads
//! characters that a person does not even see. So each edge passes all its output through one of these
//! functions; the data itself stays unchanged.
//!
//! Sources: ECMA-48 (control functions), Unicode Standard Annex #9 (bidirectional formatting characters), Unicode chapter 23.9
//! (tag characters).

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a terminal or a reader interprets a character instead of showing it.
#[must_use]
pub fn is_control(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// Marks that change how the surrounding text reads: writing directions, line ends, tags, fillers. The
/// joiners of emoji and of Indic and Persian script are not included.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Characters that an agent reads and a person does not see: the marks above, joiners, soft hyphens, and
/// variation selectors, in which whole sentences can be hidden.
fn is_hidden(c: char) -> bool {
    is_invisible(c)
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200c}' | '\u{200d}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0080}'..='\u{e0fff}')
}

/// The replacement for a character that is not shown: Unicode's pictures of controls, else the replacement
/// character.
fn picture(c: char) -> char {
    match c {
        '\0'..='\x1f' => char::from_u32(0x2400 + c as u32).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\x7f' => '\u{2421}',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

fn replaced(text: &str, is_bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.chars().any(&is_bad) {
        Cow::Owned(text.chars().map(|c| if is_bad(c) { picture(c) } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// One line for a person: every control is replaced by its picture, including line ends, so that no text
/// creates lines of its own.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    replaced(text, is_control)
}

/// Lines of text for a person: as [`line`], but keeps line ends and tabs, which are ours.
#[must_use]
pub fn page(text: &str) -> Cow<'_, str> {
    replaced(text, |c| is_control(c) && c != '\n' && c != '\t')
}

/// JSON for a terminal: controls that JSON allows are escaped, which does not change the meaning.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    let is_bad = |c: char| is_control(c) && c != '\n' && c != '\t';
    if !text.chars().any(is_bad) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if is_bad(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Text for an agent: characters that a person would not see are removed.
#[must_use]
pub fn seen(text: &str) -> Cow<'_, str> {
    let is_bad = |c: char| is_hidden(c) || (c.is_control() && c != '\n' && c != '\t');
    if text.chars().any(is_bad) {
        Cow::Owned(text.chars().filter(|c| !is_bad(*c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_edge_shows_what_it_can_and_hides_what_it_must() {
        let cases = [
            ("plain", "plain", "plain", "plain", "plain"),
            ("été 日本 👩‍🚀", "été 日本 👩‍🚀", "été 日本 👩‍🚀", "été 日本 👩‍🚀", "été 日本 👩🚀"),
            ("a\u{1b}[2Jb", "a␛[2Jb", "a␛[2Jb", r"a\u001b[2Jb", "a[2Jb"),
            ("a\nb\tc", "a␊b␉c", "a\nb\tc", "a\nb\tc", "a\nb\tc"),
            ("a\rb", "a␍b", "a␍b", r"a\u000db", "ab"),
            ("a\u{9b}2Jb", "a\u{fffd}2Jb", "a\u{fffd}2Jb", r"a\u009b2Jb", "a2Jb"),
            ("a\x7fb", "a␡b", "a␡b", r"a\u007fb", "ab"),
            ("a\u{202e}b", "a\u{fffd}b", "a\u{fffd}b", r"a\u202eb", "ab"),
            ("a\u{2028}b", "a\u{fffd}b", "a\u{fffd}b", r"a\u2028b", "ab"),
            ("a\u{e0041}b", "a\u{fffd}b", "a\u{fffd}b", r"a\udb40\udc41b", "ab"),
            ("⚠\u{fe0f}", "⚠\u{fe0f}", "⚠\u{fe0f}", "⚠\u{fe0f}", "⚠"),
            ("a\u{e0101}b", "a\u{e0101}b", "a\u{e0101}b", "a\u{e0101}b", "ab"),
        ];
        for (text, in_line, in_page, in_json, for_agent) in cases {
            assert_eq!((line(text).as_ref(), page(text).as_ref()), (in_line, in_page), "{text:?}");
            assert_eq!((json(text).as_ref(), seen(text).as_ref()), (in_json, for_agent), "{text:?}");
        }
    }

    #[test]
    fn of_every_character_no_control_is_left_and_escaped_json_means_the_same() {
        for c in (0..=0x0010_ffff).filter_map(char::from_u32) {
            let text = c.to_string();
            assert!(!line(&text).chars().any(is_control), "{c:?}");
            assert!(!page(&text).chars().any(|c| is_control(c) && c != '\n' && c != '\t'), "{c:?}");
            assert!(!seen(&text).chars().any(is_hidden), "{c:?}");
            let written = serde_json::to_string(&text).unwrap();
            let read: String = serde_json::from_str(&json(&written)).unwrap();
            assert_eq!(read, text);
        }
    }
}
