//! No sequence of an agent's calls raises what it may spend, or makes less seem to be spent.
//!
//! A model test: random sequences of all that an agent may change, against the real decisions, events, log in memory and
//! views, between calls that are recorded, the person's settings and answers, and time that passes. After each step what
//! the gate and can-afford hold work against is held against a reckoning of the test's own, which knows only what
//! the person did.
//!
//! ```text
//! MECRIS_AGENT_STEPS=2000000 cargo test --test main -- agent_limits::no_sequence --nocapture
//! ```
//!
//! `MECRIS_AGENT_SEED` runs a seed that a failure has named.

use std::sync::Arc;

use crate::support::dice::Dice;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mecris::config::prices::price_table;
use mecris::domain::access::{Kind, Principal, table};
use mecris::domain::affording::{Ask, LimitKind};
use mecris::domain::allowance::reach::{Facing, Lifted, Reach, Worker};
use mecris::domain::allowance::{AllowanceCommand, VirtualBudget};
use mecris::domain::budget::{Budget, BudgetCommand, Scope, Thresholds};
use mecris::domain::calendar::Period;
use mecris::domain::gate::{Caps, Limit, Verdict, Work};
use mecris::domain::lacking::Doubts;
use mecris::domain::limit_request::{ASK_MAX_USD, LimitOrder, State, Until, Wish};
use mecris::domain::money::Picodollars;
use mecris::domain::pricing::PriceTable;
use mecris::domain::telemetry_usage::{CallTold, Export, Fingerprint, unplaced};
use mecris::domain::tokens::Tokens;
use mecris::domain::told::Told;
use mecris::domain::usage::{MessageKey, Usage};
use mecris::event::{Metadata, TenantId};
use mecris::log::{EventLog, MemoryLog};
use mecris::mcp::tools::is_question;
use mecris::service::aggregate::repository::Repository;
use mecris::service::budgets::allowance::AllowanceAggregate;
use mecris::service::budgets::budget::BudgetAggregate;
use mecris::service::budgets::limit::LimitAggregate;
use mecris::service::usage::manual;
use mecris::service::usage::recorder::Recorder;
use mecris::service::usage::telemetry::TelemetryUsage;
use mecris::view::affording::affordability;
use mecris::view::replay::catch_up;
use mecris::view::standing::{Standing, session_usage};
use mecris::view::{Horizon, TenantView, Views};

/// After so many steps a world is left for a fresh one, so that views stay small.
const STEPS_OF_A_WORLD: u64 = 250;
const SESSIONS: [&str; 3] = ["s1", "s2", "s3"];
const PROJECTS: [&str; 3] = ["/home/ada/engine", "/home/ada/notes", "/tmp"];
const BUDGETS: [&str; 2] = ["main", "work"];
const PROVIDER: &str = "anthropic";
const MODEL: &str = "claude-opus-5";

/// What the person allowed beyond the limits, as the test remembers it.
#[derive(Debug, Clone)]
struct Allowed {
    request: u32,
    amount: Picodollars,
    reach: Reach,
    until: Timestamp,
}

/// What the test knows of the person's will. No agent's call touches it.
#[derive(Debug, Default)]
struct Will {
    allowed: Vec<Allowed>,
    budgets: std::collections::BTreeMap<&'static str, Picodollars>,
    virtual_budget: Option<VirtualBudget>,
}

impl Will {
    fn beyond(&self, facing: Facing<'_>, worker: Worker<'_>, now: Timestamp) -> Picodollars {
        let holds = |allowed: &&Allowed| now < allowed.until && reaches(&allowed.reach, facing, worker);
        self.allowed.iter().filter(holds).map(|allowed| allowed.amount).sum()
    }
}

/// The test's own reading of a reach, by what docs/limits.md says.
fn reaches(reach: &Reach, facing: Facing<'_>, worker: Worker<'_>) -> bool {
    let limit = match &reach.limit {
        None => true,
        Some(Lifted::Session) => facing == Facing::Session,
        Some(Lifted::Day) => facing == Facing::Day,
        Some(Lifted::Virtual) => facing == Facing::Virtual,
        Some(Lifted::Budget(name)) => facing == Facing::Budget(name.as_str()),
    };
    let session = reach.session.is_none() || reach.session.as_deref() == worker.session;
    let below = |root: &str, path: &str| path == root || path.starts_with(&format!("{root}/"));
    let project = match (&reach.project, worker.project) {
        (None, _) => true,
        (Some(root), Some(path)) => below(root, path),
        (Some(_), None) => false,
    };
    limit && session && project
}

