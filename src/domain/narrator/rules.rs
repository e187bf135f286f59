//! The table of rules.

use jiff::SignedDuration;

use crate::domain::budget::Flag;
use crate::domain::money::Picodollars;

use super::{
    BalanceFact, BudgetFact, GoalFact, OdometerNeed, Rule, Situation, SourceFact, SourceState, Urgency,
    names, span,
};

/// A goal that derails sooner is lost unless something is done now.
const AT_ONCE: SignedDuration = SignedDuration::from_hours(3);
/// A goal that derails sooner needs something today.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);
/// A goal that derails sooner deserves attention.
const SOON: SignedDuration = SignedDuration::from_hours(72);
/// Age at which a balance reading is old: unrecorded spend accumulates.
const READING_OLD: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A balance that runs out sooner is mentioned, in days.
const ENDS_WITHIN: i32 = 14;

/// All rules, in the order for equal urgency.
pub const RULES: &[Rule] = &[
    Rule {
        name: "log-read-only",
        urgency: Urgency::Now,
        when: "the log takes nothing",
        says: |at| {
            let fix = "The log takes nothing, so nothing is being recorded: run `mecris doctor` and free disk space or \
                       mend what it names.";
            at.is_read_only.then(|| fix.to_owned())
        },
    },
    Rule {
        name: "goal-at-once",
        urgency: Urgency::Now,
        when: "a goal derails within three hours, or its deadline has passed",
        says: |at| goals(at, |left| left <= AT_ONCE, "Do something for", "now"),
    },
    Rule {
        name: "gate-stops",
        urgency: Urgency::Now,
        when: "the gate would stop work",
        says: |at| {
            let reason = at.stops.first()?;
            Some(format!(
                "Do not begin costly work: {reason}. Only the person allows more; ask with request_limit."
            ))
        },
    },
    Rule {
        name: "budget-spent",
        urgency: Urgency::Now,
        when: "nothing is left of a budget",
        says: |at| {
            let spent = budgets(at, |budget| budget.left <= Picodollars::ZERO)?;
            Some(format!("Spend nothing more from budget {spent}: nothing is left of it."))
        },
    },
    Rule {
        name: "balance-spent",
        urgency: Urgency::Now,
        when: "nothing is left of a balance",
        says: |at| {
            let (spent, age) = balances(at, |balance| balance.left <= Picodollars::ZERO)?;
            Some(format!("Top up at {spent}: by reckoning nothing is left ({age})."))
        },
    },
    Rule {
        name: "limit-spent",
        urgency: Urgency::Today,
        when: "nothing is left of the virtual budget's day or month",
        says: |at| {
            let spent = names(at.spent_limits.iter().map(String::as_str))?;
            Some(format!("Nothing is left of the virtual budget's limit {spent}: put off what can wait."))
        },
    },
    Rule {
        name: "goal-today",
        urgency: Urgency::Today,
        when: "a goal derails within a day",
        says: |at| goals(at, |left| left > AT_ONCE && left <= A_DAY, "Do something today for", "today"),
    },
    Rule {
        name: "alert-grave",
        urgency: Urgency::Today,
        when: "a grave alert is open and nobody took note of it",
        says: |at| {
            let grave = at.alerts.iter().filter(|alert| alert.is_grave && !alert.is_acknowledged);
            let ids: Vec<String> = grave.map(|alert| alert.id.to_string()).collect();
            let ids = names(ids.iter().map(String::as_str))?;
            Some(format!("Tell the person of alert {ids}, and acknowledge what they have seen."))
        },
    },
    Rule {
        name: "alert-held",
        urgency: Urgency::Today,
        when: "an alert waits for something, so that nobody was told",
        says: |at| {
            let held = at.alerts.iter().filter(|alert| alert.is_held && !alert.is_acknowledged).count();
            let fix = "`mecris alerts` says what for (consent, quiet hours, a limit, a channel)";
            (held > 0).then(|| format!("Alerts that could not be sent: {held}; {fix}."))
        },
    },
    Rule {
        name: "message-failed",
        urgency: Urgency::Today,
        when: "messages on a channel do not arrive",
        says: |at| {
            let first = at.broken.first()?;
            let more = match at.broken.len() - 1 {
                0 => String::new(),
                more => format!(" ({more} more: `mecris alerts`)"),
            };
            Some(format!(
                "The last message by {} did not arrive ({}): tell the person; to mend it: {}{more}.",
                first.name, first.what, first.fix
            ))
        },
    },
    Rule {
        name: "limit-request",
        urgency: Urgency::Today,
        when: "somebody asked for more than the limits, and no person has answered",
        says: |at| {
            let first = at.requests.first()?;
            let more = match at.requests.len() - 1 {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            let (number, usd) = (first.number, first.amount.rounded(2));
            Some(format!(
                "A request for {usd} USD beyond the limits waits for the person (request {number}{more}): tell them, and \
                 spend nothing on it before they grant it."
            ))
        },
    },
    Rule {
        name: "tasks-overdue",
        urgency: Urgency::Today,
        when: "tasks are due before today",
        says: |at| {
            let tasks = at.tasks.as_ref().filter(|tasks| tasks.overdue > 0)?;
            Some(format!("Tasks overdue: {}{}. Do them, or move them.", tasks.overdue, old(tasks.is_old)))
        },
    },
    Rule {
        name: "tasks-today",
        urgency: Urgency::Today,
        when: "tasks are due today",
        says: |at| {
            let tasks = at.tasks.as_ref().filter(|tasks| tasks.due_today > 0)?;
            Some(format!("Tasks due today: {}{}.", tasks.due_today, old(tasks.is_old)))
        },
    },
    Rule {
        name: "budget-low",
        urgency: Urgency::Today,
        when: "little is left of a budget",
        says: |at| {
            let low = budgets(at, |budget| budget.has(Flag::LowBudget) && budget.left > Picodollars::ZERO)?;
            Some(format!("Little is left of budget {low}: ask can_afford before each costly step."))
        },
    },
    Rule {
        name: "day-dear",
        urgency: Urgency::Today,
        when: "more was spent today than a budget's daily limit",
        says: |at| {
            let over = budgets(at, |budget| budget.has(Flag::DailyLimitExceeded))?;
            Some(format!("Today was dearer than budget {over} wants of one day: prefer cheaper models."))
        },
    },
    Rule {
        name: "odometer-last-day",
        urgency: Urgency::Today,
        when: "an odometer must be read on the month's last day",
        says: |at| odometers(at, OdometerNeed::LastDay, "today, the month's last day"),
    },
    Rule {
        name: "goal-soon",
        urgency: Urgency::Soon,
        when: "a goal derails within three days",
        says: |at| goals(at, |left| left > A_DAY && left <= SOON, "Plan something for", "in the next days"),
    },
    Rule {
        name: "budget-burns",
        urgency: Urgency::Soon,
        when: "at this rate a budget does not last",
        says: |at| {
            let fast =
                budgets(at, |budget| budget.has(Flag::BurnRateHigh) && budget.left > Picodollars::ZERO)?;
            Some(format!("At this rate budget {fast} does not last to its end: spend less a day."))
        },
    },
    Rule {
        name: "budget-ends",
        urgency: Urgency::Soon,
        when: "a budget's period ends",
        says: |at| {
            let ending = budgets(at, |budget| budget.has(Flag::PeriodEnding))?;
            Some(format!(
                "The period of budget {ending} ends: what is left of it is lost, or is to be set anew."
            ))
        },
    },
    Rule {
        name: "balance-low",
        urgency: Urgency::Soon,
        when: "little is left of a balance",
        says: |at| {
            let (low, age) = balances(at, |balance| balance.is_low && balance.left > Picodollars::ZERO)?;
            Some(format!("Little is left at {low} ({age}): top up soon."))
        },
    },
    Rule {
        name: "money-ends",
        urgency: Urgency::Soon,
        when: "the forecast says that a balance ends within two weeks",
        says: |at| {
            let ending = at.forecasts.iter().filter(|forecast| forecast.days <= ENDS_WITHIN);
            let ending = ending.min_by_key(|forecast| forecast.days)?;
            let who = names([ending.provider.as_str()])?;
            Some(format!("By forecast the money at {who} ends in {} days.", ending.days.max(0)))
        },
    },
    Rule {
        name: "balance-old",
        urgency: Urgency::Soon,
        when: "a balance was not read for a week",
        says: |at| {
            let (old, age) = balances(at, |balance| balance.age > READING_OLD)?;
            Some(format!("The balance at {old} is to be read anew ({age}): ask the person to."))
        },
    },
    Rule {
        name: "balance-doubtful",
        urgency: Urgency::Soon,
        when: "nothing confirms a balance's reading",
        says: |at| {
            let (doubtful, age) = balances(at, |balance| balance.is_doubtful && balance.age <= READING_OLD)?;
            Some(format!("Nothing confirms the balance at {doubtful} ({age}): compare it with the page."))
        },
    },
    Rule {
        name: "balance-held",
        urgency: Urgency::Soon,
        when: "what a provider told of a balance is not believed",
        says: |at| {
            let first = at.doubts.first()?;
            let who = names([first.provider.as_str()])?;
            Some(format!("What {who} tells of its balance is not believed: {}; {}.", first.why, first.fix))
        },
    },
    Rule {
        name: "source-refuses",
        urgency: Urgency::Soon,
        when: "an outside system refuses the key",
        says: |at| {
            sources(
                at,
                |source| source.state == SourceState::Refuses,
                "refuses the key: `mecris doctor` says which to mend",
            )
        },
    },
    Rule {
        name: "source-fails",
        urgency: Urgency::Soon,
        when: "an outside system does not answer as it should",
        says: |at| {
            sources(at, |source| source.state == SourceState::Fails, "does not answer: its numbers are old")
        },
    },
    Rule {
        name: "source-old",
        urgency: Urgency::Soon,
        when: "what an outside system said is older than it should be",
        says: |at| {
            sources(
                at,
                |source| source.state == SourceState::Answers && source.is_old,
                "was not heard of for too long: do not rely on its numbers",
            )
        },
    },
    Rule {
        name: "actor-down",
        urgency: Urgency::Soon,
        when: "a part of Mecris has given up",
        says: |at| {
            let down = names(at.actors_down.iter().map(String::as_str))?;
            Some(format!("A part of Mecris does not run: {down}; `mecris actors` says why."))
        },
    },
    Rule {
        name: "odometer-due",
        urgency: Urgency::Soon,
        when: "an odometer should be read",
        says: |at| odometers(at, OdometerNeed::Soon, "in these days"),
    },
    Rule {
        name: "tasks-blocked",
        urgency: Urgency::Soon,
        when: "tasks that are due wait for others",
        says: |at| {
            let tasks = at.tasks.as_ref().filter(|tasks| tasks.blocked > 0)?;
            Some(format!(
                "Tasks that are due and wait for others: {}{}. Begin with those others.",
                tasks.blocked,
                old(tasks.is_old)
            ))
        },
    },
    Rule {
        name: "unpriced",
        urgency: Urgency::Soon,
        when: "a model that was used has no price",
        says: |at| {
            let models = names(at.unpriced.iter().map(String::as_str))?;
            let calls = match at.unpriced_calls {
                1 => "1 call".to_owned(),
                calls => format!("{calls} calls"),
            };
            Some(format!(
                "The cost of {models} is not counted ({calls}): add its price to a price file, then run `mecris reprice`."
            ))
        },
    },
    Rule {
        name: "drift",
        urgency: Urgency::Soon,
        when: "an estimate is off by more than a tenth",
        says: |at| {
            let far = at.drifts.iter().find(|drift| drift.is_large)?;
            let who = names([far.provider.as_str()])?;
            Some(format!(
                "What is recorded of {who} is {} % off what it reports: `mecris reconcile` says why.",
                far.percent
            ))
        },
    },
    Rule {
        name: "override",
        urgency: Urgency::Info,
        when: "a person allowed more than the limits",
        says: |at| {
            let allowed = at.allowed;
            (allowed > Picodollars::ZERO).then(|| {
                format!("{} USD beyond the limits are allowed for now, by an override.", allowed.rounded(2))
            })
        },
    },
    Rule {
        name: "not-running",
        urgency: Urgency::Info,
        when: "no supervisor runs",
        says: |at| {
            let fix = "Mecris does not run: these numbers are as old as the log, and nobody is warned; start `mecris run`.";
            (!at.is_running).then(|| fix.to_owned())
        },
    },
    Rule {
        name: "no-usage",
        urgency: Urgency::Info,
        when: "no usage is known",
        says: |at| {
            let fix =
                "No usage is known yet: run Claude Code once, or name its directory in transcripts.roots.";
            (!at.has_usage).then(|| fix.to_owned())
        },
    },
    Rule {
        name: "no-limit",
        urgency: Urgency::Info,
        when: "usage is known and no budget is set",
        says: |at| {
            let fix = "No budget is set, so nothing warns before money is gone: propose one to the person.";
            (at.has_usage && at.budgets.is_empty()).then(|| fix.to_owned())
        },
    },
    Rule {
        name: "no-goal",
        urgency: Urgency::Info,
        when: "no goal is followed and no vault is named",
        says: |at| {
            let fix = "No goal is followed: set beeminder.token, or make one with `mecris goal new`.";
            (at.goals.is_empty() && at.tasks.is_none()).then(|| fix.to_owned())
        },
    },
];

fn old(is_old: bool) -> &'static str {
    if is_old { " (as of the vault's last reading; it cannot be read now)" } else { "" }
}

