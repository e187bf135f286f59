//! What a form allows, its parser takes.

use std::path::Path;

use proptest::prelude::*;
use proptest::string::string_regex;
use proptest::test_runner::{Config, TestRunner};
use regex::Regex;

use crate::domain::access::Kind;
use crate::domain::allowance::reach::Lifted;
use crate::domain::balance::{is_provider, parse_amount};
use crate::domain::calendar::{Days, DaysError, PeriodKind, WeekStart, YearStart};
use crate::domain::datapoint::{Decimal, RequestId as Key};
use crate::domain::local_goal::{End, Priority};
use crate::domain::money::Picodollars;
use crate::domain::odometer::Month as MonthOf;
use crate::domain::project::Aliases;
use crate::domain::slug::GoalSlug as Slug;
use crate::domain::tenant::TenantName;
use crate::log::verify::parse_hash;
use crate::service::audit::{Reckoning, parse_until};

use super::*;

/// Whether a text has something in it that its reader keeps.
fn has_words(text: &str) -> bool {
    !text.trim().is_empty()
}

fn is_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// Whether the parser behind the description accepts the text; `None` if that depends on the outside world (whether a
/// zone, a token or a day exists), and not the form.
fn is_read(form: &str, text: &str) -> Option<bool> {
    Some(match form {
        "Usd" => Picodollars::parse(text).is_ok_and(|amount| amount.0 >= 0),
        "UsdText" => parse_amount(text).is_ok_and(|amount| amount.0 >= 0),
        "BudgetName" => text.parse::<crate::domain::budget::BudgetName>().is_ok(),
        "GoalSlug" => text.parse::<Slug>().is_ok(),
        "RequestId" => Key::try_from(text.to_owned()).is_ok(),
        "ProviderName" => is_provider(text),
        "Month" => text.parse::<MonthOf>().is_ok(),
        // The form knows not how long months are, and how many weeks a year has.
        "DaysText" => !matches!(text.parse::<Days>(), Err(DaysError::Form(_))),
        "LimitName" => text.parse::<Lifted>().is_ok(),
        "Reason" | "ToldName" => has_words(text) && is_line(text),
        "Note" | "UsedName" | "TokenName" | "ToldProject" => is_line(text),
        "TokenKind" => Kind::of_word(text).is_some(),
        "PhoneNumber" => crate::config::forms::is_e164(text),
        "PeriodName" => PeriodKind::WORDS.contains(&text),
        "WeekDay" => text.parse::<WeekStart>().is_ok(),
        "YearDay" => text.parse::<YearStart>().is_ok(),
        "GoalPriority" => text.parse::<Priority>().is_ok(),
        "GoalEnd" => serde_json::from_value::<End>(text.into()).is_ok(),
        "GoalTitle" | "Summary" => has_words(text),
        // 16 and 17 digits match the format, and are more than a float distinguishes.
        "PointValue" => Decimal::parse(text).is_ok() || text.bytes().filter(u8::is_ascii_digit).count() > 15,
        "NotePeriod" => {
            crate::domain::vault::periodic::Period::ALL.iter().any(|period| period.word() == text)
        }
        "BlockHash" => parse_hash(text).is_some(),
        // Four bytes a character are more than 400 sooner.
        "Directory" => Aliases::default().decide(text, Some("/called/so")).is_ok() || text.len() > 400,
        "SessionName" => has_words(text) && !text.contains(char::is_whitespace),
        "ProjectPath" => text.starts_with('/') && is_line(text),
        "BackupDir" => Path::new(text).components().all(|part| part.as_os_str().len() <= 255),
        "ReplayEnd" if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            parse_until(Some(text), Reckoning::Recorded).is_ok()
        }
        "TenantName" => text.parse::<TenantName>().is_ok(),
        "ZoneName" | "TokenId" | "DueBy" | "ReplayEnd" => return None,
        _ => panic!("{form} has no reader in this test"),
    })
}

