//! Decides commands on limit requests.

use jiff::{SignedDuration, Timestamp};

use crate::domain::access::{Kind, Principal};
use crate::domain::allowance::{self, Allowance, AllowanceChange, AllowanceCommand};
use crate::domain::money::Picodollars;
use crate::domain::shown;

use super::{
    ASK_MAX_USD, ASKED_MAX, Answer, DAY, GRANT_MAX, Lifted, LimitChange, LimitError, LimitOrder,
    LimitRequest, LimitRequests, NO_MEANS_NO, OPEN_MAX, OPEN_MAX_OF_ALL, PROJECT_BYTES_MAX, REASON_BYTES_MAX,
    SESSION_BYTES_MAX, State, Until, Wish,
};

/// Decides a command of `by`. `None`: nothing changes; a repeated request or grant counts once.
///
/// # Errors
/// [`LimitError`] names what is wrong.
pub fn decide(
    known: &LimitRequests,
    allowance: &Allowance,
    order: LimitOrder,
    by: &Principal,
    now: Timestamp,
) -> Result<Option<LimitChange>, LimitError> {
    match order {
        LimitOrder::Ask(wish) => ask(known, wish, by, now),
        LimitOrder::Grant { number, amount, until } => {
            person("grant a request", by)?;
            grant(known, allowance, (number, amount, until), by, now)
        }
        LimitOrder::Refuse { number, reason } => {
            person("refuse a request", by)?;
            check_answer(&reason)?;
            let request = find(known, number)?;
            match (&request.answer, request.state(now)) {
                (_, State::Open) => {}
                (Some(Answer::Refused { reason: before, .. }), _) if *before == reason => return Ok(None),
                (_, state) => return Err(LimitError::NotOpen { number, state }),
            }
            let by = by.reference.to_string();
            Ok(Some(LimitChange::Refused { number, reason, by, at: now }))
        }
        LimitOrder::Withdraw { number } => {
            let request = find(known, number)?;
            if *request.by != *by.reference && by.kind != Kind::Owner {
                return Err(LimitError::NotYours(number));
            }
            match request.state(now) {
                State::Open => Ok(Some(LimitChange::Withdrawn { number, at: now })),
                State::Withdrawn => Ok(None),
                state => Err(LimitError::NotOpen { number, state }),
            }
        }
        LimitOrder::End { number } => {
            person("end a grant", by)?;
            let request = find(known, number)?;
            match (&request.answer, request.state(now)) {
                (Some(Answer::Granted(grant)), State::Granted) => {
                    Ok(Some(LimitChange::Ended { number: grant.number, at: now }))
                }
                (Some(Answer::Granted(grant)), _) if grant.is_ended => Ok(None),
                (_, state) => Err(LimitError::NotGranted { number, state }),
            }
        }
    }
}

/// Requires a principal that may lift limits: the owner, and nobody acting for them.
fn person(what: &'static str, by: &Principal) -> Result<(), LimitError> {
    if by.kind == Kind::Owner { Ok(()) } else { Err(LimitError::NotAPerson { what, kind: by.kind }) }
}

fn find(known: &LimitRequests, number: u32) -> Result<&LimitRequest, LimitError> {
    known.get(number).ok_or(LimitError::Unknown(number))
}

fn ask(
    known: &LimitRequests,
    wish: Wish,
    by: &Principal,
    now: Timestamp,
) -> Result<Option<LimitChange>, LimitError> {
    match by.kind {
        Kind::Owner | Kind::Member | Kind::Agent => {}
        kind => return Err(LimitError::MayNotAsk(kind)),
    }
    check(&wish)?;
    let own = || known.all().filter(|request| *request.by == *by.reference);
    if known.latest(&by.reference, &wish).is_some_and(|request| still_answers(request, now)) {
        return Ok(None);
    }
    let open = own().filter(|request| request.state(now) == State::Open).count();
    if open >= OPEN_MAX {
        return Err(LimitError::TooManyOpen(open));
    }
    let all = known.open(now).count();
    if all >= OPEN_MAX_OF_ALL {
        return Err(LimitError::TooManyOpen(all));
    }
    // After a clock was set back, timestamps ahead count as current.
    let is_recent = |asked_at: &Timestamp| now.duration_since(*asked_at) < DAY;
    let mut recent: Vec<Timestamp> = own().map(|request| request.asked_at).filter(is_recent).collect();
    recent.sort_unstable();
    if let Some(counts) = recent.len().checked_sub(ASKED_MAX) {
        return Err(LimitError::TooManyAsked(recent[counts].saturating_add(DAY).unwrap_or(Timestamp::MAX)));
    }
    let request = LimitRequest {
        number: known.asked + 1,
        wish,
        by: by.reference.to_string(),
        asked_at: now,
        answer: None,
    };
    Ok(Some(LimitChange::Requested(request)))
}