struct World {
    log: Arc<MemoryLog>,
    tenant: TenantId,
    limits: Repository<LimitAggregate>,
    allowance: Repository<AllowanceAggregate>,
    budgets: Repository<BudgetAggregate>,
    recorder: Recorder,
    prices: Arc<PriceTable>,
    views: Views,
    zone: TimeZone,
    now: Timestamp,
    will: Will,
    calls: u64,
}

/// What is spent, in all the sums that a limit is held against.
#[derive(Debug, PartialEq, Eq)]
struct Spent {
    all: Picodollars,
    today: Picodollars,
    virtual_budget: Vec<Picodollars>,
    sessions: Vec<Picodollars>,
    budgets: Vec<(String, Picodollars)>,
}

fn owner() -> Principal {
    Principal { kind: Kind::Owner, reference: "owner".into() }
}

fn caps() -> Caps {
    Caps {
        session: Some(Picodollars::usd(5)),
        day: Some(Picodollars::usd(20)),
        budgets: true,
        warn_percent: 80,
        unknown: Verdict::Warn,
    }
}

impl World {
    fn new(dice: &mut Dice) -> Self {
        let log = Arc::new(MemoryLog::default());
        let tenant = TenantId::local();
        let prices = Arc::new(price_table(None).unwrap());
        let noon: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        Self {
            limits: Repository::new(log.clone(), tenant.clone()),
            allowance: Repository::new(log.clone(), tenant.clone()),
            budgets: Repository::new(log.clone(), tenant.clone()),
            recorder: Recorder::new(log.clone(), tenant.clone(), prices.clone(), "test"),
            prices,
            log,
            tenant,
            views: Views::default(),
            zone: TimeZone::get("Europe/Berlin").unwrap(),
            now: noon + SignedDuration::from_hours(i64::try_from(dice.below(24 * 60)).unwrap()),
            will: Will::default(),
            calls: 0,
        }
    }

    fn project(&mut self) {
        let head = self.log.head().unwrap().position;
        catch_up(&*self.log, &mut self.views, head, Horizon::Unbounded, &mut |_, _| {}).unwrap();
    }

    fn view<T>(&self, read: impl FnOnce(&TenantView) -> T) -> T {
        match self.views.tenant(&self.tenant) {
            Some(view) => read(view),
            None => read(&TenantView::default()),
        }
    }

    fn spent(&self) -> Spent {
        self.view(|view| {
            let standing = Standing::of(view, self.now, &self.zone, &self.prices);
            let spent_in = |session| session_usage(view, session, &self.prices).unwrap_or_default().spent;
            Spent {
                all: view.spend.total().cost,
                today: standing.today,
                virtual_budget: standing.virtual_budget().map(|(_, spent, _)| spent).to_vec(),
                sessions: SESSIONS.map(|session| spent_in(session).known).to_vec(),
                budgets: standing.budgets().map(|of| (of.budget.name.to_string(), of.used.period)).collect(),
            }
        })
    }

    fn order(&mut self, order: LimitOrder, by: &Principal) -> Result<bool, String> {
        let done = self.limits.execute((order, by.clone()), self.now, &Metadata::default());
        done.map(|position| position.is_some()).map_err(|error| error.to_string())
    }

    fn usage(&mut self, dice: &mut Dice) {
        self.calls += 1;
        let usage = Usage {
            key: MessageKey {
                message_id: format!("msg_{}", self.calls).into(),
                request_id: format!("req_{}", self.calls).into(),
            },
            provider: PROVIDER.into(),
            model: MODEL.into(),
            project: dice.pick(&PROJECTS).into(),
            session: dice.pick(&SESSIONS).into(),
            tokens: Tokens { output: dice.below(40_000), ..Tokens::default() },
            occurred_at: self.now,
            ..Usage::default()
        };
        self.recorder.record(&[usage], &|_, _| {}).unwrap();
    }

