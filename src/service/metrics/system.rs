//! Metrics of the actors, the sources, the log and the disk.

use std::sync::PoisonError;

use jiff::Timestamp;
use opentelemetry::KeyValue;

use crate::actor::State;
use crate::service::runtime::reads::Snapshot;
use crate::service::runtime::sources::SourceState;
use crate::service::system::tree::Supervised;

use super::catalogue::{
    ACTOR_STATE, CAPACITY, COPY_LAG, COPY_UP, DEPTH, DISK_FREE, DISK_RESERVE, HANDLED, INCIDENTS, LOG_QUEUE,
    LOG_SIZE, POSITION, PROJECTION_LAG, RESTARTS, SET_ASIDE, SOURCE_AGE, SOURCE_STALE, SOURCE_STATE,
    SOURCE_UP, TRANSCRIPTS_AGE, TRANSCRIPTS_FILES, TRANSCRIPTS_UP, WRITABLE,
};
use super::{Survey, is, named};

const ACTOR_STATES: [(State, &str); 5] = [
    (State::Waiting, "waiting"),
    (State::Starting, "starting"),
    (State::Running, "running"),
    (State::BackingOff, "backing-off"),
    (State::Stopped, "stopped"),
];

pub(super) fn look(system: &Supervised, at: &Snapshot, now: Timestamp, survey: &mut Survey) {
    actors(system, survey);
    sources(system, now, survey);
    transcripts(system, now, survey);
    log(system, at, survey);
}

fn actors(system: &Supervised, survey: &mut Survey) {
    for actor in system.actors() {
        let of = || vec![named("mecris.actor.path", &actor.path)];
        for (state, name) in ACTOR_STATES {
            let mut of = of();
            of.push(KeyValue::new("mecris.actor.state", name));
            survey.add(ACTOR_STATE, is(actor.state == state), of);
        }
        survey.add(DEPTH, actor.mailbox_depth as f64, of());
        survey.add(CAPACITY, actor.mailbox_capacity as f64, of());
        survey.add(RESTARTS, actor.restarts as f64, of());
        survey.add(HANDLED, actor.handled as f64, of());
        survey.add(SET_ASIDE, actor.set_aside as f64, of());
    }
}

fn sources(system: &Supervised, now: Timestamp, survey: &mut Survey) {
    for source in system.sources.shown(now).sources {
        let of = || vec![named("mecris.source.name", &source.name)];
        for state in SourceState::ALL {
            let mut of = of();
            of.push(KeyValue::new("mecris.source.state", state.name()));
            survey.add(SOURCE_STATE, is(source.state == state), of);
        }
        if !matches!(source.state, SourceState::NotConfigured | SourceState::Waiting) {
            survey.add(SOURCE_UP, is(source.state.answers()), of());
            survey.add(SOURCE_STALE, is(source.stale), of());
        }
        if let Some(age) = source.age_seconds {
            survey.add(SOURCE_AGE, age as f64, of());
        }
    }
}

fn transcripts(system: &Supervised, now: Timestamp, survey: &mut Survey) {
    let state = system.import_state.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(at) = state.at {
        survey.add(TRANSCRIPTS_AGE, now.duration_since(at).as_secs_f64().max(0.0), []);
    }
    if state.at.is_some() || state.error.is_some() {
        survey.add(TRANSCRIPTS_UP, is(state.error.is_none()), []);
        survey.add(TRANSCRIPTS_FILES, state.summary.files as f64, []);
    }
}

fn log(system: &Supervised, at: &Snapshot, survey: &mut Survey) {
    let (head, health) = (at.reads().last_seen().0, system.log().health());
    let footprint = health.footprint;
    survey.add(POSITION, head as f64, []);
    survey.add(WRITABLE, is(health.refusal.is_none()), []);
    if let Some(copy) = health.second_copy {
        survey.add(COPY_LAG, head.saturating_sub(copy.applied.0) as f64, []);
        survey.add(COPY_UP, is(copy.failed.is_none()), []);
    }
    survey.add(LOG_SIZE, footprint.journal as f64, []);
    survey.add(LOG_QUEUE, footprint.queued as f64, []);
    survey.add(DISK_RESERVE, footprint.reserve as f64, []);
    if let Some(free) = footprint.free {
        survey.add(DISK_FREE, free as f64, []);
    }
    let projected = system.projected.borrow().0;
    survey.add(PROJECTION_LAG, head.saturating_sub(projected) as f64, []);
    survey.add(INCIDENTS, at.view().incidents as f64, []);
}
