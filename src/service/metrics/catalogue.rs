//! Every metric that is computed from state: name, kind, unit (UCUM) and description.
//!
//! Names and attributes follow OpenTelemetry's conventions where they exist: `process.*`,
//! `gen_ai.provider.name`, `gen_ai.request.model`, `gen_ai.token.type`. Two differ on purpose.
//! `gen_ai.client.token.usage` is a histogram of single calls, measured by the client that makes them; these
//! are totals of a log, which survive the process and may be corrected, so they are sums with names of their
//! own. `process.thread.count` and `process.unix.file_descriptor.count` would end in `_count`, which
//! Prometheus reserves for histograms.
//!
//! A total of the log is not a counter: a revision or a later price can reduce it, and it does not restart
//! with the process. It is an up-down counter, in Prometheus a gauge; use `delta()` for its growth.

/// How a metric's values behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A state: summing its series has no meaning.
    Gauge,
    /// A sum that may fall: its series add up to a whole.
    Sum,
    /// A sum since the process started, which only rises.
    Counter,
}

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// OpenTelemetry's name.
    pub name: &'static str,
    pub kind: Kind,
    /// In UCUM.
    pub unit: &'static str,
    /// One sentence.
    pub says: &'static str,
}

macro_rules! catalogue {
    ($($id:ident: $kind:ident $name:literal $unit:literal $says:literal;)*) => {
        $(
            #[doc = $says]
            pub const $id: Measure = Measure { name: $name, kind: Kind::$kind, unit: $unit, says: $says };
        )*
        /// All metrics.
        pub const ALL: &[Measure] = &[$($id),*];
    };
}