    fn person(&mut self, dice: &mut Dice) {
        match dice.below(7) {
            0 => {
                let (name, amount) = (dice.pick(&BUDGETS), dice.cents(50) + Picodollars::usd(1));
                let scope =
                    Scope { project: (name == "work").then(|| "/home/ada".to_owned()), ..Scope::default() };
                let budget = Budget {
                    name: name.parse().unwrap(),
                    amount,
                    period: Period::Monthly,
                    scope,
                    thresholds: Thresholds::default(),
                };
                let order = BudgetCommand::Set(budget);
                self.budgets.execute(order, self.now, &Metadata::default()).unwrap();
                self.will.budgets.insert(name, amount);
            }
            1 => {
                let budget = VirtualBudget {
                    daily: Some(dice.cents(20) + Picodollars::usd(1)),
                    monthly: dice.one_in(2).then(|| dice.cents(200) + Picodollars::usd(1)),
                    reserve_percent: dice.pick(&[0, 20]),
                };
                self.allow(AllowanceCommand::Set(budget));
                self.will.virtual_budget = Some(budget);
            }
            2 => {
                let amount = dice.cents(5) + Picodollars::usd(1);
                let until = self.now + SignedDuration::from_mins(30);
                self.allow(AllowanceCommand::Override {
                    amount,
                    reason: format!("by hand, {}", self.log.head().unwrap().position),
                    reach: Reach::default(),
                    until,
                });
                self.will.allowed.push(Allowed { request: 0, amount, reach: Reach::default(), until });
            }
            3 => {
                let number = self.some_request(dice);
                let _ = self.order(LimitOrder::Refuse { number, reason: String::new() }, &owner());
            }
            4 => {
                let number = self.some_request(dice);
                if self.order(LimitOrder::End { number }, &owner()) == Ok(true) {
                    for allowed in self.will.allowed.iter_mut().filter(|allowed| allowed.request == number) {
                        allowed.until = allowed.until.min(self.now);
                    }
                }
            }
            _ => {
                let number = self.some_request(dice);
                let amount = dice.cents(10) + Picodollars::usd(1);
                let span = SignedDuration::from_mins(i64::try_from(dice.below(600)).unwrap() + 1);
                let until = self.now + span;
                let reach = self.view(|view| view.requests.get(number).map(|it| it.wish.reach.clone()));
                let grant = LimitOrder::Grant { number, amount: Some(amount), until: Until::At(until) };
                if self.order(grant, &owner()) == Ok(true) {
                    let reach = reach.unwrap();
                    self.will.allowed.push(Allowed { request: number, amount, reach, until });
                }
            }
        }
    }

    /// In the stream of the requests, as another process does: the requests' repository catches up by itself.
    fn allow(&mut self, command: AllowanceCommand) {
        self.allowance.execute(command, self.now, &Metadata::default()).unwrap();
    }

    fn some_request(&self, dice: &mut Dice) -> u32 {
        let last = self.view(|view| view.requests.all().map(|request| request.number).max().unwrap_or(0));
        u32::try_from(dice.below(u64::from(last) + 2)).unwrap()
    }

    /// One call of an agent's; what it did, in words.
    fn agent(&mut self, dice: &mut Dice) -> String {
        let kind = if dice.one_in(8) {
            dice.pick(&[Kind::Ingest, Kind::Auditor, Kind::Member])
        } else {
            Kind::Agent
        };
        let by = Principal { kind, reference: dice.pick(&["agt-1", "agt-2", "owner"]).into() };
        let number = self.some_request(dice);
        let order = match dice.below(10) {
            0..=2 => LimitOrder::Ask(self.wish(dice)),
            3 => LimitOrder::Withdraw { number },
            4 => {
                let until = self.now + SignedDuration::from_hours(1);
                let amount = dice.one_in(2).then(|| dice.cents(1_000));
                LimitOrder::Grant { number, amount, until: Until::At(until) }
            }
            5 => LimitOrder::Refuse { number, reason: "x".into() },
            6 => LimitOrder::End { number },
            _ => return self.tell(dice),
        };
        let allowed_to_try = matches!(order, LimitOrder::Ask(_) | LimitOrder::Withdraw { .. });
        let told = format!("{by:?} {order:?}");
        let done = self.order(order, &by);
        assert!(allowed_to_try || done.is_err(), "{told}: {done:?}");
        format!("{told}: {done:?}")
    }

