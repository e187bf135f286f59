//! The queries of hooks and the status line: whether work may continue, and a one-line summary.

mod hook;
mod reason;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::allowance::reach::{Facing, Worker};
use crate::domain::calendar;
use crate::domain::gate::{Caps, Ruling, Verdict, Work, rule};
use crate::domain::money::Picodollars;
use crate::domain::project;
use crate::integration::claude_code::hook::HookCall;
use crate::integration::claude_code::status_line::StatusCall;
use crate::service::balances::quota::RateLimits;
use crate::service::runtime::forms;
use crate::service::runtime::reads::{Reads, Snapshot};
use crate::view::freshness::Freshness;
use crate::view::goals::GoalLine;
use crate::view::standing::SessionUsage;
use crate::view::uses::BudgetUse;

pub use hook::Said;
pub use reason::GateReason;

/// The provider under which Claude Code's transcripts are recorded.
const PROVIDER: &str = "anthropic";

/// What an agent is told at a limit: only a person can raise it.
pub const HOW_TO_ASK: &str = "Only the person can allow more: ask with the tool `request_limit` of Mecris's MCP server, \
    say how much and why, and wait for the answer; do not look for a way around the limit.";

/// What the person is told at a limit.
const FOR_PERSON: &str = "To go on, raise the limit in [gate] of Mecris's configuration and run `mecris reload`, or with \
    `mecris budget set`, or allow more with `mecris override`; what an agent asks for is granted with `mecris limit`.";

/// The work that the gate decides about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct GateParams {
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The project's directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(example = "/home/ada/work")]
    pub project: Option<String>,
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The provider; `anthropic` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

/// The project of the work: where its session began if the log knows the session, else what the request says.
struct Place {
    directory: Option<String>,
    name: Option<String>,
}

impl Place {
    fn work<'a>(&'a self, asked: &'a GateParams) -> Work<'a> {
        Work {
            provider: Some(asked.provider.as_deref().unwrap_or(PROVIDER)),
            model: asked.model.as_deref(),
            project: self.directory.as_deref(),
            name: self.name.as_deref(),
        }
    }
}

impl From<HookCall> for GateParams {
    fn from(call: HookCall) -> Self {
        Self { session: call.session_id, project: call.project_dir.or(call.cwd), ..Self::default() }
    }
}

/// Whether work may continue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateShown {
    /// `allow`, `warn` or `block`.
    #[schema(value_type = String)]
    pub verdict: Verdict,
    /// The reasons, most severe first.
    pub reasons: Vec<GateReason>,
    /// Cost of the session so far; null if none was named.
    #[schema(value_type = Option<String>)]
    pub session_usd: Option<Picodollars>,
    /// Cost of all sessions today.
    #[schema(value_type = String)]
    pub today_usd: Picodollars,
    /// What these numbers may leave out, in words; absent if nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
    /// The last event behind these numbers.
    pub position: u64,
    /// How old these numbers are.
    #[serde(flatten)]
    pub freshness: Freshness,
}

impl GateShown {
    /// For a person: with the commands that lift the limit.
    #[must_use]
    pub fn text(&self) -> String {
        self.told(&self.parts(), FOR_PERSON)
    }

    /// For Claude: no command that lifts a limit, only how to ask the person.
    #[must_use]
    pub fn text_for_agents(&self) -> String {
        self.told(&self.parts(), HOW_TO_ASK)
    }

    /// What stands behind the verdict: at a limit that is reached, only that one.
    fn parts(&self) -> Vec<&str> {
        let is_blocked = self.verdict == Verdict::Block;
        let reasons = self.reasons.iter().filter(|reason| !is_blocked || reason.verdict == Verdict::Block);
        let mut parts: Vec<&str> = reasons.map(|reason| reason.text.as_str()).collect();
        if !is_blocked || parts.is_empty() {
            parts.extend(self.new_doubts());
        }
        parts.dedup();
        parts
    }

    /// The doubts that no reason tells of.
    fn new_doubts(&self) -> impl Iterator<Item = &str> {
        let is_told = |doubt: &str| self.reasons.iter().any(|reason| reason.text.contains(doubt));
        self.doubts.iter().map(String::as_str).filter(move |doubt| !is_told(doubt))
    }

