//! Responses of outside systems: model providers, Beeminder, Twilio, and a provider's page.

use std::sync::LazyLock;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use mecris::domain::balance::Reading;
use mecris::domain::console::{Bounds, Locale, accept, parse_shown};
use mecris::domain::lookback::Days;
use mecris::domain::money::Picodollars;
use mecris::domain::report::{Contents, DayReport};
use mecris::domain::window::{goal_day, goal_day_end};
use mecris::fuzzing::{self, NOW};
use mecris::integration::beeminder;
use mecris::integration::console::Recipe;
use mecris::integration::resilience::OutsideError;
use mecris::integration::rows::{Listed, Odd};
use mecris::integration::twilio::{Balance, wire};

/// The limit of every amount: 10⁹ of any unit.
const MOST: Picodollars = Picodollars::usd(1_000_000_000);

const ASKED: Days = Days { first: Date::constant(2026, 11, 1), last: Date::constant(2026, 11, 30) };

/// An error describes the problem in words of ours, and never quotes the response.
fn is_told(error: &OutsideError) {
    let OutsideError::Malformed { what, .. } = error else { panic!("{error}") };
    assert!(!what.is_empty());
}

/// What could not be read is said in words of ours, and in few.
fn is_named(odd: &Odd) {
    assert_eq!(odd.text().is_none(), odd.is_nothing());
    assert!(odd.text().is_none_or(|text| text.len() < 2_000 && !text.chars().any(char::is_control)));
}

fn check(told: [Result<Listed<DayReport>, OutsideError>; 2]) {
    for reports in told {
        let reports = reports.unwrap_or_else(|error| {
            is_told(&error);
            Listed::default()
        });
        is_named(&reports.odd);
        for report in reports.iter() {
            assert!(ASKED.contains(report.key.day));
            match &report.contents {
                Contents::Cost(cost) => {
                    let keys =
                        |line: &mecris::domain::report::CostLine| (line.model.clone(), line.kind.clone());
                    assert!(cost.lines.iter().map(keys).is_sorted());
                    assert!(cost.lines.iter().all(|line| line.cost != Picodollars::ZERO));
                }
                Contents::Usage(usage) => assert!(usage.lines.is_sorted_by(|a, b| a.model < b.model)),
            }
        }
        assert!(reports.is_sorted_by(|a, b| a.key.day < b.key.day));
    }
}

fn check_balances(balances: &[Reading]) {
    for reading in balances {
        assert!(reading.left <= MOST && reading.left >= -MOST, "{reading:?}");
        assert_eq!(Picodollars::parse(&reading.left.exact()), Ok(reading.left));
    }
}

/// Anthropic's pages: reports of usage and cost, and of people.
pub fn anthropic(data: &[u8]) {
    check(fuzzing::reports("anthropic", data, ASKED));
    match fuzzing::people(data) {
        Ok(people) => {
            assert!(people.is_sorted_by(|a, b| (&a.who, &a.terminal) <= (&b.who, &b.terminal)));
            is_named(&people.odd);
        }
        Err(error) => is_told(&error),
    }
    let (models, organization) = fuzzing::keys(data);
    models.map_or_else(|error| is_told(&error), |models| is_named(&models.data.odd));
    organization.map_or_else(|error| is_told(&error), drop);
}

/// OpenAI's pages.
pub fn openai(data: &[u8]) {
    check(fuzzing::reports("openai", data, ASKED));
}

/// OpenRouter's answers.
pub fn openrouter(data: &[u8]) {
    let (credits, key) = fuzzing::openrouter(data);
    match credits {
        Ok(credits) => assert!(credits.total.0.abs().max(credits.used.0.abs()) <= MOST.0),
        Err(error) => is_told(&error),
    }
    match key {
        Ok(key) => assert!(key.used.0.abs() <= MOST.0),
        Err(error) => is_told(&error),
    }
}

/// DeepSeek's answer: one balance for each currency.
pub fn deepseek(data: &[u8]) {
    match fuzzing::deepseek(data) {
        Ok(told) => {
            check_balances(&told.balances);
            is_named(&told.odd);
            let mut currencies: Vec<_> = told.balances.iter().map(|reading| reading.currency).collect();
            currencies.sort_unstable();
            assert!(currencies.is_sorted_by(|a, b| a < b), "{currencies:?}");
        }
        Err(error) => is_told(&error),
    }
}

