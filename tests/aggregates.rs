//! Each aggregate over random histories: what its command side knows, what a replay of its stream gives, and what the view
//! shows are the same, whoever else writes to the stream meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mecris::domain::access::register::TokenOrder;
use mecris::domain::access::{Kind as Holder, Principal};
use mecris::domain::alert::{AlertChange, AlertId, CauseKey, Grade, Kind, Severity};
use mecris::domain::allowance::reach::Reach;
use mecris::domain::allowance::{AllowanceCommand, VirtualBudget};
use mecris::domain::balance::{BalanceChange, Reading, Source, TopUp};
use mecris::domain::budget::{Budget, BudgetCommand, Scope, Thresholds};
use mecris::domain::calendar::{Period, day_of};
use mecris::domain::consent::{By, ConsentCommand};
use mecris::domain::currency::Currency;
use mecris::domain::datapoint::{Decimal, Keeper, Point, PointKey, RequestId};
use mecris::domain::goal::Goal;
use mecris::domain::limit_request::{LimitOrder, Until, Wish};
use mecris::domain::local_goal::{End, LocalGoal, Priority};
use mecris::domain::local_goals::{Facts, LocalGoalCommand};
use mecris::domain::odometer::{OdometerCommand, OdometerOrder};
use mecris::domain::quota::{QuotaReading, Window};
use mecris::domain::report::{CostLine, DayReport, ReportSource};
use mecris::event::{Metadata, TenantId};
use mecris::log::{EventLog, MemoryLog};
use mecris::service::access::token::TokenAggregate;
use mecris::service::aggregate::repository::{Aggregate, CommandError, Repository};
use mecris::service::alerts::alert::AlertAggregate;
use mecris::service::alerts::consent::ConsentAggregate;
use mecris::service::balances::balance::BalanceAggregate;
use mecris::service::balances::odometer::OdometerAggregate;
use mecris::service::balances::quota::QuotaAggregate;
use mecris::service::budgets::allowance::AllowanceAggregate;
use mecris::service::budgets::budget::BudgetAggregate;
use mecris::service::budgets::limit::LimitAggregate;
use mecris::service::goals::beeminder::{GoalAggregate, Observed};
use mecris::service::goals::datapoints::{DatapointAggregate, DatapointWriter};
use mecris::service::goals::local::LocalGoalAggregate;
use mecris::service::providers::reports::ReportAggregate;
use mecris::service::usage::projects::AliasAggregate;
use mecris::view::replay::{self, replay};
use mecris::view::{TenantView, Views};

use crate::support::dice::Dice;

const STEPS: u64 = 120;

/// A log that all aggregates share, and a clock.
struct World {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    now: Timestamp,
    dice: Dice,
}

impl World {
    fn new(seed: u64) -> Self {
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        Self { log: Arc::new(MemoryLog::default()), tenant: TenantId::local(), now, dice: Dice::new(seed) }
    }

    fn repository<A: Aggregate>(&self) -> Repository<A> {
        Repository::new(self.log.clone(), self.tenant.clone())
    }

    fn view(&self) -> TenantView {
        let views: Views = replay(&*self.log, replay::Until::Head, &mut |_, _| {}).unwrap();
        views.tenant(&self.tenant).cloned().unwrap_or_default()
    }

    /// Two repositories take turns, so that each finds what the other has written; both end with what is in the log.
    fn history<A: Aggregate>(
        &mut self,
        mut command: impl FnMut(&mut Dice, Timestamp) -> A::Command,
    ) -> A::State
    where
        A::State: PartialEq + Debug,
    {
        let mut two = [self.repository::<A>(), self.repository::<A>()];
        let (mut done, mut refused) = (0, 0);
        for _ in 0..STEPS {
            self.now += SignedDuration::from_secs(self.dice.below(7_200).cast_signed());
            let who = usize::from(self.dice.one_in(3));
            let command = command(&mut self.dice, self.now);
            match two[who].execute(command, self.now, &Metadata::default()) {
                Ok(_) => done += 1,
                Err(CommandError::Refused(_)) => refused += 1,
                Err(error) => panic!("{}: {error}", A::STREAM),
            }
        }
        assert!(done > STEPS / 10, "{}: {done} commands were carried out, {refused} refused", A::STREAM);
        let [mut one, mut other] = two;
        one.catch_up().unwrap();
        other.catch_up().unwrap();
        let fresh = Repository::<A>::load(self.log.clone(), self.tenant.clone()).unwrap();
        assert_eq!(one.state(), fresh.state(), "{}: kept, and read afresh", A::STREAM);
        assert_eq!(one.state(), other.state(), "{}: of one, and of the other", A::STREAM);
        assert_eq!((one.version(), other.version()), (fresh.version(), fresh.version()), "{}", A::STREAM);
        take(fresh)
    }
}

