//! Keeping the log: verify, repair, backup, restore, export, head. These look at the log as it lies
//! on the disk: `verify` and `repair` open nothing that would mend it first.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::event::Position;
use crate::log::export::{ExportError, ExportReader, export as write_events};
use crate::log::verify::{VerifyReport, parse_hash};
use crate::log::{Location, LogError};
use crate::service::audit::{BackupBody, Verified, readable};
use crate::service::endpoints::audit::{Backup, Export, GetEvents, GetHead, Verify};
use crate::service::runtime::node::{StartError, log_location};
use crate::service::runtime::place::{self, Place, PlaceError};
use crate::service::system::backups::Reach;

use super::backend::{Backend, settings};
use super::output::{CliError, bar, print};
use super::remote::Remote;
use super::{Common, RestoreArgs, tables};

/// Events in one page of a supervisor's export.
const PAGE: usize = 1_000;

/// The tenant's place, made if need be, and where its log lies.
fn directory(common: &Common) -> Result<(Place, Location), CliError> {
    let (loaded, place) = settings(common)?;
    let location = log_location(&place, &loaded.config);
    // While a supervisor holds it, it is laid out.
    match place::lay_out(&place.root) {
        Err(PlaceError::Log(LogError::Locked { .. })) | Ok(()) => Ok((place, location)),
        Err(error) => Err(StartError::from(error).into()),
    }
}

/// `mecris verify`.
pub(super) fn verify(common: &Common, head: Option<&str>) -> Result<ExitCode, CliError> {
    let usage =
        || CliError::Usage("--head must be 64 hexadecimal digits, as `mecris head` prints them".into());
    let expected = head.map(|text| parse_hash(text).ok_or_else(usage)).transpose()?;
    let (place, location) = directory(common)?;
    let request = Verify { head: head.map(|hash| hash.trim().to_owned()) };
    let ask = |remote: Remote| remote.call(&request);
    let bar = bar("verifying", true);
    let look = || {
        location.verify(expected, &mut |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        })
    };
    let verified = match Remote::running(&place) {
        Some(remote) => ask(remote),
        None => match look() {
            Ok(report) => Ok(Verified::from(report)),
            Err(LogError::Locked { .. }) => Remote::find(&place).and_then(ask),
            Err(error) => Err(error.into()),
        },
    };
    bar.finish_and_clear();
    let report = verified?;
    print(common.json, &report, tables::verified)?;
    Ok(if report.problem_count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `mecris repair`.
pub(super) fn repair(common: &Common, yes: bool) -> Result<ExitCode, CliError> {
    let (_, location) = directory(common)?;
    let bar = bar("verifying", true);
    let mut progress = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let plan = location.plan_repair(&mut progress)?;
    if !yes || plan.steps.is_empty() {
        bar.finish_and_clear();
        print(common.json, &plan, |plan| planned(&plan.report, &plan.steps))?;
        return Ok(if plan.steps.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let report = location.repair(&mut progress)?;
    bar.finish_and_clear();
    print(common.json, &report, |report| {
        let mut text = String::new();
        for repair in &report.repairs {
            text += &format!(
                "{} from position {} to {}: {}\n",
                repair.copy, repair.first, repair.last, repair.detail
            );
        }
        for problem in &report.remaining {
            text += &format!(
                "still wrong at position {}: {}: {}\n",
                problem.position, problem.copy, problem.detail
            );
        }
        let verdict =
            if report.remaining.is_empty() { "the log is whole" } else { "restore the rest from a backup" };
        text + &format!("{} mended, up to position {}: {verdict}\n", report.repairs.len(), report.head)
    })?;
    Ok(if report.remaining.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn planned(report: &VerifyReport, steps: &[String]) -> String {
    let mut text = tables::verified(&report.clone().into());
    if steps.is_empty() {
        return text + "nothing to repair\n";
    }
    text += "would:\n";
    for step in steps {
        text += &format!("  {step}\n");
    }
    text + "run `mecris repair --yes` to do it\n"
}

/// `mecris backup`.
pub(super) fn backup(common: &Common, target: &Path) -> Result<(), CliError> {
    let target = std::path::absolute(target)?;
    let body = BackupBody { dir: target.display().to_string() };
    let request = Backup { body, reach: Reach::Anywhere };
    let report = Backend::open(common)?.call_showing(request, &bar("backing up", true))?;
    print(common.json, &report, |report| {
        let megabytes = report.copied_bytes as f64 / 1e6;
        format!(
            "{} of {} segments copied, {megabytes:.1} MB\n{}",
            report.copied,
            report.segments,
            tables::head(&report.head)
        )
    })
}

/// `mecris restore`.
pub(super) fn restore(common: &Common, args: &RestoreArgs) -> Result<(), CliError> {
    let (loaded, _) = settings(common)?;
    let place = Place::of(&args.to, common.tenant.clone());
    let location = log_location(&place, &loaded.config);
    let bar = bar("restoring", true);
    let report = location.restore(&args.dir, args.until.map(Position), &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    print(common.json, &report, |report| {
        let replaced = report
            .replaced
            .as_ref()
            .map(|path| format!("the log that was there is now {}\n", path.display()));
        format!(
            "{} segments restored\n{}{}",
            report.segments,
            replaced.unwrap_or_default(),
            tables::head(&report.head.into())
        )
    })
}

/// `mecris export`.
pub(super) fn export(common: &Common) -> Result<(), CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = match Backend::open(common)? {
        Backend::Own(node) => {
            let all = (Position::FIRST, u64::MAX);
            write_events(&*node.log, &node.tenant, all, &mut out, &readable, &mut |_, _| {}).map(drop)
        }
        Backend::Running(remote) => export_pages(&remote, &mut out)?,
    };
    match written {
        // A reader that has seen enough (`| head`) is no failure.
        Err(ExportError::Write(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

fn export_pages(remote: &Remote, out: &mut dyn Write) -> Result<Result<(), ExportError>, CliError> {
    let mut from = 1;
    loop {
        let page = GetEvents { from: Some(from), limit: Some(PAGE) };
        let lines = remote.bytes(&Export(page))?;
        if lines.is_empty() {
            return Ok(out.flush().map_err(ExportError::from));
        }
        if let Err(error) = out.write_all(&lines) {
            return Ok(Err(error.into()));
        }
        // The next page begins after the last event of this one.
        let last = ExportReader::new(lines.as_slice()).last();
        from = last.transpose().ok().flatten().map_or(from + PAGE as u64, |event| event.position + 1);
    }
}

/// `mecris head`.
pub(super) fn head(common: &Common) -> Result<(), CliError> {
    print(common.json, &Backend::open(common)?.call(GetHead)?, tables::head)
}