catalogue! {
    SPEND: Sum "mecris.spend" "{USD}" "What all recorded calls cost, as far as they have a price.";
    TOKENS: Sum "mecris.tokens" "{token}" "Tokens of all recorded calls; the types add up to the whole.";
    CALLS: Sum "mecris.calls" "{call}" "Recorded calls.";
    UNPRICED: Sum "mecris.unpriced_calls" "{call}" "Recorded calls whose model has no price, so that their cost is in no sum.";
    TODAY: Gauge "mecris.today.spend" "{USD}" "What the calls of this day cost, in the configured time zone.";
    USAGE_AGE: Gauge "mecris.usage.age" "s" "How long ago the newest recorded call happened.";
    BUDGET_LIMIT: Gauge "mecris.budget.limit" "{USD}" "What may be spent of a budget in its present period.";
    BUDGET_USED: Gauge "mecris.budget.usage" "{USD}" "What is spent of a budget in its present period.";
    BUDGET_LEFT: Gauge "mecris.budget.left" "{USD}" "What is left of a budget in its present period; negative when overspent.";
    BUDGET_RATIO: Gauge "mecris.budget.utilization" "1" "The share of a budget that is spent; above 1 when overspent.";
    ALLOWANCE_LIMIT: Gauge "mecris.allowance.limit" "{USD}" "What may be spent with all providers together, by day and month.";
    ALLOWANCE_USED: Gauge "mecris.allowance.usage" "{USD}" "The spend over all providers, as the virtual budget counts it.";
    BALANCE_LEFT: Gauge "mecris.balance.left" "{USD}" "What is left at a provider, calculated from its last reading.";
    BALANCE_AGE: Gauge "mecris.balance.age" "s" "The age of the reading that a balance is calculated from.";
    DRIFT: Gauge "mecris.reconcile.drift" "1" "What a provider said less what is recorded here, as a share of what it said, over thirty days.";
    QUOTA: Gauge "mecris.quota.utilization" "1" "The share of a subscription's window that is used.";
    GOAL_BUFFER: Gauge "mecris.goal.buffer" "{day}" "Whole safe days of a goal; 0 on the day on which it derails.";
    GOAL_LEFT: Gauge "mecris.goal.time_left" "s" "Time until a goal derails; negative when that has passed.";
    GOAL_PLEDGE: Gauge "mecris.goal.pledge" "{USD}" "What is charged when a goal derails.";
    ALERTS: Sum "mecris.alerts" "{alert}" "Alerts whose cause lasts: open, or acknowledged by the person.";
    ATTEMPTS: Sum "mecris.alert.attempts" "{attempt}" "Attempts to send the alerts of the last ninety days.";
    FAILURES: Sum "mecris.alert.failures" "{attempt}" "Attempts of the last ninety days that were refused or did not arrive, by the channel's code.";
    DOUBTED: Gauge "mecris.balance.doubted" "{reading}" "Amounts that a provider told and that are not believed.";
    ACTOR_STATE: Gauge "mecris.actor.state" "" "1 for the state that an actor is in, 0 for the others.";
    DEPTH: Sum "mecris.actor.mailbox.depth" "{message}" "Messages that wait for an actor or are being handled.";
    CAPACITY: Sum "mecris.actor.mailbox.capacity" "{message}" "How many messages may wait for an actor or be handled.";
    RESTARTS: Counter "mecris.actor.restarts" "{restart}" "How often an actor was restarted.";
    HANDLED: Counter "mecris.actor.messages" "{message}" "Messages that an actor has handled.";
    SET_ASIDE: Counter "mecris.actor.set_aside" "{message}" "Messages that were set aside because their handling failed.";
    SOURCE_STATE: Gauge "mecris.source.state" "" "1 for the state that a source is in, 0 for the others.";
    SOURCE_UP: Gauge "mecris.source.up" "" "Whether a source that is configured answers as it should.";
    SOURCE_STALE: Gauge "mecris.source.stale" "" "Whether what a source said is older than it should be.";
    SOURCE_AGE: Gauge "mecris.source.age" "s" "How long ago a source last answered.";
    TRANSCRIPTS_UP: Gauge "mecris.transcripts.up" "" "Whether the transcripts could be read at the last look.";
    TRANSCRIPTS_AGE: Gauge "mecris.transcripts.age" "s" "How long ago the transcripts were last read.";
    TRANSCRIPTS_FILES: Gauge "mecris.transcripts.files" "{file}" "Transcripts that are there.";
    POSITION: Gauge "mecris.log.position" "{event}" "The position of the log's last event.";
    LOG_SIZE: Sum "mecris.log.size" "By" "Bytes of the journal's durable blocks.";
    LOG_QUEUE: Sum "mecris.log.queue.size" "By" "Bytes of appends that wait for the writer.";
    WRITABLE: Gauge "mecris.log.writable" "" "Whether the log takes events.";
    COPY_LAG: Gauge "mecris.log.second_copy.lag" "{event}" "Events that the second copy does not have yet.";
    COPY_UP: Gauge "mecris.log.second_copy.up" "" "Whether the second copy is written.";
    PROJECTION_LAG: Gauge "mecris.projection.lag" "{event}" "Events that the views do not have yet.";
    DISK_FREE: Gauge "mecris.disk.free" "By" "Free for the log on its disk.";
    DISK_RESERVE: Gauge "mecris.disk.reserve" "By" "Below this much free space the log takes no events.";
    INCIDENTS: Gauge "mecris.incidents" "{incident}" "Repairs, supervisor interventions and changes of sources in the log.";
    CPU: Counter "process.cpu.time" "s" "Processor time of the process.";
    MEMORY: Sum "process.memory.usage" "By" "Resident memory.";
    VIRTUAL: Sum "process.memory.virtual" "By" "Virtual memory.";
    THREADS: Sum "mecris.process.threads" "{thread}" "Threads of the process.";
    FILES: Sum "mecris.process.open_files" "{file}" "Open file descriptors.";
    FILES_MAX: Gauge "mecris.process.open_files_limit" "{file}" "How many may be open.";
    STARTED: Gauge "process.start_time" "s" "When the process began, in seconds since 1970.";
    LEFT_OUT: Gauge "mecris.metrics.left_out" "{series}" "Series that were left out because a metric has too many.";
}
