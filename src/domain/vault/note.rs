//! A note: its properties, headings, tags, links, inline fields and tasks.
//!
//! Sources: Obsidian's help (properties, tags, internal links, callouts, comments), and CommonMark for fenced
//! and indented code blocks and for HTML comments. A `- [ ]` in code, in a comment or in the properties is not a
//! task (obsidian-tasks-group/obsidian-tasks, `docs/Getting Started/Getting Started.md`, "Tasks in Comments"); in a
//! quote or a callout it is one.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::domain::depth;

use super::task::{self, Rules, Task};

mod inline;

/// Maximum number of values in a note's properties, including keys.
const VALUES_MAX: usize = 100_000;
/// Maximum number of values repeated by aliases.
const REPEATED_MAX: usize = 10_000;
/// Maximum length of a heading in a task, in bytes.
const HEADING_MAX: usize = 200;

/// The parsed parts of a note.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Note {
    /// The properties at its head; empty if there are none, or invalid ones.
    pub properties: Map<String, Value>,
    /// Whether the properties are not valid YAML.
    pub has_broken_properties: bool,
    /// From properties and text, in lower case, without `#`.
    pub tags: BTreeSet<String>,
    /// In order.
    pub headings: Vec<Heading>,
    /// Targets of its links, without a heading, block or alias, each once.
    pub links: BTreeSet<String>,
    /// Dataview's inline fields, in order.
    pub fields: Vec<(String, String)>,
    /// In order.
    pub tasks: Vec<Task>,
}

/// A heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// 1 to 6.
    pub level: u8,
    /// Without the markers.
    pub text: String,
    /// The line number in its note, from 1.
    pub line: u32,
}

/// Which notes are goals.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Goals {
    /// Notes with this tag or one below it, without `#`, in lower case.
    pub tag: Option<String>,
    /// Notes below this folder.
    pub folder: Option<String>,
}

impl Goals {
    /// Whether a note is a goal. Its path is relative to the vault.
    #[must_use]
    pub fn include(&self, path: &str, note: &Note) -> bool {
        let below = |whole: &str, root: &str| {
            whole.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let has_tag = self.tag.as_deref().is_some_and(|tag| note.tags.iter().any(|own| below(own, tag)));
        has_tag || self.folder.as_deref().is_some_and(|folder| below(path, folder.trim_matches('/')))
    }
}

impl Note {
    /// Parses a note's text, each checkbox as a task. Nothing is an error: what cannot be parsed is text.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::parse_by(text, &Rules::default())
    }

    /// Parses a note's text; tasks are what these rules say.
    #[must_use]
    pub fn parse_by(text: &str, rules: &Rules) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = Reader { after_blank: true, ..Reader::default() };
        let mut lines = text.lines().enumerate();
        if let Some((yaml, count)) = front_matter(text) {
            reader.take_properties(yaml);
            // The fences are lines too.
            lines.nth(count + 1);
        }
        for (number, line) in lines {
            reader.line(number as u32 + 1, line, rules);
        }
        reader.note
    }

    /// A property as text.
    #[must_use]
    pub fn property(&self, key: &str) -> Option<String> {
        match self.properties.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }
}

/// The YAML between the fences at the very start, and its number of lines.
fn front_matter(text: &str) -> Option<(&str, usize)> {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().filter(|line| line.trim_end() == "---" && line.ends_with('\n'))?;
    let (mut end, mut count) = (first.len(), 0);
    for line in lines {
        if line.trim_end() == "---" {
            return Some((&text[first.len()..end], count));
        }
        end += line.len();
        count += 1;
    }
    None
}

/// An open code block.
#[derive(Debug, Clone, Copy)]
struct Fence {
    mark: char,
    length: usize,
    /// The number of quotes around it: it ends with them.
    quotes: usize,
}

#[derive(Default)]
struct Reader {
    note: Note,
    fence: Option<Fence>,
    /// Whether a `%%` is open.
    in_comment: bool,
    /// An open `<!--` at the start of a line: the number of quotes around it, with which it ends.
    html: Option<usize>,
    /// Whether a list is open, so that an indented line belongs to it and is not code.
    in_list: bool,
    /// Whether the previous line is blank, or there is none.
    after_blank: bool,
}

