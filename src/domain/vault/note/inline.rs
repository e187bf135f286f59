//! What stands inside of a line: tags, links and inline fields.

use super::Note;

/// A field within a line is no longer than this, in bytes: its end is not looked for behind it.
const FIELD_MAX: usize = 512;
/// Runs of more backticks are no span of code.
const RUN_MAX: usize = 64;

/// Reads a line that is no code and no comment.
pub(super) fn read(line: &str, note: &mut Note) {
    if !line.contains(['#', '[', ':', '`']) {
        return;
    }
    let plain = without_code(line);
    let (mut rest, mut before) = (plain.as_str(), None);
    // Behind this, counted from the line's end, no link ends: it is not looked for again at each bracket.
    let last_end = plain.rfind("]]").map(|at| plain.len() - at);
    while let Some(next) = rest.chars().next() {
        if let Some(inner) =
            rest.strip_prefix("[[").filter(|inner| last_end.is_some_and(|end| end <= inner.len()))
            && let Some((link, after)) = inner.split_once("]]")
        {
            let target = link.split(['|', '#', '^']).next().unwrap_or_default().trim();
            if !target.is_empty() {
                note.links.insert(target.to_owned());
            }
            (rest, before) = (after, Some(']'));
            continue;
        }
        if next == '#' && before.is_none_or(|before: char| before.is_whitespace() || "([,;".contains(before))
        {
            let tag = tag(&rest[1..]);
            if tag.chars().any(|character| !character.is_ascii_digit() && character != '/') {
                note.tags.insert(tag.trim_matches('/').to_lowercase());
            }
        }
        (rest, before) = (&rest[next.len_utf8()..], Some(next));
    }
    fields(&plain, note);
}

/// The line with spaces in place of its spans of code.
fn without_code(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    // Lengths of runs of which none is left behind: each is looked for in vain once.
    let mut spent = [false; RUN_MAX + 1];
    while let Some(at) = rest.find('`') {
        plain.push_str(&rest[..at]);
        let run = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        let inner = &rest[at + run..];
        let may_end = run <= RUN_MAX && !spent[run];
        if let Some(end) = may_end.then(|| span_end(inner, run)).flatten() {
            plain.push(' ');
            rest = &inner[end + run..];
        } else {
            plain.push_str(&rest[at..at + run]);
            rest = inner;
            spent[run.min(RUN_MAX)] |= run <= RUN_MAX;
        }
    }
    plain + rest
}

/// Where a span of code ends: at a run of just as many backticks.
fn span_end(text: &str, run: usize) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find('`') {
        let at = from + at;
        let length = text[at..].len() - text[at..].trim_start_matches('`').len();
        if length == run {
            return Some(at);
        }
        from = at + length;
    }
    None
}

/// The tag that a text begins with: letters and digits of any script, `_`, `-` and `/`; signs such as emoji too.
fn tag(text: &str) -> &str {
    let is_part = |character: char| {
        character.is_alphanumeric()
            || matches!(character, '_' | '-' | '/')
            || (!character.is_ascii() && !character.is_whitespace() && !is_punctuation(character))
    };
    let end = text.find(|character| !is_part(character)).unwrap_or(text.len());
    &text[..end]
}

/// General punctuation, and that of East Asia.
fn is_punctuation(character: char) -> bool {
    matches!(character, '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff0f}' | '\u{a0}'..='\u{bf}')
}

/// `[key:: value]`, `(key:: value)`, or a line that is `key:: value` as a whole.
fn fields(line: &str, note: &mut Note) {
    if !line.contains("::") {
        return;
    }
    let found = note.fields.len();
    let (last_square, last_round) = (line.rfind(']'), line.rfind(')'));
    let mut from = 0;
    while let Some(at) = line[from..].find(['[', '(']) {
        let open = from + at;
        from = open + 1;
        let (close, last) =
            if line[open..].starts_with('[') { (b']', last_square) } else { (b')', last_round) };
        if last.is_none_or(|last| last < from) {
            continue;
        }
        let end = from + FIELD_MAX.min(line.len() - from);
        let Some(length) = memchr::memchr(close, &line.as_bytes()[from..end]) else { continue };
        if let Some(field) = field(&line[from..from + length]) {
            note.fields.push(field);
            from += length + 1;
        }
    }
    let text = line.trim_start_matches([' ', '\t', '-', '*', '+', '>']);
    if note.fields.len() == found
        && let Some(field) = field(text)
    {
        note.fields.push(field);
    }
}

fn field(text: &str) -> Option<(String, String)> {
    let (key, value) = text.split_once("::")?;
    let key = key.trim().trim_matches(['*', '_']);
    let is_key = |character: char| character.is_alphanumeric() || " _-/".contains(character);
    let is_named = !key.is_empty() && key.chars().all(is_key) && !value.starts_with(':');
    is_named.then(|| (key.to_owned(), value.trim().to_owned()))
}