    fn wish(&self, dice: &mut Dice) -> Wish {
        let limit = match dice.below(5) {
            0 => Some(Lifted::Session),
            1 => Some(Lifted::Day),
            2 => Some(Lifted::Virtual),
            3 => Some(Lifted::Budget(dice.pick(&BUDGETS).parse().unwrap())),
            _ => None,
        };
        let amounts = [Picodollars(-1), Picodollars::ZERO, Picodollars::usd(ASK_MAX_USD + 1)];
        Wish {
            amount: if dice.one_in(8) { dice.pick(&amounts) } else { dice.cents(20) },
            reason: dice.pick(&["tests fail", "", "a\nb", "\u{1b}[2J", "x", "\u{e0041}y"]).into(),
            reach: Reach {
                limit,
                session: dice.one_in(2).then(|| dice.pick(&SESSIONS).into()),
                project: dice.one_in(4).then(|| dice.pick(&PROJECTS).into()),
            },
            minutes: dice.one_in(2).then(|| u32::try_from(dice.below(20_000)).unwrap()),
        }
    }

    /// Tells a session's sum: more, less, of another day, of sessions that transcripts tell of.
    fn tell(&mut self, dice: &mut Dice) -> String {
        let minutes = i64::try_from(dice.below(4 * 24 * 60)).unwrap() - 3 * 24 * 60;
        let at =
            if dice.one_in(2) { self.now } else { self.now + SignedDuration::from_mins(minutes.min(10)) };
        let session = dice.pick(&["told-1", "told-2", "s1"]);
        let told = Told {
            provider: dice.pick(&[PROVIDER, "groq"]).into(),
            model: dice.pick(&[MODEL, "no-such-model"]).into(),
            session: session.into(),
            project: dice.pick(&PROJECTS).into(),
            tokens: Tokens { output: dice.below(30_000), input: dice.below(3_000), ..Tokens::default() },
            at,
        };
        let words = format!("{told:?}");
        // Sessions of the transcripts are refused, as the service does by looking them up.
        let Ok(usage) = told.into_usage(SESSIONS.contains(&session), self.now) else {
            return format!("{words}: refused");
        };
        let done = manual::record_at(&self.recorder, usage, false, self.now);
        format!("{words}: {:?}", done.map(|recorded| recorded.tally))
    }

