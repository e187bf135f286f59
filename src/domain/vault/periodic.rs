//! Notes of days, weeks, months, quarters and years: their paths, and the content of new ones.
//!
//! Sources: Obsidian's help ("Daily notes", "Templates"); liamcain/obsidian-periodic-notes 0.0.17, `src/commands.ts`
//! (`openPeriodicNote` names a note by the first day of its period); liamcain/obsidian-daily-notes-interface,
//! `src/vault.ts` (`getNotePath`, `join`) and `src/daily.ts` (`createDailyNote`, what a template may hold).

use jiff::civil::{Date, DateTime};
use jiff::{Span, ToSpan};

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

    /// The first day of the period that a day is in: it names the period's note.
    #[must_use]
    pub fn first_day(self, day: Date, weeks: Weeks) -> Date {
        match self {
            Self::Daily => day,
            Self::Weekly => day.saturating_sub(weeks.day_of_week(day).days()),
            Self::Monthly => day.first_of_month(),
            Self::Quarterly => {
                let months = (day.month() - 1) % 3;
                day.first_of_month().saturating_sub(i32::from(months).months())
            }
            Self::Yearly => day.first_of_year(),
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

    /// The path of the note that is named by a day, relative to the vault; none if it would be outside, or where
    /// Obsidian has no notes: below a name that begins with a dot.
    #[must_use]
    pub fn path(&self, day: Date, weeks: Weeks) -> Option<String> {
        let name = self.name(day, weeks);
        // As Obsidian's `normalizePath`: no backslashes, and no spaces that look like others.
        let whole = format!("{}/{name}", self.folder).replace('\\', "/").replace(['\u{a0}', '\u{202f}'], " ");
        let parts: Vec<&str> = whole.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        let is_hidden = parts.iter().any(|part| part.starts_with('.'));
        if parts.is_empty() || is_hidden || name.is_empty() || name.ends_with('/') {
            return None;
        }
        let path = parts.join("/");
        // With the case of its letters, as `getNotePath` compares it.
        let name = path.strip_suffix(".md").unwrap_or(&path);
        Some(format!("{name}.md"))
    }

    /// The name of the note: with the folders of its format, as it stands for `{{title}}` in the plugins' templates.
    #[must_use]
    pub fn name(&self, day: Date, weeks: Weeks) -> String {
        format(day.at(0, 0, 0, 0), &self.format, weeks)
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

/// What the markers of a template stand for.
struct Markers<'a> {
    title: &'a str,
    /// `{{date}}` without a format.
    date: &'a str,
    moment: DateTime,
    weeks: Weeks,
    /// The format of the note's name, where the plugin's markers are known too.
    own: Option<&'a str>,
}

/// Fills in `{{title}}`, `{{date}}` and `{{time}}`, the last two optionally with a format: `{{date:dddd}}`.
/// Anything else stays as it is.
#[must_use]
pub fn fill(template: &str, title: &str, moment: DateTime, weeks: Weeks) -> String {
    let date = format(moment, "YYYY-MM-DD", weeks);
    filled(template, &Markers { title, date: &date, moment, weeks, own: None })
}

/// As the Periodic Notes plugin fills in a daily note's template: `{{date}}` and `{{title}}` are the note's name;
/// `{{yesterday}}` and `{{tomorrow}}` are known, and days and times before and after: `{{date+1d:dddd}}`.
#[must_use]
pub fn fill_periodic(template: &str, pattern: &Pattern, moment: DateTime, weeks: Weeks) -> String {
    let name = pattern.name(moment.date(), weeks);
    filled(template, &Markers { title: &name, date: &name, moment, weeks, own: Some(&pattern.format) })
}

fn filled(template: &str, markers: &Markers<'_>) -> String {
    let (mut text, mut rest) = (String::new(), template);
    while let Some(at) = rest.find("{{") {
        text.push_str(&rest[..at]);
        let inner = &rest[at + 2..];
        // The search is limited: a text of opening markers alone would otherwise take quadratic time.
        let within = &inner.as_bytes()[..inner.len().min(MARK_MAX)];
        let filled = memchr::memmem::find(within, b"}}")
            .and_then(|end| Some((markers.value(&inner[..end])?, end + 2)));
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

impl Markers<'_> {
    /// What the inside of a marker stands for; none where it is nobody's.
    fn value(&self, inner: &str) -> Option<String> {
        let (name, pattern) = match inner.split_once(':') {
            Some((name, pattern)) => (name.trim(), Some(pattern.trim())),
            None => (inner.trim(), None),
        };
        let (moment, weeks) = (self.moment, self.weeks);
        let of = |moment: DateTime, own: &str| format(moment, pattern.unwrap_or(own), weeks);
        match (name.to_lowercase().as_str(), self.own) {
            ("title", _) => Some(self.title.to_owned()),
            ("date", _) if pattern.is_none() => Some(self.date.to_owned()),
            ("time", _) if pattern.is_none() => Some(format(moment, "HH:mm", weeks)),
            ("date" | "time", _) => Some(of(moment, "YYYY-MM-DD")),
            ("yesterday", Some(own)) if pattern.is_none() => {
                Some(format(moment.saturating_sub(1.day()), own, weeks))
            }
            ("tomorrow", Some(own)) if pattern.is_none() => {
                Some(format(moment.saturating_add(1.day()), own, weeks))
            }
            (lower, Some(own)) if lower.starts_with("date") || lower.starts_with("time") => {
                Some(of(moment.saturating_add(later(name.get(4..)?.trim())?), own))
            }
            _ => None,
        }
    }
}

/// `+1d` or `-2w`, in moment's units; none where it is neither.
fn later(text: &str) -> Option<Span> {
    let unit = text.chars().next_back().filter(char::is_ascii)?;
    let number = &text[..text.len() - 1];
    let is_number = number.starts_with(['+', '-']) && number[1..].bytes().all(|byte| byte.is_ascii_digit());
    let number: i32 = Some(number).filter(|number| is_number && number.len() > 1)?.parse().ok()?;
    let span = Span::new();
    match unit {
        'y' => span.try_years(number),
        'q' => span.try_months(i64::from(number) * 3),
        'M' => span.try_months(number),
        'w' => span.try_weeks(number),
        'd' => span.try_days(number),
        'h' => span.try_hours(number),
        'm' => span.try_minutes(number),
        's' => span.try_seconds(number),
        _ => return None,
    }
    .ok()
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
            // As `getNotePath` and `normalizePath` do.
            ("a\\b", "YYYY[.md]", Some("a/b/2026.md")),
            ("a\u{a0}b", "YYYY", Some("a b/2026.md")),
            ("./a//b/", "./YYYY", Some("a/b/2026.md")),
            // Obsidian has no notes there.
            (".obsidian/plugins", "YYYY", None),
            ("a", "[.]YYYY", None),
            ("..\\..", "YYYY", None),
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

    #[test]
    fn a_note_is_named_by_the_first_day_of_its_period() {
        // obsidian-periodic-notes 0.0.17, `src/commands.ts`: `date.clone().startOf(unit)` names the note.
        let cases = [
            ("weekly", Weeks::Sunday, "[Week of] YYYY-MM-DD", "2026-11-04", "Week of 2026-11-01"),
            ("weekly", Weeks::Iso, "[Week of] YYYY-MM-DD", "2026-11-04", "Week of 2026-11-02"),
            ("weekly", Weeks::Sunday, "[Week of] YYYY-MM-DD", "2026-11-01", "Week of 2026-11-01"),
            ("weekly", Weeks::Iso, "[Week of] YYYY-MM-DD", "2026-11-01", "Week of 2026-10-26"),
            // Across a month's and a year's end: the folder is that of the first day.
            ("weekly", Weeks::Iso, "YYYY/MM-MMMM/gggg-[W]ww", "2026-10-01", "2026/09-September/2026-W40"),
            ("weekly", Weeks::Iso, "YYYY/MM-MMMM/gggg-[W]ww", "2027-01-02", "2026/12-December/2026-W53"),
            ("weekly", Weeks::Sunday, "YYYY/gggg-[W]ww", "2027-01-02", "2026/2027-W01"),
            ("weekly", Weeks::Sunday, "GGGG-[W]WW", "2026-12-02", "2026-W48"),
            ("weekly", Weeks::Sunday.beginning_on(6), "YYYY-MM-DD", "2027-01-01", "2026-12-26"),
            ("monthly", Weeks::Sunday, "YYYY-MM-DD", "2026-11-30", "2026-11-01"),
            ("monthly", Weeks::Sunday, "YYYY/[Month] MMMM dddd", "2028-02-29", "2028/Month February Tuesday"),
            ("monthly", Weeks::Sunday, "YYYY-MM", "2026-12-31", "2026-12"),
            ("quarterly", Weeks::Sunday, "YYYY-[Q]Q", "2026-12-31", "2026-Q4"),
            ("quarterly", Weeks::Sunday, "YYYY-MM-DD", "2026-12-31", "2026-10-01"),
            ("quarterly", Weeks::Sunday, "YYYY-MM-DD", "2027-01-01", "2027-01-01"),
            ("quarterly", Weeks::Sunday, "MMMM D", "2026-06-30", "April 1"),
            ("yearly", Weeks::Sunday, "YYYY", "2026-12-31", "2026"),
            ("yearly", Weeks::Sunday, "YYYY/YYYY-MM-DD", "2028-02-29", "2028/2028-01-01"),
            ("daily", Weeks::Iso, "YYYY/MM/DD", "2026-12-31", "2026/12/31"),
        ];
        for (period, weeks, format, day, name) in cases {
            let period = Period::of_word(period).unwrap();
            let pattern = Pattern { format: format.to_owned(), ..Pattern::standard(period) };
            let first = period.first_day(day.parse().unwrap(), weeks);
            assert_eq!(pattern.name(first, weeks), name, "{period:?} {weeks:?} {format} {day}");
        }
        assert_eq!(Period::Weekly.first_day(Date::MIN, Weeks::Iso), Date::MIN);
    }

    #[test]
    fn the_plugin_s_markers_are_filled_where_the_plugin_makes_the_note() {
        // obsidian-daily-notes-interface, `src/daily.ts` (`createDailyNote`).
        let pattern = Pattern { format: "YYYY/DD-MM".to_owned(), ..Pattern::standard(Period::Daily) };
        let moment = datetime(2026, 12, 31, 9, 5, 0, 0);
        let cases = [
            ("{{date}} {{title}} {{time}}", "2026/31-12 2026/31-12 09:05"),
            ("{{yesterday}} {{ Tomorrow }}", "2026/30-12 2027/01-01"),
            (
                "{{date:YYYY}} {{time:HH}} {{date+1d:YYYY-MM-DD}} {{date -1w : dddd}}",
                "2026 09 2027-01-01 Thursday",
            ),
            ("{{date+2M:MM}} {{date+1q:MM}} {{date-1y}} {{time+55m:HH:mm}}", "02 03 2025/31-12 10:00"),
            ("{{date+d}} {{date1d}} {{date+1x}} {{other}}", "{{date+d}} {{date1d}} {{date+1x}} {{other}}"),
        ];
        for (template, expected) in cases {
            assert_eq!(fill_periodic(template, &pattern, moment, Weeks::Sunday), expected, "{template}");
        }
        assert_eq!(
            fill("{{yesterday}} {{date+1d}}", "t", moment, Weeks::Sunday),
            "{{yesterday}} {{date+1d}}"
        );
    }
}
