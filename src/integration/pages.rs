//! Reports that come in pages of buckets: read to their end, and never for ever.
//!
//! What can be wrong with them: a page that comes twice, buckets out of order, a next page without end, a bucket that
//! is no day or was not asked for. A day that is told twice in the same words is told once; in other words it is an error,
//! because nobody can know which one holds. Nothing is recorded of pages that make no sense; the next look mends it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::domain::currency::Currency;
use crate::domain::decimal::Unit;
use crate::domain::lookback::Days;
use crate::domain::money::Picodollars;
use crate::domain::report::{COST_MAX_USD, CostLine, DayReport, NAME_BYTES_MAX, ReportSource, UsageLine};

use super::resilience::{Answer, OutsideError};
use super::rows::{Field, Listed, Odd, Oddness, Raw, odd};

/// One page, as Anthropic and OpenAI send it.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Whether there is another.
    pub has_more: bool,
    /// Its name.
    pub next: Option<String>,
    /// What was odd on it.
    pub odd: Odd,
}

impl<T> From<Page<T>> for Listed<T> {
    fn from(page: Page<T>) -> Self {
        Self { rows: page.items, odd: page.odd }
    }
}

/// A bucket of a report, read row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket<T> {
    /// From when.
    pub begin: Timestamp,
    /// Until when.
    pub end: Timestamp,
    /// The rows that could be read.
    pub rows: Vec<T>,
    /// How many could not.
    pub left_out: u32,
}

/// A part of what a day cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostTold {
    /// In which currency.
    pub currency: Currency,
    /// How much.
    pub amount: Picodollars,
    /// Of which model, or empty.
    pub model: String,
    /// For what, or empty.
    pub kind: String,
}