/// Moonshot's answer.
pub fn moonshot(data: &[u8]) {
    match fuzzing::moonshot(data) {
        Ok(told) => {
            assert_eq!(told.balances.len(), 1);
            check_balances(&told.balances);
        }
        Err(error) => is_told(&error),
    }
}

/// Why a call was refused, with every status.
pub fn refusals(data: &[u8]) {
    for status in [400, 401, 402, 403, 404, 422, 429, 500] {
        let codes = fuzzing::refusals(status, data);
        assert!(status != 402 || codes[0].is_some());
    }
}

/// Beeminder's responses: numbers that can be used in calculations, and truncated texts.
pub fn beeminder(data: &[u8]) {
    const EXACT: i64 = 1 << 53;
    let goals = fuzzing::beeminder(data, beeminder::goals).unwrap_or_default();
    let changes = fuzzing::beeminder(data, beeminder::changes);
    let goal = fuzzing::beeminder(data, beeminder::goal);
    is_named(&goals.listed.odd);
    let of_changes = changes.iter().flat_map(|changes| changes.goals.iter());
    for told in goals.iter().chain(of_changes).chain(&goal) {
        for number in [told.safebuf, told.losedate, told.deadline].into_iter().flatten() {
            assert!((-EXACT..=EXACT).contains(&number), "{number}");
        }
        let goal = fuzzing::goal(told.clone());
        assert!(
            [&goal.title, &goal.limsum, &goal.baremin].into_iter().all(|text| text.chars().count() <= 200)
        );
        assert!(goal.pledge.0.abs() <= MOST.0);
        for zone in [TimeZone::UTC, TimeZone::get("America/New_York").expect("a zone")] {
            let day = goal_day(NOW, &zone, goal.deadline_s);
            assert!(NOW < goal_day_end(day, &zone, goal.deadline_s));
        }
        let _ = (goal.risk(), goal.urgency(), goal.time_left(NOW));
    }
    let stamps = [
        changes.ok().map(|changes| changes.updated_at),
        fuzzing::beeminder(data, beeminder::user).ok().map(|user| user.updated_at),
    ];
    assert!(stamps.into_iter().flatten().all(|stamp| (-EXACT..=EXACT).contains(&stamp)));
    if let Ok(points) = fuzzing::beeminder(data, beeminder::datapoints) {
        assert!(points.iter().all(|point| point.value.is_finite()));
    }
}

/// Twilio's records: a message's cost is an amount, and neither its text nor its numbers are shown.
pub fn twilio(data: &[u8]) {
    let page = fuzzing::twilio(data, wire::page);
    let of_page = page.iter().flat_map(|page| page.messages.iter());
    for message in of_page.chain(&fuzzing::twilio(data, wire::message)) {
        assert!(message.cost().is_none_or(|cost| (Picodollars::ZERO..=MOST).contains(&cost)));
        assert!(message.segments().is_none_or(|count| count > 0));
        let _ = message.created_at();
        let shown = format!("{message:?}");
        assert!(message.body.as_ref().is_none_or(|body| body.len() < 16 || !shown.contains(message.text())));
        let _ = (message.status.rank(), message.status.is_final());
    }
    drop(fuzzing::json::<Balance>(data));
    drop(fuzzing::twilio(data, wire::account));
}

/// A provider's page: parsed amounts are valid, in every locale and by the bundled recipe's ways.
pub fn page(data: &[u8]) {
    static RECIPE: LazyLock<Recipe> =
        LazyLock::new(|| Recipe::find("anthropic", None).expect("the bundled recipe"));
    let text = super::text(data);
    for locale in [None, Some(Locale::Point), Some(Locale::Comma)] {
        if let Ok(amount) = parse_shown(&text, locale) {
            assert!((Picodollars::ZERO..=MOST).contains(&amount), "{amount:?}");
            assert_eq!(parse_shown(&format!("${}", amount.exact()), Some(Locale::Point)), Ok(amount));
        }
    }
    let found = fuzzing::amounts(&RECIPE, data, &text);
    for expected in [None, Some(Picodollars::usd(13)), Some(-MOST)] {
        let bounds: Bounds = RECIPE.bounds();
        if let Ok(accepted) = accept(&found, bounds, expected) {
            assert!(accepted.amount >= bounds.min && accepted.amount <= bounds.max);
        }
    }
}