fn take<A: Aggregate>(repository: Repository<A>) -> A::State {
    repository.into_state()
}

const NAMES: [&str; 4] = ["one", "two", "three", "four"];
const PROVIDERS: [&str; 3] = ["anthropic", "openai", "groq"];

fn owner() -> Principal {
    Principal { kind: Holder::Owner, reference: "owner".into() }
}

fn budget(dice: &mut Dice, _: Timestamp) -> BudgetCommand {
    let name = dice.pick(&NAMES).parse().unwrap();
    if dice.one_in(4) {
        return BudgetCommand::Remove(name);
    }
    let period = if dice.one_in(2) { Period::Monthly } else { Period::Daily };
    let amount = dice.cents(100);
    BudgetCommand::Set(Budget {
        name,
        amount,
        period,
        scope: Scope::default(),
        thresholds: Thresholds::default(),
    })
}

fn balance(dice: &mut Dice, now: Timestamp) -> BalanceChange {
    let provider = dice.pick(&PROVIDERS);
    let at = now - SignedDuration::from_secs(dice.below(9_000).cast_signed());
    if dice.one_in(3) {
        return BalanceChange::ToppedUp(TopUp { provider: provider.into(), amount: dice.cents(50), at });
    }
    let source = dice.pick(&[Source::Hand, Source::ProviderApi, Source::Console]);
    BalanceChange::Read(Reading::usd(provider, dice.cents(50), at, source, ""))
}

fn quota(dice: &mut Dice, now: Timestamp) -> Vec<QuotaReading> {
    let window = dice.pick(&[Window::FiveHour, Window::SevenDay]);
    let resets_at = Timestamp::from_second(now.as_second() / 18_000 * 18_000 + 18_000).unwrap();
    vec![QuotaReading { window, used: u32::try_from(dice.below(10_001)).unwrap(), resets_at }]
}

fn odometer(dice: &mut Dice, now: Timestamp) -> (OdometerOrder, TimeZone) {
    let provider = dice.pick(&PROVIDERS).to_owned();
    if dice.one_in(9) {
        return (OdometerOrder::Stop { provider }, TimeZone::UTC);
    }
    let value = dice.cents(500);
    let is_correction = dice.one_in(4);
    let read =
        OdometerCommand { provider, month: None, value, taken_at: now, note: String::new(), is_correction };
    (OdometerOrder::Read(read), TimeZone::UTC)
}

fn allowance(dice: &mut Dice, now: Timestamp) -> AllowanceCommand {
    match dice.below(5) {
        0 => AllowanceCommand::Remove,
        1 => AllowanceCommand::End { number: u32::try_from(dice.below(12)).unwrap() },
        2 => AllowanceCommand::Override {
            amount: dice.cents(20),
            reason: "once".into(),
            reach: Reach::default(),
            until: now + SignedDuration::from_hours(3),
        },
        _ => {
            let (daily, monthly) = (Some(dice.cents(20)), dice.one_in(2).then(|| dice.cents(200)));
            AllowanceCommand::Set(VirtualBudget { daily, monthly, reserve_percent: 20 })
        }
    }
}