/// Reads a page; `each` reads one item of it, with its number.
///
/// # Errors
/// [`OutsideError::Malformed`]: it is no page.
pub fn page<T>(
    answer: &Answer,
    mut each: impl FnMut(usize, &Raw<'_>, &mut Odd) -> Option<T>,
) -> Result<Page<T>, OutsideError> {
    answer.rows(|told| {
        let (mut items, mut odd) = (Vec::new(), Odd::default());
        let data = told.list("data", |number, item| items.extend(each(number, item, &mut odd)));
        let another = OutsideError::Malformed { system: answer.system(), what: "JSON of another shape" };
        data.map_err(|_| another)?;
        let next = odd.maybe("page", told.string("next_page"));
        // Who names another page has one.
        let has_more = odd.or("page", told.flag("has_more"), next.is_some());
        Ok(Page { items, has_more, next, odd })
    })
}

/// Reads a page of buckets; `span` says of which time a bucket is, `row` reads one of its rows.
///
/// # Errors
/// [`OutsideError::Malformed`]: it is no page.
pub fn buckets<T>(
    answer: &Answer,
    span: impl Fn(&Raw<'_>) -> Field<(Timestamp, Timestamp)>,
    row: impl Fn(&Raw<'_>, &str, &mut Odd) -> Field<T>,
) -> Result<Page<Bucket<T>>, OutsideError> {
    page(answer, |number, told, odd| {
        let span = told.must_be_object("bucket").and_then(|()| span(told));
        let (begin, end) = span.map_err(|field| odd.row(&format!("data[{number}]"), &field)).ok()?;
        let day = utc_day(begin);
        let (mut rows, mut left_out) = (Vec::new(), 0_u32);
        let listed = told.list("results", |number, result| {
            let place = format!("{day} results[{number}]");
            match result.must_be_object("row").and_then(|()| row(result, &place, odd)) {
                Ok(row) => rows.push(row),
                Err(field) => {
                    odd.row(&place, &field);
                    left_out = left_out.saturating_add(1);
                }
            }
        });
        listed.map_err(|field| odd.row(&day.to_string(), &field)).ok()?;
        Some(Bucket { begin, end, rows, left_out })
    })
}

impl<T> Bucket<T> {
    /// Whether something was told of it, and nothing of that could be read.
    fn is_unread(&self) -> bool {
        self.rows.is_empty() && self.left_out > 0
    }
}

/// A name in a report, or empty: it does not matter for its sums.
pub fn name_in(row: &Raw<'_>, field: &'static str, place: &str, odd: &mut Odd) -> String {
    odd.maybe(place, row.name(field, NAME_BYTES_MAX)).unwrap_or_default()
}

/// A line's cost.
///
/// # Errors
/// [`OddField`](super::rows::OddField): it is none, or none that a line has.
pub fn cost_in(row: &Raw<'_>, field: &'static str, unit: Unit) -> Field<Picodollars> {
    let amount = row.amount(field, unit)?;
    let is_absurd = amount.0.saturating_abs() > Picodollars::usd(COST_MAX_USD).0;
    if is_absurd { Err(odd(field, Oddness::TooLarge)) } else { Ok(amount) }
}

/// A line's currency.
///
/// # Errors
/// [`OddField`](super::rows::OddField): it is none.
pub fn currency_in(row: &Raw<'_>, field: &'static str) -> Field<Currency> {
    Currency::parse(&row.string(field)?).map_err(|_| odd(field, Oddness::Other))
}

/// Reads page after page; `ask` gets the page's name, none for the first. There are at most `most` of them.
///
/// # Errors
/// [`OutsideError::Malformed`]: the pages have no end; and what `ask` fails with.
pub async fn read_all<T, F: Future<Output = Result<Page<T>, OutsideError>>>(
    system: &'static str,
    most: usize,
    mut ask: impl FnMut(Option<String>) -> F,
) -> Result<Listed<T>, OutsideError> {
    let malformed = |what| OutsideError::Malformed { system, what };
    let (mut listed, mut seen, mut name) = (Listed::default(), BTreeSet::new(), None);
    for _ in 0..most.max(1) {
        let page = ask(name.take()).await?;
        listed.rows.extend(page.items);
        listed.odd.add(page.odd);
        match page.next.filter(|_| page.has_more) {
            None if page.has_more => return Err(malformed("another page, and not which")),
            None => return Ok(listed),
            Some(next) if !seen.insert(next.clone()) => {
                return Err(malformed("pages that lead back to one before"));
            }
            Some(next) => name = Some(next),
        }
    }
    Err(malformed("more pages than there can be"))
}

/// What was told of each day. A bucket is its beginning, its end and what it holds.
///
/// # Errors
/// [`OutsideError::Malformed`].
pub fn by_day<T: PartialEq>(
    system: &'static str,
    asked: Days,
    buckets: Vec<(Timestamp, Timestamp, T)>,
) -> Result<BTreeMap<Date, T>, OutsideError> {
    let malformed = |what| OutsideError::Malformed { system, what };
    let mut days: BTreeMap<Date, T> = BTreeMap::new();
    for (begin, end, told) in buckets {
        let day = utc_day(begin);
        if midnight(day) != Some(begin) || midnight(day.saturating_add(1.days())) != Some(end) {
            return Err(malformed("a bucket that is no UTC day"));
        }
        if !asked.contains(day) {
            return Err(malformed("a day that was not asked for"));
        }
        match days.get(&day) {
            Some(known) if *known != told => {
                return Err(malformed("a day that is told twice, in other words"));
            }
            Some(_) => {}
            None => {
                days.insert(day, told);
            }
        }
    }
    Ok(days)
}

/// What each day cost. Nothing at all is nothing in USD. A day of which no row could be read is left out, and one in several
/// currencies, which nobody can add up.
///
/// # Errors
/// [`OutsideError::Malformed`].
pub fn costs_of_days(
    system: &'static str,
    asked: Days,
    told: Listed<Bucket<CostTold>>,
) -> Result<Listed<DayReport>, OutsideError> {
    let Listed { rows, mut odd } = told;
    let mut buckets = Vec::new();
    for Bucket { begin, end, rows, left_out } in rows.into_iter().filter(|bucket| !bucket.is_unread()) {
        let day = utc_day(begin);
        let currency = rows.first().map_or(Currency::USD, |row| row.currency);
        if rows.iter().any(|row| row.currency != currency) {
            odd.lost(&day.to_string(), "a day in several currencies");
            continue;
        }
        let lines =
            rows.into_iter().map(|row| CostLine { model: row.model, kind: row.kind, cost: row.amount });
        let report = DayReport::cost(system, day, ReportSource::ProviderApi, currency, lines);
        buckets.push((begin, end, report.without(left_out)));
    }
    Ok(Listed { rows: by_day(system, asked, buckets)?.into_values().collect(), odd })
}

/// What was consumed on each day. A day of which no row could be read is left out.
///
/// # Errors
/// [`OutsideError::Malformed`].
pub fn usage_of_days(
    system: &'static str,
    asked: Days,
    told: Listed<Bucket<UsageLine>>,
) -> Result<Listed<DayReport>, OutsideError> {
    let Listed { rows, odd } = told;
    let report = |Bucket { begin, end, rows, left_out }: Bucket<UsageLine>| {
        let report = DayReport::usage(system, utc_day(begin), ReportSource::ProviderApi, rows);
        (begin, end, report.without(left_out))
    };
    let buckets = rows.into_iter().filter(|bucket| !bucket.is_unread()).map(report).collect();
    Ok(Listed { rows: by_day(system, asked, buckets)?.into_values().collect(), odd })
}

/// The UTC day of an instant.
#[must_use]
pub fn utc_day(instant: Timestamp) -> Date {
    instant.to_zoned(TimeZone::UTC).date()
}

/// From when until when days last, the end excluded.
///
/// # Errors
/// [`OutsideError::Invalid`]: beyond what a calendar has.
pub fn span(system: &'static str, days: Days) -> Result<(Timestamp, Timestamp), OutsideError> {
    let end = midnight(days.last.saturating_add(1.days()));
    let span = midnight(days.first).zip(end);
    span.ok_or(OutsideError::Invalid { system, what: "its days are out of range" })
}

/// When a UTC day begins.
fn midnight(day: Date) -> Option<Timestamp> {
    day.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn what(error: OutsideError) -> &'static str {
        match error {
            OutsideError::Malformed { what, .. } => what,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn pages_are_read_to_their_end_and_never_for_ever() {
        let page = |items: &[u8], has_more, next: Option<&str>| {
            let (items, next) = (items.to_vec(), next.map(str::to_owned));
            async move { Ok(Page { items, has_more, next, odd: Odd::default() }) }
        };
        let read = block(read_all("test", 9, |name| match name.as_deref() {
            None => page(&[1], true, Some("b")),
            Some("b") => page(&[], true, Some("c")),
            // Some say which page would be next where there is none.
            _ => page(&[2, 3], false, Some("d")),
        }));
        assert_eq!(read.unwrap().rows, [1, 2, 3]);
        let around = block(read_all("test", 9, |_| page(&[1], true, Some("b"))));
        assert_eq!(what(around.unwrap_err()), "pages that lead back to one before");
        let mut number = 0;
        let endless = block(read_all("test", 9, |_| {
            number += 1;
            page(&[1], true, Some(&format!("page {number}")))
        }));
        assert_eq!((what(endless.unwrap_err()), number), ("more pages than there can be", 9));
        let unnamed = block(read_all("test", 9, |_| page(&[1], true, None)));
        assert_eq!(what(unnamed.unwrap_err()), "another page, and not which");
    }

    #[test]
    fn buckets_are_days_each_told_once_in_any_order() {
        let at = |text: &str| format!("2026-11-{text}Z").parse::<Timestamp>().unwrap();
        let day = |number: i8| Date::constant(2026, 11, number);
        let asked = Days { first: day(20), last: day(23) };
        let bucket = |begin: &str, end: &str, told: u8| (at(begin), at(end), told);
        let first = bucket("20T00:00:00", "21T00:00:00", 1);
        let second = bucket("21T00:00:00", "22T00:00:00", 2);
        let days = by_day("test", asked, vec![second, first, second]).unwrap();
        assert_eq!(days.into_iter().collect::<Vec<_>>(), [(day(20), 1), (day(21), 2)]);
        for (other, expected) in [
            (bucket("20T00:00:00", "21T00:00:00", 9), "a day that is told twice, in other words"),
            (bucket("22T01:00:00", "23T01:00:00", 3), "a bucket that is no UTC day"),
            (bucket("22T00:00:00", "22T01:00:00", 3), "a bucket that is no UTC day"),
            (bucket("24T00:00:00", "25T00:00:00", 3), "a day that was not asked for"),
        ] {
            assert_eq!(what(by_day("test", asked, vec![first, other]).unwrap_err()), expected);
        }
    }
}