    fn told(&self, parts: &[&str], mend: &str) -> String {
        let said = parts.join("; ");
        match self.verdict {
            Verdict::Allow if parts.is_empty() => "Mecris: nothing stands in the way.".to_owned(),
            Verdict::Allow => format!("Mecris: nothing stands in the way, though not all is known: {said}."),
            Verdict::Warn => format!("Mecris: close to a limit, or not known. {said}."),
            Verdict::Block => format!("Mecris stopped this: a limit is reached. {said}. {mend}"),
        }
    }
}

/// The status line's report, which is answered with one line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatuslineBody {
    /// The session.
    #[serde(default)]
    pub session: Option<String>,
    /// The project's directory.
    #[serde(default)]
    pub project: Option<String>,
    /// The model.
    #[serde(default)]
    pub model: Option<String>,
    /// The session's cost as Claude Code calculates it. Shown, and marked, if the log does not know the
    /// session.
    #[serde(default)]
    #[schema(value_type = Option<forms::Usd>)]
    pub session_usd: Option<Picodollars>,
    /// Usage of the subscription's windows, recorded as by `POST /api/v1/quota`.
    #[serde(default)]
    pub rate_limits: Option<RateLimits>,
}

impl From<StatusCall> for StatuslineBody {
    fn from(call: StatusCall) -> Self {
        Self {
            session: call.session_id,
            project: call.project,
            model: call.model,
            session_usd: call.session_cost,
            // An unknown format is ignored: the line is shown all the same.
            rate_limits: call.rate_limits.as_ref().map(RateLimits::of_told),
        }
    }
}

/// The current state in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatuslineShown {
    /// The line.
    #[schema(example = "0.42 session | 3.10 today | 41.20 left in main | exercise 3 h 10 min")]
    pub line: String,
    /// Cost of the session.
    #[schema(value_type = Option<String>)]
    pub session_usd: Option<Picodollars>,
    /// Origin of that number: `log`, or `told` (by Claude Code) if the log does not know the session.
    #[schema(value_type = Option<String>)]
    pub session_source: Option<SessionSource>,
    /// Cost of all sessions today.
    #[schema(value_type = String)]
    pub today_usd: Picodollars,
    /// Whether that leaves out calls without a price.
    pub today_is_partial: bool,
    /// The budget with the least remaining share.
    pub budget: Option<String>,
    /// What is left of it.
    #[schema(value_type = Option<String>)]
    pub left_usd: Option<Picodollars>,
    /// The goal that derails first.
    pub goal: Option<String>,
    /// When it derails.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub derails_at: Option<Timestamp>,
    /// The gate's verdict: `allow`, `warn` or `block`.
    #[schema(value_type = String)]
    pub verdict: Verdict,
    /// How old these numbers are.
    #[serde(flatten)]
    pub freshness: Freshness,
}

/// Origin of a session's cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionSource {
    /// The log's own sum.
    Log,
    /// Claude Code's own calculation.
    Told,
}

impl Snapshot {
    fn place(&self, known: Option<&SessionUsage>, asked: &GateParams) -> Place {
        if let Some(known) = known.filter(|known| !known.directory.is_empty()) {
            return Place { directory: Some(known.directory.clone()), name: Some(known.project.clone()) };
        }
        let directory = asked.project.as_deref().map(|project| project::directory(project).into_owned());
        let name = directory.as_ref().map(|directory| self.view().spend.aliases().name(directory));
        Place { directory, name }
    }

    /// Whether work may continue.
    #[must_use]
    pub fn gate(&self, asked: &GateParams, now: Timestamp) -> GateShown {
        let caps = Caps::from(&self.loaded().config.gate);
        let standing = self.standing(now);
        let session = asked.session.as_deref();
        let known = session.and_then(|session| self.session_usage(session));
        let spent = session.map(|_| known.as_ref().map(|known| known.spent).unwrap_or_default());
        let place = self.place(known.as_ref(), asked);
        let worker = Worker { session, project: place.directory.as_deref() };
        // An override may end at any moment, so the cache does not include it.
        let beyond = |facing: Facing<'_>| self.view().allowance.beyond(facing, worker, now);
        let held = standing.held(&caps, beyond, spent, place.work(asked));
        let has_limits = !held.is_empty();
        let mut lacks: Vec<String> = held.iter().filter_map(|held| held.lacking.text()).collect();
        lacks.dedup();
        let Ruling { mut verdict, reasons } = rule(held, caps.warn_percent, caps.unknown);
        let mut doubts = if has_limits { self.unread(standing.day).missing } else { Vec::new() };
        if !doubts.is_empty() {
            verdict = verdict.max(caps.unknown);
        }
        doubts.extend(lacks);
        GateShown {
            verdict,
            reasons: reasons.iter().map(GateReason::from).collect(),
            session_usd: spent.map(|spent| spent.known),
            today_usd: standing.today,
            doubts,
            position: self.position().0,
            freshness: self.reading().freshness(),
        }
    }