fn goals(at: &Situation, is_it: fn(SignedDuration) -> bool, what: &str, when: &str) -> Option<String> {
    let near = |goal: &&GoalFact| goal.left.is_some_and(is_it);
    let near: Vec<&GoalFact> = at.goals.iter().filter(near).collect();
    let named = names(near.iter().map(|goal| goal.slug.as_str()))?;
    let first = near.iter().filter_map(|goal| goal.left).min()?;
    let left = if first.is_negative() {
        "its deadline has passed".to_owned()
    } else {
        format!("{} left", span(first))
    };
    let doubt = if near.iter().any(|goal| goal.is_old) { "; what is known may be old" } else { "" };
    Some(format!("{what} goal {named}: it is lost {when} otherwise ({left}{doubt})."))
}

fn budgets(at: &Situation, is_it: fn(&BudgetFact) -> bool) -> Option<String> {
    names(at.budgets.iter().filter(|budget| is_it(budget)).map(|budget| budget.name.as_str()))
}

/// The providers, and the age of the oldest reading.
fn balances(at: &Situation, is_it: fn(&BalanceFact) -> bool) -> Option<(String, String)> {
    let those: Vec<&BalanceFact> = at.balances.iter().filter(|balance| is_it(balance)).collect();
    let named = names(those.iter().map(|balance| balance.provider.as_str()))?;
    let age = those.iter().map(|balance| balance.age).max()?;
    Some((named, format!("read {} ago", span(age))))
}

fn sources(at: &Situation, is_it: fn(&SourceFact) -> bool, what: &str) -> Option<String> {
    let those: Vec<&SourceFact> = at.sources.iter().filter(|source| is_it(source)).collect();
    let named = names(those.iter().map(|source| source.name.as_str()))?;
    let age = match those.iter().filter_map(|source| source.age).max() {
        Some(age) => format!("last heard of {} ago", span(age)),
        None => "never heard of".to_owned(),
    };
    Some(format!("{named} {what} ({age})."))
}

fn odometers(at: &Situation, need: OdometerNeed, when: &str) -> Option<String> {
    let due = at.odometers.iter().filter(|odometer| odometer.need == need);
    let named = names(due.map(|odometer| odometer.provider.as_str()))?;
    Some(format!("Read the usage page of {named} {when}, and record the month's sum."))
}