/// Texts of a form.
fn texts(form: &Form) -> BoxedStrategy<String> {
    if !form.words.is_empty() {
        return prop::sample::select(form.words).prop_map(str::to_owned).boxed();
    }
    let (least, most) = form.length;
    let is_anchored = form.pattern.starts_with('^');
    // Strategies make whole texts, and know no anchors.
    let inner = form.pattern.trim_start_matches('^').trim_end_matches('$');
    let pattern = if is_anchored { inner.to_owned() } else { format!("(?s).{{0,9}}{inner}.{{0,9}}") };
    let fits = move |text: &String| (least..=most).contains(&text.chars().count());
    string_regex(&pattern).unwrap().prop_filter("length", fits).boxed()
}

#[test]
fn what_a_form_allows_is_read_by_its_parser() {
    for form in ALL {
        let mut runner = TestRunner::new(Config { cases: 200, ..Config::default() });
        let found = runner.run(&texts(form), |text| {
            prop_assert!(is_read(form.name, &text).unwrap_or(true), "{}: {text:?}", form.name);
            Ok(())
        });
        found.unwrap_or_else(|error| panic!("{}: {error}", form.name));
    }
}

#[test]
fn patterns_are_whole_and_their_examples_match() {
    for form in ALL {
        let pattern = Regex::new(form.pattern).unwrap();
        // An unanchored pattern matches one character anywhere.
        assert!(
            form.pattern == WORDS || form.pattern.is_empty() || pattern.as_str().starts_with('^'),
            "{}",
            form.name
        );
        assert!(form.example.is_empty() || pattern.is_match(form.example), "{}", form.name);
        assert!(form.example.chars().count() <= form.length.1, "{}", form.name);
    }
}

#[test]
fn what_readers_refuse_no_form_allows() {
    let refused: &[(&str, &[&str])] = &[
        ("Usd", &["", "-1", "1e3", ".", "1,5", "$5", "5 USD", "1.0000000000001", "1\n", " 1", "1234567890"]),
        ("UsdText", &["", "-1", "5 EUR", "1,50", "1.2.3", "$", "USD", "12 345"]),
        ("BudgetName", &["", ".", "..", "My Budget", "ä", "a/b", "a\n"]),
        ("GoalSlug", &["", ".", "..", "...", "a b", "a/b", "a?b"]),
        ("RequestId", &["", "a b", "a/b", "ä"]),
        ("ProviderName", &["", "Anthropic", "a b", ".", "a\n"]),
        ("Month", &["2026-13", "2026-00", "26-01", "2026-1", "2026-10-01"]),
        ("ZoneName", &["", "Europe/Berlin ", "a b", "ä"]),
        ("LimitName", &["week", "budget:", "budget:A", "days"]),
        ("Reason", &["", "  ", "a\nb", "a\u{7}b", "\u{a0}", "a\u{85}b"]),
        ("YearDay", &["02-30", "04-31", "13-01", "00-01", "1-1"]),
        ("PhoneNumber", &["15558675310", "+05558675310", "+1555", "+1555867531012345", "+1 5558675310"]),
        ("TenantName", &["", "-a", "a-", "A", "a b", "a.b", "a/b"]),
        ("TokenId", &["", "ING-1", "ing 1", "ing_1", "ing-3f9c01d2\n"]),
        ("SessionName", &["", "a b", "a\tb", "a\u{2003}b"]),
        ("ProjectPath", &["", "a", "/a\nb"]),
        ("PointValue", &["", "1e3", "NaN", "+", ".", "1.2.3", "--1"]),
        ("ReplayEnd", &["soon", "-1", "2026-11-23", "2026-11-23T12:00:00", "2026-13-23T12:00:00Z"]),
        ("DueBy", &["someday", "2026-11", "2026-00-01", "Today"]),
        ("BlockHash", &["", "00", "g000000000000000000000000000000000000000000000000000000000000000"]),
        ("BackupDir", &["", "/", "a//b", "a\0b"]),
    ];
    for (name, texts) in refused {
        let form = ALL.iter().find(|form| form.name == *name).unwrap();
        let pattern = Regex::new(form.pattern).unwrap();
        for text in *texts {
            let length = text.chars().count();
            let fits = (form.length.0..=form.length.1).contains(&length);
            assert!(!(fits && pattern.is_match(text)), "{name}: {text:?}");
        }
    }
}