    /// The current state in one line. `is_stale`: the goals may have changed since they were polled.
    #[must_use]
    pub fn statusline(&self, body: &StatuslineBody, is_stale: bool, now: Timestamp) -> StatuslineShown {
        let asked = GateParams {
            session: body.session.clone(),
            project: body.project.clone(),
            model: body.model.clone(),
            provider: None,
        };
        let gate = self.gate(&asked, now);
        let standing = self.standing(now);
        let known = body.session.as_deref().and_then(|session| self.session_usage(session));
        let of_log = known.as_ref();
        let session = of_log.map(|of| (of.spent.known, SessionSource::Log, !of.spent.lacking.is_nothing()));
        let told = || body.session_usd.map(|told| (told, SessionSource::Told, false));
        let none = || gate.session_usd.map(|nothing| (nothing, SessionSource::Log, false));
        let session = session.or_else(told).or_else(none);
        let place = self.place(of_log, &asked);
        let budget = standing.tightest(place.work(&asked));
        let goal = self.goals(now, None).into_iter().next();
        let mut parts: Vec<String> = Vec::new();
        if gate.verdict == Verdict::Block {
            parts.push("STOP".to_owned());
        }
        let unread = self.unread(standing.day).missing;
        let today_is_partial = !standing.today_lacks.is_nothing() || !unread.is_empty();
        // Two marks: a number from elsewhere, and a number that leaves something out.
        let mark = |is_partial: bool| if is_partial { "+?" } else { "" };
        parts.extend(session.map(|(cost, source, is_partial)| {
            let told = if source == SessionSource::Told { "~" } else { "" };
            format!("{told}{}{} session", cost.rounded(2), mark(is_partial))
        }));
        parts.push(format!("{}{} today", gate.today_usd.rounded(2), mark(today_is_partial)));
        parts.extend(budget.map(|of| format!("{} left in {}", of.left().rounded(2), of.budget.name)));
        parts.extend(goal.as_ref().map(|goal| goal_part(goal, is_stale)));
        match self.view().requests.open(now).count() {
            0 => {}
            1 => parts.push("1 request waits".to_owned()),
            more => parts.push(format!("{more} requests wait")),
        }
        StatuslineShown {
            line: parts.join(" | "),
            session_usd: session.map(|(cost, ..)| cost),
            session_source: session.map(|(_, source, _)| source),
            today_usd: gate.today_usd,
            today_is_partial,
            budget: budget.map(|of| of.budget.name.to_string()),
            left_usd: budget.map(BudgetUse::left),
            goal: goal.as_ref().map(|goal| goal.slug.clone()),
            derails_at: goal.as_ref().and_then(|goal| goal.derails_at),
            verdict: gate.verdict,
            freshness: gate.freshness,
        }
    }
}

impl Reads {
    /// See [`Snapshot::gate`].
    #[must_use]
    pub fn gate(&self, asked: &GateParams, now: Timestamp) -> GateShown {
        self.at(|at| at.gate(asked, now))
    }

    /// See [`Snapshot::statusline`].
    #[must_use]
    pub fn statusline(&self, body: &StatuslineBody, is_stale: bool, now: Timestamp) -> StatuslineShown {
        self.at(|at| at.statusline(body, is_stale, now))
    }
}

/// `exercise 3 h 10 min`; with a question mark if it is stale.
fn goal_part(goal: &GoalLine, is_stale: bool) -> String {
    let doubt = if is_stale { "?" } else { "" };
    match goal.seconds_left {
        Some(left) if left < 0 => format!("{} overdue{doubt}", goal.slug),
        Some(left) => format!("{} {}{doubt}", goal.slug, calendar::span(SignedDuration::from_secs(left))),
        None => format!("{}{doubt}", goal.slug),
    }
}
