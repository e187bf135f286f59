//! Reports that come in pages of buckets: read to their end, and never for ever.
//!
//! What can be wrong with them: a page that comes twice, buckets out of order, a next page without end, a bucket that
//! is no day or was not asked for. A day that is told twice in the same words is told once; in other words it is an error,
//! because nobody can know which one holds. Nothing is recorded of pages that make no sense; the next look mends it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use sonic_rs::RawNumber;

use crate::domain::currency::Currency;
use crate::domain::decimal::Unit;
use crate::domain::lookback::Days;
use crate::domain::report::{CostLine, DayReport, ReportSource};

use super::official::amount;
use super::resilience::OutsideError;

/// One page, as Anthropic and OpenAI send it.
#[derive(Debug, Clone, Deserialize)]
pub struct Page<T> {
    /// What is on it.
    #[serde(rename = "data")]
    pub items: Vec<T>,
    /// Whether there is another.
    pub has_more: bool,
    /// Its name.
    #[serde(default, rename = "next_page")]
    pub next: Option<String>,
}

/// A part of what a day cost, as it is told.
#[derive(Debug, Clone)]
pub struct CostTold {
    /// In which currency, as the provider writes it.
    pub currency: String,
    /// How much.
    pub amount: RawNumber,
    /// Of which model, or empty.
    pub model: String,
    /// For what, or empty.
    pub kind: String,
}

/// Reads page after page; `ask` gets the page's name, none for the first. There are at most `most` of them.
///
/// # Errors
/// [`OutsideError::Malformed`]: the pages have no end; and what `ask` fails with.
pub async fn read_all<T, F: Future<Output = Result<Page<T>, OutsideError>>>(
    system: &'static str,
    most: usize,
    mut ask: impl FnMut(Option<String>) -> F,
) -> Result<Vec<T>, OutsideError> {
    let malformed = |what| OutsideError::Malformed { system, what };
    let (mut items, mut seen, mut name) = (Vec::new(), BTreeSet::new(), None);
    for _ in 0..most.max(1) {
        let page = ask(name.take()).await?;
        items.extend(page.items);
        match page.next.filter(|_| page.has_more) {
            None if page.has_more => return Err(malformed("another page, and not which")),
            None => return Ok(items),
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

/// What the UTC day that begins then cost. Nothing at all is nothing in USD.
///
/// # Errors
/// [`OutsideError::Malformed`].
pub fn day_cost(
    system: &'static str,
    begin: Timestamp,
    unit: Unit,
    told: impl IntoIterator<Item = CostTold>,
) -> Result<DayReport, OutsideError> {
    let malformed = |what| OutsideError::Malformed { system, what };
    let (mut currency, mut lines) = (None, Vec::new());
    for CostTold { currency: named, amount: number, model, kind } in told {
        let named = Currency::parse(&named).map_err(|_| malformed("a currency that is none"))?;
        if *currency.get_or_insert(named) != named {
            return Err(malformed("a day in several currencies"));
        }
        lines.push(CostLine { model, kind, cost: amount(system, &number, unit)? });
    }
    let currency = currency.unwrap_or(Currency::USD);
    Ok(DayReport::cost(system, utc_day(begin), ReportSource::ProviderApi, currency, lines))
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
            async move { Ok(Page { items, has_more, next }) }
        };
        let read = block(read_all("test", 9, |name| match name.as_deref() {
            None => page(&[1], true, Some("b")),
            Some("b") => page(&[], true, Some("c")),
            // Some say which page would be next where there is none.
            _ => page(&[2, 3], false, Some("d")),
        }));
        assert_eq!(read, Ok(vec![1, 2, 3]));
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
