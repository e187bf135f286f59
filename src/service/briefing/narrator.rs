//! Collects the narrator's input: from the views, the vault, and, with a running supervisor, its
//! sources.

use jiff::{SignedDuration, Timestamp};

use crate::domain::alert::broken::{Broken, broken};
use crate::domain::alert::{Kind, Severity};
use crate::domain::balance::Confidence;
use crate::domain::calendar;
use crate::domain::datapoint::Keeper;
use crate::domain::gate::Verdict;
use crate::domain::limit_request::LimitRequest;
use crate::domain::money::Picodollars;
use crate::domain::narrator::{
    AlertFact, BalanceFact, BudgetFact, ChannelFact, DoubtFact, DriftFact, ForecastFact, GoalFact,
    OdometerFact, OdometerNeed, RequestFact, Situation, SourceFact, SourceState as Answer, TaskFact,
    one_line, recommend,
};
use crate::integration::beeminder;
use crate::service::alerts::conditions::PollStatus;
use crate::service::budgets::gate::GateParams;
use crate::service::runtime::reads::{Reads, Snapshot};
use crate::service::runtime::sources::{SourceShown, SourceState};
use crate::service::vault::error::VaultFailure;
use crate::service::vault::tasks::{TasksFilter, TasksShown};
use crate::view::affording::allowance;
use crate::view::alerts::AlertLine;
use crate::view::balances::{BalanceLine, DoubtLine, balances, doubted};
use crate::view::budgets::BudgetLine;
use crate::view::goals::GoalLine;
use crate::view::odometer::{OdometerLine, OdometerState, odometers};
use crate::view::reconcile::{ReconciledProvider, Wanted};
use crate::view::status::unpriced;

use super::activity::TEXT_MAX;
use super::shape::{
    AlertShort, BalanceShort, BudgetShort, GoalShort, Narration, OdometerShort, SourceShort, TaskShort,
    TasksShort,
};

/// Maximum length of a name, in characters.
const NAME_MAX: usize = 40;

/// What only a running supervisor knows.
#[derive(Debug, Default)]
pub(in crate::service) struct Running {
    pub(in crate::service) is_there: bool,
    pub(in crate::service) sources: Vec<SourceShown>,
    pub(in crate::service) actors_down: Vec<String>,
}

impl Reads {
    /// The situation and recommendations, from the log and the vault alone.
    #[must_use]
    pub fn narrator(&self, detail: bool, now: Timestamp) -> Narration {
        let at = self.snapshot();
        let alerts = at.alerts(&at.causes(PollStatus::default(), now), false);
        at.narrate(Running::default(), &alerts, detail, now)
    }
}

impl Snapshot {
    pub(in crate::service) fn narrate(
        &self,
        running: Running,
        alerts: &[AlertLine],
        detail: bool,
        now: Timestamp,
    ) -> Narration {
        let Running { is_there, sources, actors_down } = running;
        let mut budgets = self.budgets(now);
        budgets.sort_by_key(share);
        let view = self.view();
        let balances = balances(view, now);
        let odometers = odometers(view, now, self.zone());
        let tasks = self.due_tasks(now);
        let asked_for: Vec<&SourceShown> =
            sources.iter().filter(|source| source.state != SourceState::NotConfigured).collect();
        // Without a supervisor nothing polls Beeminder: the goals are as old as the log's last event
        // about them.
        let beeminder = asked_for.iter().find(|source| source.name == beeminder::SYSTEM);
        let goals = self.goals(now, beeminder.and_then(|source| source.last_success));
        let goals_are_old = beeminder.is_none_or(|source| source.stale || source.state.is_trouble());
        let is_goal_old = |slug: &str| {
            goals_are_old || beeminder.is_some_and(|source| source.old.iter().any(|part| part.name == slug))
        };
        let gate = self.gate(&GateParams::default(), now);
        let stops = gate.reasons.iter().filter(|reason| reason.verdict == Verdict::Block);
        let low = self.loaded().config.alerts.balance_low_usd;
        let (allowance, unpriced) = (allowance(view, now, self.zone()), unpriced(view));
        let request =
            |request: &LimitRequest| RequestFact { number: request.number, amount: request.wish.amount };
        let limits = allowance.virtual_budget.iter().flat_map(|budget| &budget.limits);
        let situation = Situation {
            is_running: is_there,
            is_read_only: self.reads().log.health().refusal.is_some(),
            has_usage: view.spend.total().messages > 0,
            budgets: budgets.iter().map(budget_fact).collect(),
            spent_limits: limits
                .filter(|limit| limit.left_usd <= Picodollars::ZERO)
                .map(|limit| word(&limit.limit))
                .collect(),
            stops: stops.map(|reason| reason.text.clone()).collect(),
            requests: view.requests.open(now).map(request).collect(),
            allowed: allowance.overrides.iter().map(|granted| granted.amount_usd).sum(),
            balances: balances.iter().map(|balance| balance_fact(balance, low)).collect(),
            forecasts: self.ends(now),
            drifts: self.reconcile(&Wanted::default(), now).providers.iter().filter_map(drift).collect(),
            unpriced_calls: unpriced.values().sum(),
            unpriced: unpriced.into_keys().collect(),
            odometers: odometers.iter().map(odometer_fact).collect(),
            goals: goals.iter().map(|goal| goal_fact(goal, is_goal_old(&goal.slug))).collect(),
            tasks: tasks.as_ref().map(|(_, fact)| fact.clone()),
            alerts: alerts.iter().map(alert_fact).collect(),
            broken: broken(&view.alerts, now).iter().map(channel_fact).collect(),
            doubts: doubted(view, now).iter().map(doubt_fact).collect(),
            sources: asked_for.iter().map(|source| source_fact(source)).collect(),
            actors_down,
        };
        let narration = Narration {
            summary: summary(&situation, &gate.today_usd),
            now,
            recommendations: recommend(&situation).into_iter().map(Into::into).collect(),
            goals: goals.iter().map(|goal| goal_short(goal, is_goal_old(&goal.slug))).collect(),
            budgets: budgets.into_iter().map(budget_short).collect(),
            balances: balances.into_iter().map(balance_short).collect(),
            alerts: alerts.iter().map(alert_short).collect(),
            today: self.activity(None, now).into(),
            tasks: tasks.map(|(short, _)| short),
            odometers: odometers.into_iter().map(odometer_short).collect(),
            sources: asked_for.into_iter().map(source_short).collect(),
            left_out: None,
        };
        if detail { narration } else { narration.small() }
    }

