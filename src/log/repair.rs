//! Repair: plans what to rewrite from which copy, and does it.
//!
//! A repair never invents anything: every byte comes from the other copy, after that copy's checksums, hash
//! and chain were verified. What neither copy has is left as it is and reported.

use std::ops::ControlFlow;
use std::path::Path;

use serde::Serialize;

use crate::event::Position;

use super::backup::back_up_until;
use super::open::EMPTY;
use super::options::{LogCopy, Options, Progress, Repair};
use super::restore::{RestoreReport, restore};
use super::shared::{corrupt, lock};
use super::verify::{Problem, VerifyReport, verify};
use super::{Head, LogError, SledLog, io_error};

/// What a repair would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepairPlan {
    /// What verification found.
    pub report: VerifyReport,
    /// The planned steps, in words, in order.
    pub steps: Vec<String>,
}

/// Result of a repair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepairReport {
    /// What was rewritten.
    pub repairs: Vec<Repair>,
    /// What is still wrong: restore from a backup.
    pub remaining: Vec<Problem>,
    /// The last position of the log.
    pub head: Position,
}

/// Plans what [`apply`] would do, and changes nothing.
///
/// # Errors
/// As [`verify`].
pub fn plan(data: &Path, options: &Options, progress: &mut Progress<'_>) -> Result<RepairPlan, LogError> {
    let report = verify(data, options, None, progress)?;
    let mut steps = Vec::new();
    let first = |copy| report.problems.iter().find(|problem| problem.copy == copy);
    let count = |copy| report.problems.iter().filter(|problem| problem.copy == copy).count();
    if let Some(problem) = first(LogCopy::Journal) {
        steps.push(format!(
            "write {} damaged place(s) of the journal again from sled, from position {} on",
            count(LogCopy::Journal),
            problem.position
        ));
    }
    if first(LogCopy::Sled).is_some() {
        steps.push("build sled again from the journal, once the journal is whole".to_owned());
    }
    if report.torn_bytes > 0 {
        steps.push(format!(
            "cut {} bytes of an unfinished write off the journal; they were never acknowledged",
            report.torn_bytes
        ));
    }
    Ok(RepairPlan { report, steps })
}

/// Repairs the log of a data directory that no process has open, and verifies it afterwards.
///
/// # Errors
/// [`LogError::Corrupt`] if both copies are damaged where opening needs them, [`LogError::Locked`],
/// [`LogError::Io`].
pub fn apply(data: &Path, options: &Options, progress: &mut Progress<'_>) -> Result<RepairReport, LogError> {
    let (log, opened) = SledLog::open(data, options.clone())?;
    let mut repairs = opened.repairs;
    let mut report = heal_journal(&log, &mut repairs, progress)?;
    let journal_is_whole = !report.problems.iter().any(|problem| problem.copy == LogCopy::Journal);
    if journal_is_whole && !report.is_clean() {
        log.close();
        drop(log);
        let path = data.join("sled");
        std::fs::remove_dir_all(&path).map_err(|error| io_error("removing", &path, &error))?;
        let (log, opened) = SledLog::open(data, options.clone())?;
        repairs.extend(opened.repairs);
        drop(log.wait_for_second_copy());
        report = log.verify(None, progress)?;
        log.close();
    } else {
        log.close();
    }
    Ok(RepairReport { repairs, remaining: report.problems, head: report.head.position })
}

/// For a log of which both copies have lost a part, and without a backup: keeps everything before the first
/// loss as the log, and sets the damaged log aside, complete, under `replaced-<time>/`. Events after the loss
/// are no longer in the log: positions are gapless, and a chain does not skip.
///
/// # Errors
/// [`LogError::Locked`], [`LogError::Io`].
pub fn salvage(
    data: &Path,
    options: &Options,
    progress: &mut Progress<'_>,
) -> Result<RestoreReport, LogError> {
    let kept = data.join("salvage");
    let (log, _, _) = SledLog::open_read_only(data, options.clone())?;
    let mut head = EMPTY;
    let whole = log.shared().blocks(Position::FIRST, Position(u64::MAX), &mut |block| {
        let header = block.header();
        block.verify(&head.hash()).map_err(|error| corrupt(header.first, &error))?;
        head = Head { position: header.last(), chain: Some(block.hash()), recorded_at: header.recorded_at };
        Ok(ControlFlow::Continue(()))
    });
    match whole {
        Ok(()) | Err(LogError::Corrupt { .. }) => {}
        Err(error) => return Err(error),
    }
    back_up_until(&log, &kept, head, progress)?;
    log.close();
    drop(log);
    // With a position, the last block is marked as the end of a commit, whatever it was before.
    let report = restore(&kept, data, Some(head.position), options, progress)?;
    std::fs::remove_dir_all(&kept).map_err(|error| io_error("removing", &kept, &error))?;
    Ok(report)
}

/// Heals every block of the journal that verification finds damaged. Returns the report after that.
fn heal_journal(
    log: &SledLog,
    repairs: &mut Vec<Repair>,
    progress: &mut Progress<'_>,
) -> Result<VerifyReport, LogError> {
    drop(log.wait_for_second_copy());
    let report = log.verify(None, progress)?;
    if report.problems.iter().all(|problem| problem.copy == LogCopy::Sled) {
        return Ok(report);
    }
    // Verification names where each damaged range starts; reading finds every block in it.
    let head = log.head().position;
    let mut next = Position::FIRST;
    while next <= head {
        let read = super::EventLog::scan(log, next, head, &mut |_| ControlFlow::Continue(()));
        let lost = match read {
            Ok(()) => None,
            Err(LogError::Corrupt { position, .. }) => Some(position),
            Err(error) => return Err(error),
        };
        let found = !lock(&log.shared().damage).is_empty();
        repairs.extend(log.heal()?);
        // Continue after a lost block, or again from the start if not all damage was remembered.
        next = match lost {
            Some(position) => log.shared().end_of_block(position).next(),
            None if found => continue,
            None => break,
        };
    }
    drop(log.wait_for_second_copy());
    log.verify(None, progress)
}
