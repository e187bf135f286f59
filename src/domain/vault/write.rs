//! Appends a line to a note: everything else stays as it is, byte for byte.

use super::note::Note;

/// The note's text with `line` as the last one below `heading`: see [`insertion`].
#[must_use]
pub fn append(text: &str, heading: &str, line: &str) -> Option<String> {
    let (at, added) = insertion(text, heading, line)?;
    let (before, after) = text.split_at(at);
    Some(format!("{before}{added}{after}"))
}

/// What is put into a note, and at which byte, so that `line` is the last one below `heading`, which is appended if
/// it is missing. None if that very line is already there: a retry changes nothing.
///
/// The line ending matches the note's, and a note without a final line ending has none afterwards.
#[must_use]
pub fn insertion(text: &str, heading: &str, line: &str) -> Option<(usize, String)> {
    let note = Note::parse(text);
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let found = note.headings.iter().position(|own| own.text.eq_ignore_ascii_case(heading));
    let Some(found) = found else {
        // After an unclosed fence or comment a heading does not count: what was written there stays there.
        let own = format!("## {heading}");
        let mut behind = text.lines().skip_while(|known| known.trim_end() != own).skip(1);
        let is_there = behind.any(|known| known.trim_end() == line);
        return (!is_there).then(|| (text.len(), with_heading(text, heading, line, end)));
    };
    let section = &note.headings[found];
    let next = note.headings[found + 1..].iter().find(|next| next.level <= section.level);
    // The section's last line that is not blank: blank lines before the next heading stay there.
    let (first, last) = (section.line as usize, next.map_or(usize::MAX, |next| next.line as usize - 1));
    let (mut at, mut offset) = (0, 0);
    for (number, own) in text.split_inclusive('\n').enumerate() {
        offset += own.len();
        if number + 1 < first || number >= last {
            continue;
        }
        if own.trim_end() == line {
            return None;
        }
        if number + 1 == first || !own.trim().is_empty() {
            at = offset;
        }
    }
    let ends = text[..at].ends_with('\n');
    Some((at, if ends { format!("{line}{end}") } else { format!("{end}{line}") }))
}

/// The heading and the line, as they are put behind a text.
fn with_heading(text: &str, heading: &str, line: &str, end: &str) -> String {
    let is_empty = text.trim_start_matches('\u{feff}').is_empty();
    let ends_open = !is_empty && !text.ends_with('\n');
    let between = match (is_empty, ends_open) {
        (true, _) => String::new(),
        (_, true) => format!("{end}{end}"),
        _ if text.ends_with("\n\n") || text.ends_with("\n\r\n") => String::new(),
        _ => end.to_owned(),
    };
    let last = if ends_open { "" } else { end };
    format!("{between}## {heading}{end}{end}{line}{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_added_and_nothing_else_changes() {
        let cases = [
            // Empty.
            ("", Some("## Log\n\n- new\n")),
            ("\u{feff}", Some("\u{feff}## Log\n\n- new\n")),
            // No such heading: at the end.
            ("a\n", Some("a\n\n## Log\n\n- new\n")),
            ("a\n\n", Some("a\n\n## Log\n\n- new\n")),
            ("a", Some("a\n\n## Log\n\n- new")),
            ("a\r\nb", Some("a\r\nb\r\n\r\n## Log\r\n\r\n- new")),
            // Below it, before the next heading of its level or above.
            ("# Log\n- a\n\n# Next\n", Some("# Log\n- a\n- new\n\n# Next\n")),
            ("# log\n\n## Part\nx\n# Next\n", Some("# log\n\n## Part\nx\n- new\n# Next\n")),
            ("## Log\r\n\r\n- a\r\n\r\n\r\n# B\r\n", Some("## Log\r\n\r\n- a\r\n- new\r\n\r\n\r\n# B\r\n")),
            ("## Log", Some("## Log\n- new")),
            ("## Log\n- a  \n", Some("## Log\n- a  \n- new\n")),
            // A heading in code does not count.
            ("```\n# Log\n```\n", Some("```\n# Log\n```\n\n## Log\n\n- new\n")),
            ("---\nx: '# Log'\n---\n# Log\n", Some("---\nx: '# Log'\n---\n# Log\n- new\n")),
            // It is already there.
            ("# Log\n- new\n", None),
            ("# Log\r\n- new", None),
            // Elsewhere it is a different line.
            ("- new\n# Log\n", Some("- new\n# Log\n- new\n")),
        ];
        for (text, expected) in cases {
            assert_eq!(append(text, "Log", "- new").as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn telling_it_twice_changes_nothing() {
        for text in
            ["", "a", "a\r\n", "# Log\n\n# B", "# Log\n```\n", "```\n", "%%", "a %% b\n\n", "~~~~\r\n~~~"]
        {
            if let Some(once) = append(text, "Log", "- new") {
                assert_eq!(append(&once, "Log", "- new"), None, "{text:?}");
            }
        }
    }
}