    fn check(&self, dice: &mut Dice, step: &str) {
        let now = self.now;
        let (session, path) = (dice.pick(&SESSIONS), dice.pick(&PROJECTS));
        let session = dice.below(4).ne(&0).then_some(session);
        let path = dice.below(4).ne(&0).then_some(path);
        let worker = Worker { session, project: path };
        let less = |of: Picodollars, reserve: u8| of - of.scale(i128::from(reserve), 100);
        self.view(|view| {
            let standing = Standing::of(view, now, &self.zone, &self.prices);
            let beyond = |facing: Facing<'_>| view.allowance.beyond(facing, worker, now);
            let known = |session| session_usage(view, session, &self.prices).map(|of| of.spent);
            let spent = session.map(|session| known(session).unwrap_or_default());
            let work = Work { provider: Some(PROVIDER), model: Some(MODEL), project: path, name: None };
            for held in standing.held(&caps(), beyond, spent, work) {
                let (facing, own) = match &held.limit {
                    Limit::Session => (Facing::Session, caps().session.unwrap()),
                    Limit::Day => (Facing::Day, caps().day.unwrap()),
                    Limit::VirtualDay | Limit::VirtualMonth => {
                        let set = self.will.virtual_budget.unwrap();
                        let of = if held.limit == Limit::VirtualDay { set.daily } else { set.monthly };
                        (Facing::Virtual, less(of.unwrap(), set.reserve_percent))
                    }
                    Limit::Budget(name) => (Facing::Budget(name.as_str()), self.will.budgets[name.as_str()]),
                };
                let may = own + self.will.beyond(facing, worker, now);
                assert_eq!(held.cap, may, "the gate, {:?}, after {step}", held.limit);
            }
            let ask = Ask {
                amount: Picodollars::usd(1),
                provider: Some(PROVIDER.into()),
                model: Some(MODEL.into()),
                project: path.map(str::to_owned),
                session: session.map(str::to_owned),
                caps: Vec::new(),
            };
            for limit in affordability(view, &ask, now, &self.zone, &self.prices, Doubts::default()).limits {
                let (facing, own) = match limit.kind {
                    LimitKind::Daily => (Facing::Virtual, self.will.virtual_budget.unwrap().daily.unwrap()),
                    LimitKind::Monthly => {
                        (Facing::Virtual, self.will.virtual_budget.unwrap().monthly.unwrap())
                    }
                    LimitKind::Budget => {
                        (Facing::Budget(&limit.name), self.will.budgets[limit.name.as_str()])
                    }
                    LimitKind::Cap | LimitKind::Balance => panic!("nobody set one: {limit:?}"),
                };
                assert_eq!(limit.of, own, "can-afford, {:?}, after {step}", limit.kind);
                let may = self.will.beyond(facing, worker, now);
                assert_eq!(limit.allowed, may, "can-afford, {:?}, after {step}", limit.kind);
            }
        });
    }
}

fn falls(before: &Spent, after: &Spent) -> bool {
    let pairs = |before: &[Picodollars], after: &[Picodollars]| before.iter().zip(after).any(|(b, a)| a < b);
    let of = |spent: &Spent| spent.budgets.iter().map(|(_, used)| *used).collect::<Vec<_>>();
    after.all < before.all
        || after.today < before.today
        || pairs(&before.virtual_budget, &after.virtual_budget)
        || pairs(&before.sessions, &after.sessions)
        || before.budgets.len() != after.budgets.len()
        || pairs(&of(before), &of(after))
}

/// What a run has met, so that a test in which nothing happens fails.
#[derive(Debug, Default)]
struct Met {
    granted: u64,
    over: u64,
    refused: u64,
    told: u64,
    kept_from_falling: u64,
}

fn live(seed: u64, steps: u64, met: &mut Met) {
    let mut dice = Dice::new(seed);
    let mut world = World::new(&mut dice);
    for _ in 0..steps {
        let step = match dice.below(10) {
            0 => {
                world.usage(&mut dice);
                "usage".to_owned()
            }
            1 => {
                world.now += SignedDuration::from_mins(i64::try_from(dice.below(180)).unwrap());
                "time".to_owned()
            }
            2 | 3 => {
                world.person(&mut dice);
                "the person".to_owned()
            }
            _ => {
                let before = world.spent();
                let step = world.agent(&mut dice);
                world.project();
                let after = world.spent();
                assert!(!falls(&before, &after), "{step}: spending fell from {before:?} to {after:?}");
                met.kept_from_falling += u64::from(step.contains("Falls"));
                met.told += u64::from(step.contains("Tally"));
                step
            }
        };
        world.project();
        world.check(&mut dice, &step);
    }
    world.view(|view| {
        for request in view.requests.all() {
            match request.state(world.now) {
                State::Granted => met.granted += 1,
                State::Over => met.over += 1,
                State::Refused => met.refused += 1,
                State::Open | State::Withdrawn | State::Expired => {}
            }
        }
    });
}

#[test]
fn no_sequence_of_an_agent_s_calls_raises_its_limits_or_lowers_what_is_spent() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let mut met = Met::default();
    if let Some(seed) = number("MECRIS_AGENT_SEED") {
        live(seed, STEPS_OF_A_WORLD, &mut met);
        return;
    }
    let steps = number("MECRIS_AGENT_STEPS").unwrap_or(100_000);
    for seed in 0..steps.div_ceil(STEPS_OF_A_WORLD) {
        let lived = std::panic::catch_unwind(|| {
            let mut met = Met::default();
            live(seed, STEPS_OF_A_WORLD, &mut met);
            met
        });
        let of = lived.unwrap_or_else(|panic| {
            eprintln!("MECRIS_AGENT_SEED={seed} shows it again");
            std::panic::resume_unwind(panic)
        });
        met.granted += of.granted;
        met.over += of.over;
        met.refused += of.refused;
        met.told += of.told;
        met.kept_from_falling += of.kept_from_falling;
    }
    let counts = [met.granted, met.over, met.refused, met.told, met.kept_from_falling];
    assert!(counts.iter().all(|count| *count > 0), "something never happened: {met:?}");
}

