//! Typed text and names: days, times and zones, amounts, names of models and directories, templates; and
//! the edges where text is sanitized.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use mecris::config::{Phone, QuietHours, zone};
use mecris::domain::access::token;
use mecris::domain::allowance::reach::Lifted;
use mecris::domain::calendar::{Days, Period, PeriodKind, PeriodTerms, WeekStart, YearStart};
use mecris::domain::currency::Currency;
use mecris::domain::datapoint::{Decimal, RequestId};
use mecris::domain::decimal::{Unit, parse_decimal};
use mecris::domain::money::Picodollars;
use mecris::domain::naming;
use mecris::domain::odometer::Month;
use mecris::domain::project::{self, Aliases};
use mecris::domain::quota::{WHOLE, parse_percent, percent};
use mecris::domain::shown::{self, is_control};
use mecris::domain::slug::GoalSlug;
use mecris::domain::sms;
use mecris::domain::template::{Facts, Placeholder, Template};
use mecris::domain::window::{DailyWindow, parse_time};
use mecris::fuzzing::NOW;

/// A parsed value can be written, and parses to the same value.
fn reads_back<T: FromStr + ToString + PartialEq>(text: &str) -> Option<T> {
    let value: T = text.parse().ok()?;
    assert!(
        value.to_string().parse::<T>().ok().as_ref() == Some(&value),
        "{text:?} became {}",
        value.to_string()
    );
    Some(value)
}

/// Days, times, periods and zones.
pub fn calendar(data: &[u8]) {
    let text = super::text(data);
    let text = text.as_ref();
    if let Ok(time) = parse_time(text) {
        assert_eq!(time.strftime("%H:%M").to_string(), text);
    }
    if let Ok(hours) = QuietHours::try_from(text.to_owned()) {
        assert_eq!(QuietHours::try_from(String::from(hours)), Ok(hours));
    }
    reads_back::<Month>(text);
    let week = reads_back::<WeekStart>(text).unwrap_or_default();
    if let Some(days) = reads_back::<Days>(text) {
        let (first, last) = days.span(Date::constant(2026, 11, 30), WeekStart::Sunday);
        assert!(first <= last, "{days}");
    }
    let year = reads_back::<YearStart>(text);
    let mut words = text.split_whitespace();
    let days = [words.next(), words.next()].map(|word| word.and_then(|word| word.parse::<Date>().ok()));
    if let Ok(window) =
        DailyWindow::parse(text.get(..5).unwrap_or_default(), text.get(6..).unwrap_or_default())
    {
        for zone in [TimeZone::UTC, TimeZone::get("Australia/Lord_Howe").expect("a zone")] {
            let stretch = window.stretch(NOW, &zone);
            assert!(stretch.is_none_or(|stretch| stretch.start < stretch.end && stretch.contains(NOW)));
            assert!(window.next_start(NOW, &zone).is_none_or(|start| start > NOW));
        }
    }
    if let Ok(kind) = text.split(' ').next().unwrap_or_default().parse::<PeriodKind>() {
        assert_eq!(kind.word().parse(), Ok(kind));
    }
    let number = text.split(|c: char| !c.is_ascii_digit()).find_map(|digits| digits.parse().ok());
    let word = text.chars().take_while(char::is_ascii_lowercase).collect::<String>();
    let kind = match word.parse() {
        Ok(kind) => Some(kind),
        Err(_) if word.is_empty() => None,
        Err(_) => return named(text),
    };
    let terms = PeriodTerms {
        kind,
        from: days[0],
        until: days[1],
        days: number,
        week_starts: None,
        year_starts: year,
    };
    let Ok(period) = terms.read(week) else { return named(text) };
    assert_eq!(PeriodTerms::from(period).read(week), Ok(period));
    for today in [NOW.to_zoned(TimeZone::UTC).date(), Date::MIN, Date::MAX, days[0].unwrap_or(Date::ZERO)] {
        let (first, last) = period.days(today);
        assert!(matches!(period, Period::Fixed { .. }) || first <= last, "{period:?} on {today}");
    }
    named(text);
}

/// A zone's name; the error for an unknown one is one line of limited length.
fn named(text: &str) {
    // Each unknown name is compared with all known ones: not worth it for very different texts.
    if text.contains('/')
        && let Err(error) = zone::named(text)
    {
        assert!(error.nearest.len() <= 3);
    }
}