impl Reader {
    fn take_properties(&mut self, yaml: &str) {
        if yaml.trim().is_empty() {
            return;
        }
        if depth::yaml(yaml).is_err() {
            self.note.has_broken_properties = true;
            return;
        }
        // A few lines of nested anchors would expand to a million values.
        let limits = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_events: VALUES_MAX, max_nodes: VALUES_MAX },
            alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: REPEATED_MAX },
        };
        match serde_saphyr::from_str_with_options::<Value>(yaml, limits) {
            Ok(Value::Object(properties)) => {
                for key in ["tags", "tag"] {
                    let tags = properties.get(key).map(texts).unwrap_or_default();
                    let parts = tags
                        .iter()
                        .flat_map(|tag| tag.split(|mark: char| mark == ',' || mark.is_whitespace()));
                    let parts = parts.map(|tag| tag.trim_start_matches('#').to_lowercase());
                    self.note.tags.extend(parts.filter(|tag| !tag.is_empty()));
                }
                self.note.properties = properties;
            }
            Ok(Value::Null) => {}
            Ok(_) | Err(_) => self.note.has_broken_properties = true,
        }
    }

    fn line(&mut self, number: u32, line: &str, rules: &Rules) {
        let (quotes, inner) = unquote(line);
        if let Some(fence) = self.fence {
            if quotes < fence.quotes {
                self.fence = None;
            } else {
                if closes(fence, inner) {
                    self.fence = None;
                }
                return;
            }
        }
        if self.is_html_comment(quotes, inner) {
            self.after_blank = false;
            return;
        }
        if inner.trim().is_empty() {
            self.after_blank = true;
            return;
        }
        let was_blank = std::mem::take(&mut self.after_blank);
        if !self.in_comment
            && let Some(fence) = opens(inner, quotes, self.in_list)
        {
            self.fence = Some(fence);
            return;
        }
        let indent = indent_of(inner);
        if indent == 0 && was_blank && !is_item(inner) {
            self.in_list = false;
        }
        if indent >= 4 && !self.in_list && was_blank && !self.in_comment {
            // Code, including the following lines up to a blank one.
            self.after_blank = true;
            return;
        }
        let starts_in_comment = self.in_comment;
        let visible = self.without_comments(inner);
        if starts_in_comment && visible.trim().is_empty() {
            return;
        }
        if let Some((level, text)) = heading(&visible) {
            self.note.headings.push(Heading { level, text, line: number });
            self.in_list = false;
        }
        inline::read(&visible, &mut self.note);
        if is_item(inner) && !starts_in_comment {
            self.in_list = true;
            if let Some(task) = task::parse(line, rules) {
                let heading = self.note.headings.last().map(|heading| cut(&heading.text));
                self.note.tasks.push(Task { line: number, heading, ..task });
            }
        }
    }

    /// Whether a line is a part of an HTML comment that began at a line's start. It ends with the line that has `-->`.
    fn is_html_comment(&mut self, quotes: usize, inner: &str) -> bool {
        const OPEN: &str = "<!--";
        let mut text = inner;
        if self.html.is_none_or(|around| quotes < around) {
            let is_open = !self.in_comment && (self.in_list || indent_of(inner) < 4);
            let begun = inner.trim_start().strip_prefix(OPEN).filter(|_| is_open);
            self.html = begun.map(|_| quotes);
            let Some(rest) = begun else { return false };
            text = rest;
        }
        if text.contains("-->") {
            self.html = None;
        }
        true
    }

    /// The line without text between `%%`; markers in code do not count.
    fn without_comments(&mut self, line: &str) -> String {
        if !self.in_comment && !line.contains("%%") {
            return line.to_owned();
        }
        let (mut visible, mut in_code, mut rest) = (String::new(), false, line);
        while let Some(next) = rest.chars().next() {
            if rest.starts_with("%%") && !in_code {
                self.in_comment = !self.in_comment;
                rest = &rest[2..];
                continue;
            }
            if !self.in_comment {
                in_code ^= next == '`';
                visible.push(next);
            }
            rest = &rest[next.len_utf8()..];
        }
        visible
    }
}

/// Each task copies its heading: a long one is truncated.
fn cut(heading: &str) -> String {
    heading[..heading.floor_char_boundary(HEADING_MAX)].to_owned()
}

/// A property's texts, whether it is one or a list.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::Number(number) => vec![number.to_string()],
        _ => Vec::new(),
    }
}

/// The number of `>` at the start of a line, and the rest of the line.
fn unquote(line: &str) -> (usize, &str) {
    let (mut quotes, mut rest) = (0, line);
    while let Some(inner) = rest.trim_start_matches(' ').strip_prefix('>') {
        if rest.len() - rest.trim_start_matches(' ').len() > 3 {
            break;
        }
        quotes += 1;
        rest = inner.strip_prefix(' ').unwrap_or(inner);
    }
    (quotes, rest)
}

/// The width of the indentation; a tab reaches the next multiple of four.
fn indent_of(line: &str) -> usize {
    let mut column = 0;
    for character in line.chars() {
        match character {
            ' ' => column += 1,
            '\t' => column += 4 - column % 4,
            _ => break,
        }
    }
    column
}

fn fence_mark(text: &str) -> Option<(char, usize)> {
    let mark = text.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let length = text.chars().take_while(|character| *character == mark).count();
    (length >= 3).then_some((mark, length))
}

/// The code block that a line opens. In a list it may be indented.
fn opens(line: &str, quotes: usize, in_list: bool) -> Option<Fence> {
    if indent_of(line) > 3 && !in_list {
        return None;
    }
    let mut text = line.trim_start();
    // An item may begin with a code block.
    if is_item(text)
        && let Some((_, rest)) = text.split_once(' ')
    {
        text = rest.trim_start();
    }
    let (mark, length) = fence_mark(text)?;
    let info = &text[length..];
    // With backticks in its info string it is a code span, not a fence.
    (mark == '~' || !info.contains('`')).then_some(Fence { mark, length, quotes })
}

fn closes(fence: Fence, line: &str) -> bool {
    let text = line.trim();
    fence_mark(text).is_some_and(|(mark, length)| {
        mark == fence.mark && length >= fence.length && text.chars().all(|character| character == mark)
    })
}

/// Whether a line begins a list item.
fn is_item(line: &str) -> bool {
    let text = line.trim_start();
    let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
    let mark = match text.len() - rest.len() {
        0 => text.strip_prefix(['-', '*', '+']),
        1..=9 => rest.strip_prefix(['.', ')']),
        _ => None,
    };
    mark.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

/// A heading's level and text.
fn heading(line: &str) -> Option<(u8, String)> {
    let text = line.trim_end();
    if indent_of(text) > 3 {
        return None;
    }
    let text = text.trim_start();
    let level = text.bytes().take_while(|byte| *byte == b'#').count();
    let rest = &text[level..];
    if !(1..=6).contains(&level) || !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return None;
    }
    let rest = rest.trim();
    // Trailing markers close the heading, and are not part of it.
    let open = rest.trim_end_matches('#');
    let text = if open.is_empty() || open.ends_with([' ', '\t']) { open.trim_end() } else { rest };
    Some((level as u8, text.to_owned()))
}

#[cfg(test)]
mod tests;