/// One small sum that an agent tells of its own session keeps nothing that telemetry tells of it from counting, before or
/// after.
#[test]
fn a_sum_that_was_told_takes_no_telemetry_back_and_keeps_none_out() {
    let mut world = World::new(&mut Dice::new(1));
    let mut telling = TelemetryUsage::default();
    let prices = price_table(None).unwrap();
    let call = |own: u8| {
        let tokens = Tokens { output: 1_000, ..Tokens::default() };
        let usage = Usage { session: "evening".into(), ..unplaced(MODEL, tokens, world.now) };
        let own = Fingerprint([own; 16]);
        CallTold { usage, client_request_id: "".into(), own, told_cost: None }
    };
    let told = Told {
        provider: PROVIDER.into(),
        model: MODEL.into(),
        session: "evening".into(),
        project: String::new(),
        tokens: Tokens { output: 1, ..Tokens::default() },
        at: world.now,
    };
    let exports = [call(1), call(2)].map(|call| Export { calls: vec![call], points: Vec::new() });
    let (log, tenant) = (world.log.clone(), world.tenant.clone());
    let mut tell = |export: &Export| {
        telling.record(&*log, &tenant, &prices, export, &Metadata::default()).unwrap().counted
    };
    assert_eq!(tell(&exports[0]), 1);
    world.project();
    let before = world.spent().all;
    manual::record_at(&world.recorder, told.into_usage(false, world.now).unwrap(), false, world.now).unwrap();
    world.project();
    let after = world.spent().all;
    assert!(after > before, "{after} is not above {before}");
    assert_eq!(tell(&exports[1]), 1, "what comes later counts too");
}

/// What an agent may call and that changes something: what it can do to a limit or to a sum is lived above, the rest touches
/// neither. A new row for agents has to be put into one of the two.
#[test]
fn whatever_an_agent_may_change_is_lived_or_touches_no_money() {
    let lived = [
        "POST /api/v1/limit-requests",
        "POST /api/v1/limit-requests/{number}/withdraw",
        "POST /api/v1/usage",
        "request_limit",
        "record_usage_session",
    ];
    let elsewhere = [
        // Reads the person's own transcripts, whatever asks for it.
        "POST /api/v1/import",
        "POST /api/v1/look",
        "record_claude_code_usage",
        // Goals, notes and messages, by rules that look at no money.
        "POST /api/v1/alerts/check",
        "POST /api/v1/daily",
        "PUT /api/v1/goals/{slug}",
        "POST /api/v1/goals/{slug}/close",
        "add_goal",
        "complete_goal",
        "log_session",
        "send_beeminder_alert",
        "trigger_reminder_check",
        // Answers; what a status line tells of a subscription's windows is held against nothing.
        "POST /api/v1/gate",
        "POST /api/v1/statusline",
        // The way to the tools, and the end of a session of the protocol.
        "POST /mcp",
        "DELETE /mcp",
    ];
    let agent = Principal::agent();
    let endpoints = table::ENDPOINTS
        .iter()
        .filter(|(method, _, scope)| *method != "GET" && agent.may(*scope))
        .map(|(method, path, _)| format!("{method} {path}"));
    let tools = table::TOOLS
        .iter()
        .filter(|(name, scope)| !is_question(name) && agent.may(*scope))
        .map(|(name, _)| (*name).to_owned());
    let mut may: Vec<String> = endpoints.chain(tools).collect();
    let mut known: Vec<&str> = lived.into_iter().chain(elsewhere).collect();
    may.sort();
    known.sort_unstable();
    assert_eq!(may, known);
}