fn limit(dice: &mut Dice, now: Timestamp) -> (LimitOrder, Principal) {
    let agent = dice.pick(&["agt-1", "agt-2", "agt-3"]);
    let agent = Principal { kind: Holder::Agent, reference: agent.into() };
    let number = u32::try_from(dice.below(STEPS) + 1).unwrap();
    match dice.below(6) {
        0 => (LimitOrder::Withdraw { number }, agent),
        1 => (LimitOrder::Refuse { number, reason: String::new() }, owner()),
        2 => (LimitOrder::End { number }, owner()),
        3 => {
            let until = Until::At(now + SignedDuration::from_hours(2));
            (LimitOrder::Grant { number, amount: None, until }, owner())
        }
        _ => {
            let wish =
                Wish { amount: dice.cents(9), reason: "more".into(), reach: Reach::default(), minutes: None };
            (LimitOrder::Ask(wish), agent)
        }
    }
}

fn token(dice: &mut Dice, _: Timestamp) -> (TokenOrder, Principal) {
    let id = format!("agt-{}", dice.below(30));
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&dice.next().to_le_bytes());
    let order = match dice.below(4) {
        0 => TokenOrder::Revoke { id },
        1 => TokenOrder::Rotate { id, hash, fresh: format!("agt-{}", 100 + dice.below(1_000)) },
        _ => {
            let (kind, label) = (Holder::Agent, "mine".to_owned());
            TokenOrder::Issue { id, kind, label, hash, lasts: Some(SignedDuration::from_hours(9)) }
        }
    };
    (order, owner())
}

fn alias(dice: &mut Dice, _: Timestamp) -> (String, Option<String>) {
    let directory = format!("/home/ada/{}", dice.pick(&NAMES));
    let name = (!dice.one_in(4)).then(|| format!("/home/ada/{}", dice.pick(&["looms", "one", "three"])));
    (directory, name)
}

fn local_goal(dice: &mut Dice, now: Timestamp) -> (LocalGoalCommand, Facts) {
    let slug = dice.pick(&NAMES).parse().unwrap();
    let today = day_of(now, &TimeZone::UTC);
    let command = match dice.below(5) {
        0 => LocalGoalCommand::CloseGoal { slug, end: End::Done },
        1 => LocalGoalCommand::StopFeed { slug },
        2 => LocalGoalCommand::StartFeed {
            slug,
            budget: None,
            since: Some(today),
            fresh_id: format!("f{}", dice.next()),
        },
        _ => {
            let title = format!("title {}", dice.below(9));
            LocalGoalCommand::SetGoal(LocalGoal { slug, title, priority: Priority::High, due: today })
        }
    };
    (command, Facts { today: Some(today), ..Facts::default() })
}

fn goals(dice: &mut Dice, now: Timestamp) -> Observed {
    let goal = |name: &&str| Goal {
        id: format!("id-{name}"),
        slug: (*name).to_owned(),
        title: String::new(),
        safebuf: Some(i64::try_from(dice.below(9)).unwrap()),
        losedate: Timestamp::from_second(now.as_second() + 86_400).ok(),
        deadline_s: i64::try_from(dice.below(9)).unwrap() * 3600,
        limsum: String::new(),
        baremin: String::new(),
        pledge: dice.cents(9),
        has_data_today: false,
        is_active: true,
        autodata: None,
    };
    let goals: Vec<Goal> = NAMES.iter().map(goal).collect();
    let told = goals.into_iter().skip(usize::try_from(now.as_second() % 3).unwrap()).collect();
    let timezone = dice.pick(&["Europe/Berlin", "Asia/Kathmandu", "no zone"]).to_owned();
    match dice.below(3) {
        0 => Observed::Some { goals: told, timezone: Some(timezone) },
        _ => Observed::All { goals: told, left_alone: vec!["id-one".into()] },
    }
}

fn reports(dice: &mut Dice, now: Timestamp) -> Vec<DayReport> {
    let day = day_of(now, &TimeZone::UTC).saturating_sub(jiff::Span::new().days(1));
    let line = CostLine { model: "m".into(), kind: String::new(), cost: dice.cents(9) };
    let provider = dice.pick(&PROVIDERS);
    vec![DayReport::cost(provider, day, ReportSource::ProviderApi, Currency::USD, [line])]
}

fn consent(dice: &mut Dice, _: Timestamp) -> (String, ConsentCommand, By) {
    let command = if dice.one_in(2) { ConsentCommand::Grant } else { ConsentCommand::Revoke };
    (dice.pick(&NAMES).to_owned(), command, dice.pick(&[By::Person, By::Message, By::Carrier]))
}

