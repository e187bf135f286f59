//! Parses the inside of a line: tags, links and inline fields.

use std::borrow::Cow;
use std::ops::Range;

use super::Note;

/// Maximum length of an inline field in bytes: its end is not searched beyond that.
const FIELD_MAX: usize = 512;
/// Longer runs of backticks are not code spans.
const RUN_MAX: usize = 64;

/// Parses a line outside of code and comments.
pub(super) fn read(line: &str, note: &mut Note) {
    if !line.contains(['#', '[', ':', '`']) {
        return;
    }
    let plain = if line.contains('`') { Cow::Owned(without_code(line)) } else { Cow::Borrowed(line) };
    let (mut rest, mut before) = (plain.as_ref(), None);
    // No link ends after this position, counted from the line's end: it is not searched again at each
    // bracket.
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

/// The line with its code spans replaced by spaces. A span ends at the next run of equally many backticks.
fn without_code(line: &str) -> String {
    let runs = backticks(line);
    let ends = span_ends(&runs);
    let mut plain = String::with_capacity(line.len());
    let (mut done, mut run) = (0, 0);
    while run < runs.len() {
        run = if let Some(end) = ends[run] {
            plain.push_str(&line[done..runs[run].start]);
            plain.push(' ');
            done = runs[end].end;
            end + 1
        } else {
            run + 1
        };
    }
    plain + &line[done..]
}

/// The runs of backticks.
fn backticks(line: &str) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for at in memchr::memchr_iter(b'`', line.as_bytes()) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// For each run, the next one of equal length. Computed from the end, so that nothing is searched twice.
fn span_ends(runs: &[Range<usize>]) -> Vec<Option<usize>> {
    let mut nearest = [None; RUN_MAX + 1];
    let mut ends = vec![None; runs.len()];
    for (index, run) in runs.iter().enumerate().rev() {
        if let Some(nearest) = nearest.get_mut(run.len()) {
            ends[index] = nearest.replace(index);
        }
    }
    ends
}

/// The tag at the start of a text: letters and digits of any script, `_`, `-` and `/`, and symbols such as
/// emoji.
fn tag(text: &str) -> &str {
    let is_part = |character: char| {
        character.is_alphanumeric()
            || matches!(character, '_' | '-' | '/')
            || (!character.is_ascii() && !character.is_whitespace() && !is_punctuation(character))
    };
    let end = text.find(|character| !is_part(character)).unwrap_or(text.len());
    &text[..end]
}

/// General punctuation, and East Asian punctuation.
fn is_punctuation(character: char) -> bool {
    matches!(character, '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff0f}' | '\u{a0}'..='\u{bf}')
}

/// `[key:: value]`, `(key:: value)`, or a whole line `key:: value`.
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
