//! Derives the alert rules' input from the views and the settings.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::config::Loaded;
use crate::domain::alert::policy::Usable;
use crate::domain::alert::rules::{
    BalanceFact, Facts, Promise, access, allowance, causes, channel, limit_request, odometer,
};
use crate::domain::alert::{Causes, Channel};
use crate::domain::budget::{self, BudgetStatus};
use crate::domain::calendar;
use crate::domain::clock::happened;
use crate::domain::consent::Consents;
use crate::domain::datapoint::Keeper;
use crate::domain::goal::Goal;
use crate::domain::goal_day::GoalClock;
use crate::domain::lacking::Lacking;
use crate::domain::money::Picodollars;
use crate::domain::reminder::{self, Known, SeenGoal};
use crate::event::Position;
use crate::service::runtime::reads::Snapshot;
use crate::view::TenantView;
use crate::view::affording::virtual_limits;
use crate::view::balances::{BalanceLine, balances};
use crate::view::goals::{clock_of, local_goals};
use crate::view::uses::BudgetUse;

use super::contacts::Contacts;

/// When the goals were last polled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PollStatus {
    /// The last poll that succeeded.
    pub last: Option<Timestamp>,
    /// Whether the first poll since the start has not finished: until then the log's goals may be long
    /// out of date.
    pub is_first_awaited: bool,
}

/// The causes found last, for readers: the actor computes them whenever something changes.
#[derive(Debug, Clone, Default)]
pub struct LastCauses(Arc<Mutex<Option<Found>>>);

/// How long found causes stay valid: they contain remaining times.
const KEPT: SignedDuration = SignedDuration::from_mins(1);

#[derive(Debug, Clone)]
struct Found {
    position: Position,
    /// The settings they were computed with.
    loaded: Arc<Loaded>,
    at: Timestamp,
    causes: Arc<Causes>,
}

impl LastCauses {
    /// Keeps the causes, unless the first poll of the goals is still to come: until then they are
    /// incomplete.
    pub fn keep(&self, of: &Snapshot, looks: PollStatus, causes: &Arc<Causes>, now: Timestamp) {
        if !looks.is_first_awaited {
            let (position, loaded, causes) = (of.position(), of.loaded().clone(), causes.clone());
            let found = Found { position, loaded, at: now, causes };
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        }
    }

    /// The kept causes, if they are still valid for this snapshot at `now`.
    #[must_use]
    pub fn of(&self, of: &Snapshot, now: Timestamp) -> Option<Arc<Causes>> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = |found: &&Found| {
            found.position == of.position()
                && Arc::ptr_eq(&found.loaded, of.loaded())
                && (SignedDuration::ZERO..KEPT).contains(&now.duration_since(found.at))
                && found.causes.changes_at.is_none_or(|at| now < at)
        };
        last.as_ref().filter(holds).map(|found| found.causes.clone())
    }
}

/// Computes the causes at `now`.
#[must_use]
pub fn causes_of(of: &Snapshot, looks: PollStatus, now: Timestamp) -> Causes {
    let (view, loaded, zone) = (of.view(), of.loaded(), of.zone());
    let standing = of.standing(now);
    let status = |of: &BudgetUse| budget::status_of(&of.budget, &of.used, now, zone);
    let budgets: Vec<BudgetStatus> = standing.uses.iter().map(status).collect();
    let lacking = standing.uses.iter().filter(|of| !of.lacking.is_nothing());
    // The upper bound of the cost is not part of the message.
    let without_bound = |lacking: Lacking| Lacking { at_most: Some(Picodollars::ZERO), ..lacking };
    let lacking = lacking.map(|of| (of.budget.name.clone(), without_bound(of.lacking))).collect();
    // A timestamp from a clock that ran ahead does not count as newer.
    let told_at = view.goals_told_at.map(|at| happened(at, now));
    let seen_at = looks.last.max(told_at).unwrap_or(Timestamp::UNIX_EPOCH);
    let clock = |goal: &Goal| clock_of(view, Keeper::Beeminder, &goal.slug, zone).ok();
    let goals: Vec<(&Goal, Option<GoalClock>)> =
        view.goals.values().map(|goal| (goal, clock(goal))).collect();
    let seen = goals.iter().map(|(goal, clock)| SeenGoal { goal, seen_at, clock: clock.as_ref() });
    let seen: Vec<SeenGoal<'_>> = seen.collect();
    let (rules, tiers) = (&loaded.config.reminders.rules, loaded.config.reminder_tiers.tiers());
    let known = Known { goals: &seen, budgets: &budgets };
    let reminders = reminder::due(rules, &tiers, &known, now, zone);
    let next_reminder = reminder::next_change(rules, &known, now, zone);
    let balance = |line: BalanceLine| BalanceFact {
        provider: line.provider,
        left: line.left_usd,
        taken_at: line.taken_at,
        risen_at: line.risen_at,
    };
    let facts = Facts {
        goals: view.goals.values().collect(),
        goals_are_awaited: looks.is_first_awaited,
        promises: promises(view, now, zone),
        budgets,
        lacking,
        balances: balances(view, now).into_iter().map(balance).collect(),
        sources: &view.sources,
        gave_up: &view.gave_up,
        reminders,
        zone,
        now,
    };
    let mut causes = causes(&facts, &loaded.config.alerts.rules());
    odometer::add(&view.odometer, now, zone, &mut causes);
    limit_request::add(&view.requests, now, &mut causes);
    access::add(&view.refused, now, &mut causes);
    channel::add(&view.alerts, now, &mut causes);
    allowance::add(&virtual_limits(view, now, zone), now, zone, &mut causes);
    if let Some(instant) = next_reminder {
        causes.may_change_at(instant);
    }
    if !view.local_goals.goals.is_empty() {
        // Their remaining days change at midnight.
        causes.may_change_at(calendar::end_of(calendar::day_of(now, zone), zone));
    }
    causes
}

/// The open local goals. A goal is due in the last second of its day; messages name that day.
fn promises(view: &TenantView, now: Timestamp, zone: &TimeZone) -> Vec<Promise> {
    let told = local_goals(view, now, zone).into_iter();
    let promise = told.filter_map(|(goal, _)| {
        let due = goal.losedate?.saturating_sub(1.second()).ok()?;
        Some(Promise { risk: goal.risk(), slug: goal.slug, due, title: goal.title })
    });
    promise.collect()
}

/// The configured channels that may be used. Blocks on reading the contacts file.
#[must_use]
pub fn usable(
    loaded: &Loaded,
    consents: &Consents,
    contacts: &Contacts,
    is_set_up: impl Fn(Channel) -> bool,
) -> Vec<Usable> {
    let number = loaded.config.twilio.to_number.as_ref();
    let contact = number.and_then(|number| contacts.find(number).ok().flatten());
    let granted = contact.filter(|contact| consents.get(contact).is_some_and(|consent| consent.is_granted));
    let usable = |channel: Channel| {
        if channel.needs_consent() {
            let contact = Some(granted.clone()?);
            Some(Usable { channel, contact, price: loaded.config.alerts.sms_usd })
        } else {
            Some(Usable { channel, contact: None, price: Picodollars::ZERO })
        }
    };
    Channel::ALL.into_iter().filter(|channel| is_set_up(*channel)).filter_map(usable).collect()
}