    /// When the balances run out, if the forecast can say.
    fn ends(&self, now: Timestamp) -> Vec<ForecastFact> {
        let today = calendar::day_of(now, self.zone());
        let days = |day: jiff::civil::Date| day.since(today).map_or(0, |span| span.get_days());
        let lines = self.runways(now).into_iter();
        let ends = lines.filter_map(|line| {
            let day = line.runs_out?.p50?;
            Some(ForecastFact { provider: line.name, days: days(day) })
        });
        ends.collect()
    }

    /// The tasks that are due; none if no vault is configured.
    fn due_tasks(&self, now: Timestamp) -> Option<(TasksShort, TaskFact)> {
        let today = TasksFilter { due: Some("today".to_owned()), ..TasksFilter::default() };
        let TasksShown { tasks, read_at, trouble, .. } = match self.reads().tasks(&today, now) {
            Ok(shown) => shown,
            Err(VaultFailure::NotConfigured) => return None,
            Err(error) => TasksShown {
                tasks: Vec::new(),
                count: 0,
                read_at: None,
                trouble: Some(one_line(&error.to_string(), 2 * TEXT_MAX)),
            },
        };
        let overdue = tasks.iter().filter(|task| task.days_left.is_some_and(|days| days < 0)).count();
        let fact = TaskFact {
            overdue,
            due_today: tasks.len() - overdue,
            blocked: tasks.iter().filter(|task| task.is_blocked).count(),
            is_old: trouble.is_some(),
        };
        let due = tasks.iter().map(|task| TaskShort {
            text: one_line(&task.text, TEXT_MAX),
            note: one_line(&task.note, NAME_MAX),
            due: task.due,
        });
        let short = TasksShort { overdue, due_today: fact.due_today, due: due.collect(), read_at, trouble };
        Some((short, fact))
    }
}

/// `2.10 USD today; main 40.00 left; exercise 3 h 10 min; 2 tasks overdue; 1 alert`
fn summary(at: &Situation, today: &Picodollars) -> String {
    let mut parts = vec![format!("{} USD today", today.rounded(2))];
    parts.extend(at.budgets.first().map(|budget| format!("{} {} left", budget.name, budget.left.rounded(2))));
    parts.extend(at.balances.iter().min_by_key(|balance| balance.left).map(|balance| {
        format!(
            "{} at {} (read {} ago)",
            balance.left.rounded(2),
            balance.provider,
            calendar::span(balance.age)
        )
    }));
    parts.extend(at.goals.first().and_then(|goal| {
        let left = goal.left.map(calendar::span)?;
        let doubt = if goal.is_old { "?" } else { "" };
        Some(format!("{} {left}{doubt}", one_line(&goal.slug, NAME_MAX)))
    }));
    if let Some(tasks) = &at.tasks {
        parts.push(format!("tasks: {} overdue, {} today", tasks.overdue, tasks.due_today));
    }
    parts.push(format!("open alerts: {}", at.alerts.len()));
    parts.join("; ")
}

/// The remaining share of a budget, in thousandths.
fn share(budget: &BudgetLine) -> i128 {
    budget.remaining_usd.0.saturating_mul(1_000).checked_div(budget.amount_usd.0).unwrap_or_default()
}