/// Whether an existing request answers a repeated one: it is open, its grant is in force, or it was refused
/// recently.
fn still_answers(request: &LimitRequest, now: Timestamp) -> bool {
    match (&request.answer, request.state(now)) {
        (_, State::Open | State::Granted) => true,
        (Some(Answer::Refused { at, .. }), _) => now.duration_since(*at) < NO_MEANS_NO,
        _ => false,
    }
}

/// Validates a person's reason for refusing; it is optional.
///
/// # Errors
/// [`LimitError::Reason`].
pub fn check_answer(reason: &str) -> Result<(), LimitError> {
    if reason.is_empty() || is_line(reason, REASON_BYTES_MAX) { Ok(()) } else { Err(LimitError::Reason) }
}

fn check(wish: &Wish) -> Result<(), LimitError> {
    if wish.amount <= Picodollars::ZERO || wish.amount > Picodollars::usd(ASK_MAX_USD) {
        return Err(LimitError::Amount(wish.amount));
    }
    if !is_line(&wish.reason, REASON_BYTES_MAX) {
        return Err(LimitError::Reason);
    }
    let is_word = |text: &str| is_line(text, SESSION_BYTES_MAX) && !text.contains(char::is_whitespace);
    if wish.reach.session.as_deref().is_some_and(|session| !is_word(session)) {
        return Err(LimitError::Session);
    }
    if wish.reach.limit == Some(Lifted::Session) && wish.reach.session.is_none() {
        return Err(LimitError::NoSession);
    }
    let is_path = |path: &str| path.starts_with('/') && is_line(path, PROJECT_BYTES_MAX);
    if wish.reach.project.as_deref().is_some_and(|path| !is_path(path)) {
        return Err(LimitError::Project);
    }
    match wish.minutes {
        Some(minutes) if minutes == 0 || i64::from(minutes) > GRANT_MAX.as_mins() => {
            Err(LimitError::Minutes { minutes })
        }
        _ => Ok(()),
    }
}

fn grant(
    known: &LimitRequests,
    allowance: &Allowance,
    (number, amount, until): (u32, Option<Picodollars>, Until),
    by: &Principal,
    now: Timestamp,
) -> Result<Option<LimitChange>, LimitError> {
    let request = find(known, number)?;
    let amount = amount.unwrap_or(request.wish.amount);
    match (&request.answer, request.state(now)) {
        (_, State::Open) => {}
        // Repeated, as after a lost response.
        (Some(Answer::Granted(grant)), State::Granted) if grant.amount == amount => return Ok(None),
        (_, state) => return Err(LimitError::NotOpen { number, state }),
    }
    let until = match until {
        Until::At(instant) => instant,
        Until::Tonight(tonight) => {
            let wanted = request.wish.minutes.map(|minutes| SignedDuration::from_mins(i64::from(minutes)));
            let wanted = wanted.and_then(|wanted| now.checked_add(wanted).ok());
            wanted.map_or(tonight, |wanted| wanted.min(tonight))
        }
    };
    if until <= now || until.duration_since(now) > GRANT_MAX {
        return Err(LimitError::Until(until));
    }
    let command = AllowanceCommand::Override {
        amount,
        // The asker's words stay with the request: an override's reason is the person's.
        reason: format!("request {number}"),
        reach: request.wish.reach.clone(),
        until,
    };
    match allowance::decide(allowance, command, now)? {
        Some(AllowanceChange::Overridden(granted)) => {
            Ok(Some(LimitChange::Granted { number, granted, by: by.reference.to_string() }))
        }
        // The reason contains the request's number, so it is never identical to an earlier override.
        _ => Ok(None),
    }
}

/// Whether a text is one displayable line for people and agents: not empty, and without control characters,
/// invisible characters, and marks that change the writing direction.
fn is_line(text: &str, bytes_max: usize) -> bool {
    let is_plain = shown::line(text) == text && shown::seen(text) == text;
    !text.trim().is_empty() && text.len() <= bytes_max && is_plain
}
