//! How things stand, as the rules of alerts read it: from the views and the settings.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::config::Loaded;
use crate::domain::alert::policy::Usable;
use crate::domain::alert::rules::{
    BalanceFact, Facts, Promise, access, allowance, causes, limit_request, odometer,
};
use crate::domain::alert::{Causes, Channel};
use crate::domain::budget::{self, BudgetStatus};
use crate::domain::calendar;
use crate::domain::clock::happened;
use crate::domain::consent::Consents;
use crate::domain::lacking::Lacking;
use crate::domain::money::Picodollars;
use crate::domain::reminder::{self, Known, SeenGoal};
use crate::view::TenantView;
use crate::view::affording::virtual_limits;
use crate::view::balances::{BalanceLine, balances};
use crate::view::goals::local_goals;
use crate::view::lacking::lacking;

use super::contacts::Contacts;

/// What is known of the looks at the goals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looks {
    /// When one last succeeded.
    pub last: Option<Timestamp>,
    /// Whether the first one since the start is still to come: what the log tells may be long over.
    pub is_first_awaited: bool,
}

/// What is true at `now`.
#[must_use]
pub fn causes_of(view: &TenantView, loaded: &Loaded, looks: Looks, now: Timestamp) -> Causes {
    let zone = &loaded.zone;
    let status = |budget: &budget::Budget| -> BudgetStatus {
        let scope = &budget.scope;
        let spent = view.spend.by_day(zone, |cell| cell.is_in(scope));
        budget::status(budget, &spent, now, zone)
    };
    let budgets: Vec<BudgetStatus> = view.budgets.values().map(status).collect();
    let lacks = |status: &BudgetStatus| {
        let from = calendar::start_of(status.period_first, zone);
        let until = calendar::end_of(status.period_last, zone);
        let own = view.spend.cells_between(from, until).filter(|cell| cell.is_in(&status.budget.scope));
        // What it may cost is no part of what is told.
        (status.budget.name.clone(), Lacking { at_most: Some(Picodollars::ZERO), ..lacking(own, None) })
    };
    let lacking = budgets.iter().map(lacks).filter(|(_, lacking)| !lacking.is_nothing()).collect();
    // What a clock that was ahead has dated makes nothing new.
    let told_at = view.goals_told_at.map(|at| happened(at, now));
    let seen_at = looks.last.max(told_at).unwrap_or(Timestamp::UNIX_EPOCH);
    let seen: Vec<SeenGoal<'_>> = view.goals.values().map(|goal| SeenGoal { goal, seen_at }).collect();
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
    allowance::add(&virtual_limits(view, now, zone), now, zone, &mut causes);
    if let Some(instant) = next_reminder {
        causes.may_change_at(instant);
    }
    if !view.desk.goals.is_empty() {
        // Their days are counted anew.
        causes.may_change_at(calendar::end_of(calendar::day_of(now, zone), zone));
    }
    causes
}

/// The local goals that are open. They are due on the last second of their day: it is that day that is named.
fn promises(view: &TenantView, now: Timestamp, zone: &TimeZone) -> Vec<Promise> {
    let told = local_goals(view, now, zone).into_iter();
    let promise = told.filter_map(|(goal, _)| {
        let due = goal.losedate?.saturating_sub(1.second()).ok()?;
        Some(Promise { risk: goal.risk(), slug: goal.slug, due, title: goal.title })
    });
    promise.collect()
}

/// The channels that may be used, of those that are set up. Blocks on the contacts' file.
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