/// Amounts, counts, shares, and names that are made of a few characters.
pub fn amounts(data: &[u8]) {
    let text = super::text(data);
    let text = text.as_ref();
    if let Ok(amount) = Picodollars::parse(text) {
        assert_eq!(Picodollars::parse(&amount.exact()), Ok(amount));
        assert_eq!(parse_decimal(text, Unit::Whole), Ok(amount), "one amount in two readers");
        for decimals in 0..13 {
            assert!(Picodollars::parse(&amount.rounded(decimals)).is_ok());
            drop(amount.rounded_up(decimals));
        }
    }
    for unit in [Unit::Whole, Unit::Cents] {
        match parse_decimal(text, unit) {
            Ok(amount) => assert_eq!(Picodollars::parse(&amount.exact()), Ok(amount)),
            Err(error) => assert!(error.to_string().len() <= 400, "an error repeats all of a long text"),
        }
    }
    if let Ok(decimal) = Decimal::parse(text) {
        assert_eq!(Decimal::parse(decimal.as_str()), Ok(decimal));
    }
    if let Ok(used) = parse_percent(text) {
        assert!(used <= WHOLE);
        assert_eq!(parse_percent(&percent(used)), Ok(used));
    }
    if let Ok(currency) = Currency::parse(text) {
        assert_eq!(Currency::parse(currency.code()), Ok(currency));
    }
    let slug = reads_back::<GoalSlug>(text);
    assert!(slug.is_none_or(|slug| !slug.as_str().contains(['/', '%', '?', '#'])));
    drop(RequestId::try_from(text.to_owned()));
    drop(text.parse::<Lifted>());
    drop(Phone::new(text));
    if let Ok(kind) = token::parse(text) {
        assert!(text.starts_with("mcr_") && text.len() == 44, "{kind:?}");
    }
}

/// Names of providers, models and directories, line by line; each line may also end or begin an alias.
pub fn names(data: &[u8]) {
    let text = super::text(data);
    let mut aliases = Aliases::default();
    for line in text.lines().take(64) {
        let (provider, written) = line.split_once(' ').unwrap_or(("anthropic", line));
        let name = naming::resolve(provider, written);
        assert!(naming::price_names(&name, written).take(1_000).count() < 1_000);
        let folded = project::directory(line);
        assert_eq!(project::directory(&folded), folded, "a directory has one spelling");
        assert!(project::is_below(&folded, &folded));
        let (directory, called) =
            line.split_once(" = ").map_or((line, None), |(directory, name)| (directory, Some(name)));
        if let Ok(Some(change)) = aliases.decide(directory, called) {
            let directory = change.directory.clone();
            aliases.evolve(change);
            let name = aliases.name(&directory);
            assert_eq!(aliases.name(&name), name, "an alias leads to its end");
        }
    }
    for (directory, _) in aliases.iter() {
        assert!(!directory.chars().any(char::is_control));
    }
}

/// Templates of reminders, and the texts that are sent.
pub fn templates(data: &[u8]) {
    let text = super::text(data);
    if let Ok(template) = text.parse::<Template>() {
        assert_eq!(template.source(), text);
        let facts = Placeholder::ALL
            .iter()
            .fold(Facts::default(), |facts, placeholder| facts.with(*placeholder, text.as_ref()));
        let own = text.chars().filter(|c| is_control(*c)).count();
        let rendered = template.render(&facts);
        assert!(
            rendered.chars().filter(|c| is_control(*c)).count() <= own,
            "a fact brought a control character"
        );
    }
    let short: String = text.chars().take(2_000).collect();
    for segments in [1, 2, 10] {
        assert!(sms::segments(&sms::fit(&short, segments)).count <= segments);
    }
    drop(sms::fold(&short));
}

/// The edges: no control character passes, sanitized text stays unchanged, and JSON keeps its meaning.
pub fn shown(data: &[u8]) {
    let text = super::text(data);
    let line = shown::line(&text);
    assert!(!line.chars().any(is_control));
    assert_eq!(shown::line(&line), line);
    let page = shown::page(&text);
    assert!(!page.chars().any(|c| is_control(c) && c != '\n' && c != '\t'));
    assert_eq!(shown::page(&page), page);
    let seen = shown::seen(&text);
    assert!(!seen.chars().any(|c| is_control(c) && c != '\n' && c != '\t'));
    assert_eq!(shown::seen(&seen), seen);
    assert_eq!(
        shown::line(&text).chars().count(),
        text.chars().count(),
        "each character has one in its place"
    );
    let json = serde_json::to_string(&text).expect("a text is JSON");
    let escaped = shown::json(&json);
    assert!(!escaped.chars().any(|c| is_control(c) && c != '\n' && c != '\t'));
    assert_eq!(serde_json::from_str::<String>(&escaped).ok().as_deref(), Some(text.as_ref()));
}