#[test]
fn the_command_side_a_replay_and_the_view_know_the_same() {
    for seed in 0..4 {
        let mut world = World::new(seed);
        // All streams stand in one log, one after the other and, by the clock, apart.
        let budgets = world.history::<BudgetAggregate>(budget);
        let balances = world.history::<BalanceAggregate>(balance);
        let quotas = world.history::<QuotaAggregate>(quota);
        let odometers = world.history::<OdometerAggregate>(odometer);
        world.history::<AllowanceAggregate>(allowance);
        // In the same stream.
        let (requests, allowed) = world.history::<LimitAggregate>(limit);
        let tokens = world.history::<TokenAggregate>(token);
        world.history::<AliasAggregate>(alias);
        let local_goals = world.history::<LocalGoalAggregate>(local_goal);
        let (followed, goal_days) = world.history::<GoalAggregate>(goals);
        let reported = world.history::<ReportAggregate>(reports);
        let consents = world.history::<ConsentAggregate>(consent);
        let view = world.view();
        assert_eq!(*view.budgets, budgets);
        assert_eq!(view.balances.accounts, balances);
        assert_eq!(*view.quotas, quotas);
        assert_eq!(*view.odometer, odometers);
        assert_eq!((&*view.requests, &*view.allowance), (&requests, &allowed));
        assert_eq!(*view.tokens, tokens);
        assert_eq!(*view.local_goals, local_goals);
        assert_eq!((&*view.goals, &*view.goal_days), (&followed, &goal_days));
        assert_eq!(*view.reports, reported);
        assert_eq!(*view.consents, consents);
    }
}

#[test]
fn alerts_and_datapoints_are_the_view_s_as_well() {
    let mut world = World::new(5);
    let mut alerts = world.repository::<AlertAggregate>();
    let mut open = BTreeSet::new();
    for number in 1..STEPS {
        world.now += SignedDuration::from_mins(7);
        let grade = Grade { severity: Severity::Warning, level: u32::try_from(world.dice.below(4)).unwrap() };
        let change = match open.iter().next().copied().filter(|_| world.dice.one_in(3)) {
            Some(id) if world.dice.one_in(2) => {
                open.remove(&id);
                AlertChange::Resolved { id }
            }
            Some(id) => AlertChange::Graded { id, grade },
            None => {
                let id = AlertId(number);
                open.insert(id);
                let key =
                    CauseKey { kind: Kind::BudgetLow, subject: format!("b{number}"), period: String::new() };
                AlertChange::Raised { id, key, grade }
            }
        };
        alerts.commit(&[change], world.now, &Metadata::default()).unwrap();
        let some = AlertId(world.dice.below(number) + 1);
        let taken = alerts.execute(some, world.now, &Metadata::default());
        assert!(matches!(taken, Ok(_) | Err(CommandError::Refused(_))), "{taken:?}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut writer = DatapointWriter::load(world.log.clone(), world.tenant.clone(), "test").unwrap();
    for number in 0..STEPS {
        let key = PointKey {
            slug: world.dice.pick(&NAMES).parse().unwrap(),
            request_id: RequestId::try_from(format!("r{}", world.dice.below(20))).unwrap(),
        };
        let point = Point {
            keeper: Keeper::Local,
            day: day_of(world.now, &TimeZone::UTC),
            value: Decimal::parse(&number.to_string()).unwrap(),
            comment: String::new(),
            feed: None,
        };
        runtime.block_on(writer.put(None, &key, &point)).unwrap();
    }
    let view = world.view();
    assert_eq!(&*view.alerts, alerts.state());
    assert_eq!(&*view.ledger, writer.ledger());
    let fresh = Repository::<DatapointAggregate>::load(world.log.clone(), world.tenant.clone()).unwrap();
    assert_eq!(fresh.state(), writer.ledger());
    let names: BTreeMap<&str, usize> = BTreeMap::from([("points", view.ledger.entries().count())]);
    assert!(names["points"] > 20, "{names:?}");
}