fn word(limit: &impl serde::Serialize) -> String {
    serde_json::to_value(limit).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

fn budget_fact(line: &BudgetLine) -> BudgetFact {
    BudgetFact {
        name: line.name.clone(),
        left: line.remaining_usd,
        days_left: line.days_left,
        flags: line.flags.clone(),
    }
}

fn balance_fact(line: &BalanceLine, low: Picodollars) -> BalanceFact {
    BalanceFact {
        provider: line.provider.clone(),
        left: line.left_usd,
        age: seconds(line.age_seconds),
        is_low: line.left_usd < low,
        is_doubtful: line.confidence == Confidence::Low,
    }
}

fn drift(line: &ReconciledProvider) -> Option<DriftFact> {
    let percent = line.drift_percent.clone()?;
    let tenths = Picodollars::parse(percent.trim_start_matches('-')).ok()?;
    let is_large = tenths > Picodollars::usd(10);
    Some(DriftFact { provider: line.provider.clone(), percent, is_large })
}

fn odometer_fact(line: &OdometerLine) -> OdometerFact {
    let need = match line.state {
        OdometerState::Normal | OdometerState::Stopped => OdometerNeed::None,
        OdometerState::Stale | OdometerState::MonthEnds | OdometerState::Unfinished => OdometerNeed::Soon,
        OdometerState::LastDay => OdometerNeed::LastDay,
    };
    OdometerFact { provider: line.provider.clone(), need }
}

fn goal_fact(line: &GoalLine, is_old: bool) -> GoalFact {
    GoalFact {
        slug: line.slug.clone(),
        left: line.seconds_left.map(seconds),
        is_old: is_old && line.source == Keeper::Beeminder,
    }
}

fn alert_fact(line: &AlertLine) -> AlertFact {
    AlertFact {
        id: line.id,
        is_grave: matches!(line.severity, Severity::Critical | Severity::Immediate),
        is_acknowledged: line.acknowledged_at.is_some(),
        is_held: line.waits_for.is_some() && line.told_at.is_none() && line.kind != Kind::Source,
    }
}

fn channel_fact(broken: &Broken) -> ChannelFact {
    ChannelFact { name: broken.channel.word(), what: broken.what(), fix: broken.fix() }
}

fn doubt_fact(line: &DoubtLine) -> DoubtFact {
    DoubtFact { provider: line.provider.clone(), why: line.why.words(), fix: line.advice.clone() }
}

fn source_fact(source: &SourceShown) -> SourceFact {
    let state = match source.state {
        SourceState::Unauthorized => Answer::Refuses,
        SourceState::Failing => Answer::Fails,
        SourceState::NotConfigured | SourceState::Waiting | SourceState::Ok | SourceState::Degraded => {
            Answer::Answers
        }
    };
    SourceFact {
        name: source.name.clone(),
        state,
        age: source.age_seconds.map(seconds),
        is_old: source.stale && source.last_success.is_some(),
    }
}

fn goal_short(line: &GoalLine, is_old: bool) -> GoalShort {
    GoalShort {
        slug: one_line(&line.slug, NAME_MAX),
        risk: line.risk,
        left: line.seconds_left.map(|left| {
            if left < 0 { "its deadline has passed".to_owned() } else { calendar::span(seconds(left)) }
        }),
        todo: one_line(&line.limsum, TEXT_MAX),
        has_data_today: line.has_data_today,
        is_old: is_old && line.source == Keeper::Beeminder,
    }
}

fn budget_short(line: BudgetLine) -> BudgetShort {
    BudgetShort {
        name: line.name,
        left_usd: line.remaining_usd,
        of_usd: line.amount_usd,
        days_left: line.days_left,
        rolling_days: line.days,
        health: line.health,
        flags: line.flags,
    }
}

fn balance_short(line: BalanceLine) -> BalanceShort {
    BalanceShort {
        provider: line.provider,
        left_usd: line.left_usd,
        source: line.source,
        age_seconds: line.age_seconds,
        confidence: line.confidence,
    }
}

fn alert_short(line: &AlertLine) -> AlertShort {
    AlertShort {
        id: line.id,
        kind: line.kind,
        subject: one_line(&line.subject, NAME_MAX),
        severity: line.severity,
        is_acknowledged: line.acknowledged_at.is_some(),
    }
}

fn odometer_short(line: OdometerLine) -> OdometerShort {
    OdometerShort {
        provider: line.provider,
        state: line.state,
        value_usd: line.value_usd,
        age_seconds: line.age_seconds,
    }
}

fn source_short(source: &SourceShown) -> SourceShort {
    SourceShort {
        name: source.name.clone(),
        state: source.state,
        age_seconds: source.age_seconds,
        stale: source.stale,
    }
}
