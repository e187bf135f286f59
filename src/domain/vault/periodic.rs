//! Notes of days, weeks, months, quarters and years: their paths, and the content of new ones.
//!
//! Sources: Obsidian's help ("Daily notes", "Templates") and the Periodic Notes plugin.

use jiff::civil::{Date, DateTime};

use super::moment::{Weeks, format};
use crate::domain::words::words;

/// Maximum length between two template markers, in bytes.
const MARK_MAX: usize = 256;

/// The kind of a periodic note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    Daily,
    Weekly,
    Monthly,
    Quarterly,
    Yearly,
}

words! {
    Period {
        Daily: "daily",
        Weekly: "weekly",
        Monthly: "monthly",
        Quarterly: "quarterly",
        Yearly: "yearly",
    }
}

impl Period {
    /// The default format.
    #[must_use]
    pub fn standard_format(self) -> &'static str {
        match self {
            Self::Daily => "YYYY-MM-DD",
            Self::Weekly => "gggg-[W]ww",
            Self::Monthly => "YYYY-MM",
            Self::Quarterly => "YYYY-[Q]Q",
            Self::Yearly => "YYYY",
        }
    }
}

/// The location of notes of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The folder, relative to the vault; empty for the vault itself.
    pub folder: String,
    /// The format of their names, in tokens of moment.js; it may contain folders.
    pub format: String,
    /// The template note for new notes, relative to the vault.
    pub template: Option<String>,
}

impl Pattern {
    /// The default.
    #[must_use]
    pub fn standard(period: Period) -> Self {
        Self { folder: String::new(), format: period.standard_format().to_owned(), template: None }
    }

    /// The path of the note for a day, relative to the vault; none if it would be outside.
    #[must_use]
    pub fn path(&self, day: Date, weeks: Weeks) -> Option<String> {
        let name = format(day.at(0, 0, 0, 0), &self.format, weeks);
        let whole = format!("{}/{name}", self.folder);
        let parts: Vec<&str> = whole.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        let is_inside = !parts.is_empty() && !parts.contains(&"..") && !name.ends_with('/');
        is_inside.then(|| format!("{}.md", parts.join("/")))
    }

    /// The template's path with its extension, which the settings may omit.
    #[must_use]
    pub fn template_path(&self) -> Option<String> {
        let path = self.template.as_deref()?.trim_matches('/');
        let has_extension = path.rsplit_once('.').is_some_and(|(_, extension)| extension == "md");
        let is_inside = !path.is_empty() && !path.split('/').any(|part| part == "..");
        is_inside.then(|| if has_extension { path.to_owned() } else { format!("{path}.md") })
    }
}

/// Fills in `{{title}}`, `{{date}}` and `{{time}}`, the last two optionally with a format: `{{date:dddd}}`.
/// Anything else stays as it is.
#[must_use]
pub fn fill(template: &str, title: &str, moment: DateTime, weeks: Weeks) -> String {
    let (mut text, mut rest) = (String::new(), template);
    while let Some(at) = rest.find("{{") {
        text.push_str(&rest[..at]);
        let inner = &rest[at + 2..];
        // The search is limited: a text of opening markers alone would otherwise take quadratic time.
        let within = &inner.as_bytes()[..inner.len().min(MARK_MAX)];
        let filled = memchr::memmem::find(within, b"}}").and_then(|end| {
            let (name, pattern) = match inner[..end].split_once(':') {
                Some((name, pattern)) => (name.trim(), Some(pattern.trim())),
                None => (inner[..end].trim(), None),
            };
            let value = match name.to_lowercase().as_str() {
                "title" => title.to_owned(),
                "date" => format(moment, pattern.unwrap_or("YYYY-MM-DD"), weeks),
                "time" => format(moment, pattern.unwrap_or("HH:mm"), weeks),
                _ => return None,
            };
            Some((value, end + 2))
        });
        if let Some((value, length)) = filled {
            text.push_str(&value);
            rest = &inner[length..];
        } else {
            text.push_str("{{");
            rest = inner;
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, datetime};

    #[test]
    fn notes_lie_where_their_pattern_says_and_never_outside() {
        let day = date(2026, 11, 3);
        let cases = [
            ("", "YYYY-MM-DD", Some("2026-11-03.md")),
            ("Journal", "YYYY-MM-DD", Some("Journal/2026-11-03.md")),
            ("/Journal/", "YYYY/MM/DD dddd", Some("Journal/2026/11/03 Tuesday.md")),
            ("a/b", "gggg-[W]ww", Some("a/b/2026-W45.md")),
            ("..", "YYYY", None),
            ("a", "[../../x]", None),
            ("", "", None),
            ("", "YYYY/", None),
        ];
        for (folder, format, path) in cases {
            let pattern = Pattern { folder: folder.into(), format: format.into(), template: None };
            assert_eq!(pattern.path(day, Weeks::Sunday).as_deref(), path, "{folder} {format}");
        }
        let of =
            |template: &str| Pattern { template: Some(template.into()), ..Pattern::standard(Period::Daily) };
        assert_eq!(of("Templates/Day").template_path().as_deref(), Some("Templates/Day.md"));
        assert_eq!(of("/Day.md").template_path().as_deref(), Some("Day.md"));
        assert_eq!(of("../secret").template_path(), None);
    }

    #[test]
    fn templates_are_filled_and_what_is_not_known_stays() {
        let moment = datetime(2026, 11, 3, 9, 5, 0, 0);
        let filled = fill(
            "# {{title}}\n{{date}} {{ time }} {{date:dddd}} {{DATE:Do}} {{other}} {{ <% tp.x %> {{",
            "A day",
            moment,
            Weeks::Sunday,
        );
        assert_eq!(filled, "# A day\n2026-11-03 09:05 Tuesday 3rd {{other}} {{ <% tp.x %> {{");
    }
}
