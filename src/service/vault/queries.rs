//! Queries about the vault, and appending a line to a daily note. The texts of tasks and notes are read from
//! the vault on request; the log has none of them unless `vault.record_text` is set.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::calendar;
use crate::domain::vault::moment::format;
use crate::domain::vault::periodic::{Period, fill, fill_periodic};
use crate::domain::vault::plugins::Place;
use crate::domain::vault::plugins::found::{Doubt, FOLDER};
use crate::domain::vault::{Goals, Note, VaultSettings};
use crate::files::beneath::{Astray, Root};
use crate::integration::obsidian::append::{AppendError, Appended, add_line};
use crate::integration::obsidian::{self, NOTE_MAX, Snapshot};
use crate::service::runtime::forms;
use crate::service::runtime::reads::Reads;

use super::aggregate::record_line;
use super::error::VaultFailure;
use super::tasks::{TaskLine, lines};

/// Maximum length of a summary line, in characters.
const SUMMARY_MAX: usize = 1_000;
/// Maximum number of problems listed.
const PROBLEMS_MAX: usize = 100;

/// A note that is a goal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GoalNote {
    /// Its path in the vault.
    pub note: String,
    /// Its property `title`, or else its name.
    pub title: String,
    /// Its property `status`, if any.
    pub status: Option<String>,
    /// Its property `due`, if that is a day.
    #[schema(value_type = Option<String>, format = Date)]
    pub due: Option<Date>,
    /// Number of open tasks.
    pub open_tasks: usize,
    /// Number of tasks that are done or cancelled.
    pub closed_tasks: usize,
}

/// A problem in reading the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VaultProblem {
    /// The path in the vault.
    pub path: String,
    /// What is wrong, and the fix.
    pub reason: String,
}

/// The vault and its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VaultShown {
    /// Its folder.
    pub path: String,
    /// When it was last read.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub read_at: Option<Timestamp>,
    /// Age of that read, in seconds.
    pub age_seconds: Option<i64>,
    /// Why it cannot be read now; null if it can. The content is then as old as `age_seconds` says.
    pub trouble: Option<String>,
    /// Number of notes.
    pub notes: usize,
    /// Number of open tasks.
    pub open_tasks: usize,
    /// Number of tasks that are done or cancelled.
    pub closed_tasks: usize,
    /// Notes with the tag for goals or in their folder.
    pub goals: Vec<GoalNote>,
    /// Problems, at most 100.
    pub problems: Vec<VaultProblem>,
    /// Total number of problems.
    pub problem_count: usize,
    /// Links that lead out of the vault, which are not followed.
    #[serde(default)]
    pub links_left_out: usize,
}

/// Selects a daily note, or a note of another period.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DailyParams {
    /// A day in it, `YYYY-MM-DD`; today if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, format = Date)]
    pub date: Option<Date>,
    /// `daily` (the default), `weekly`, `monthly`, `quarterly` or `yearly`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<forms::NotePeriod>)]
    pub period: Option<String>,
}

impl DailyParams {
    /// The kind of note.
    ///
    /// # Errors
    /// [`VaultFailure::Mistake`].
    pub fn kind(&self) -> Result<Period, VaultFailure> {
        let name = self.period.as_deref().unwrap_or("daily");
        Period::of_word(name).ok_or_else(|| {
            VaultFailure::Mistake(format!("'{name}' is no kind of note; use {}", Period::WORDS.join(", ")))
        })
    }
}

/// A daily note, or a note of another period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DailyShown {
    /// `daily`, `weekly`, `monthly`, `quarterly` or `yearly`.
    pub period: String,
    /// The requested day.
    #[schema(value_type = String, format = Date)]
    pub date: Date,
    /// Its path in the vault, whether it exists or not.
    pub note: String,
    /// Why it is not certain that this is the note; null if it is. Nothing is written to it then.
    #[serde(default)]
    pub doubt: Option<String>,
    /// Whether it exists.
    pub exists: bool,
    /// Its headings.
    pub headings: Vec<String>,
    /// Its tasks, open and closed.
    pub tasks: Vec<TaskLine>,
    /// Its current text; null if it does not exist.
    pub text: Option<String>,
}

/// A line to write to a daily note.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogBody {
    /// What was done, in one line.
    #[schema(value_type = forms::Summary)]
    pub text: String,
    /// The heading to write it under; the configured one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<forms::Summary>)]
    pub heading: Option<String>,
    /// A Claude Code session, whose cost is written after the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// When it happened; now if absent. A repeated request changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

impl LogBody {
    /// Validates the request without reading the log. The command line calls this before it contacts a supervisor, so
    /// that the error is the same with one and without.
    ///
    /// # Errors
    /// [`VaultFailure::Mistake`].
    pub fn check(&self) -> Result<(), VaultFailure> {
        one_line(&self.text)?;
        self.heading.as_deref().map_or(Ok(()), |heading| heading_of(heading).map(drop))
    }
}

/// A written line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Logged {
    /// The note.
    pub note: String,
    /// The heading.
    pub heading: String,
    /// The line.
    pub line: String,
    /// Whether it was added; false if it was already there.
    pub added: bool,
}

impl Reads {
    fn root(&self) -> Result<PathBuf, VaultFailure> {
        self.settings.current().config.vault.path.clone().ok_or(VaultFailure::NotConfigured)
    }

    /// Reads the vault without a supervisor. Blocks.
    pub fn look_at_vault(&self) {
        if let Ok(root) = self.root() {
            let looked = obsidian::read(&root, None).map(std::sync::Arc::new);
            self.vault.take(looked.map_err(|error| error.to_string()), Timestamp::now());
        }
    }

    /// The vault as it was read last.
    ///
    /// # Errors
    /// [`VaultFailure`].
    pub fn vault_snapshot(&self) -> Result<std::sync::Arc<Snapshot>, VaultFailure> {
        let root = self.root()?;
        let last = self.vault.last();
        match (last.snapshot, last.error) {
            (Some(snapshot), _) if snapshot.root == root => Ok(snapshot),
            (_, Some(error)) => Err(VaultFailure::Unreadable(error)),
            (_, None) => Err(VaultFailure::Waiting),
        }
    }

    /// The vault and its state.
    ///
    /// # Errors
    /// [`VaultFailure`].
    pub fn vault(&self, now: Timestamp) -> Result<VaultShown, VaultFailure> {
        let snapshot = self.vault_snapshot()?;
        let last = self.vault.last();
        let (mut open_tasks, mut closed_tasks) = (0, 0);
        for (_, _, state) in snapshot.tasks() {
            *(if state.is_open() { &mut open_tasks } else { &mut closed_tasks }) += 1;
        }
        let problem = |problem: &obsidian::Problem| VaultProblem {
            path: problem.path.clone(),
            reason: problem.reason.clone(),
        };
        Ok(VaultShown {
            path: snapshot.root.display().to_string(),
            read_at: last.at,
            age_seconds: last.at.map(|at| now.duration_since(at).as_secs().max(0)),
            trouble: last.error,
            notes: snapshot.notes().len(),
            open_tasks,
            closed_tasks,
            goals: self.goal_notes(&snapshot),
            problems: snapshot.problems.iter().take(PROBLEMS_MAX).map(problem).collect(),
            problem_count: snapshot.problems.len(),
            links_left_out: snapshot.links_left_out,
        })
    }

    fn goal_notes(&self, snapshot: &Snapshot) -> Vec<GoalNote> {
        let goals = Goals::from(&self.settings.current().config.vault);
        let goal = |(path, note): (&str, &Note)| {
            let states = note.tasks.iter().filter_map(|task| snapshot.settings.state_of(task));
            let open_tasks = states.clone().filter(|state| state.is_open()).count();
            GoalNote {
                note: path.to_owned(),
                title: note.property("title").unwrap_or_else(|| name_of(path).to_owned()),
                status: note.property("status"),
                due: note.property("due").and_then(|due| due.get(..10)?.parse().ok()),
                open_tasks,
                closed_tasks: states.count() - open_tasks,
            }
        };
        snapshot.notes().filter(|(path, note)| goals.include(path, note)).map(goal).collect()
    }

    /// A daily note, or a note of another period. Blocks.
    ///
    /// # Errors
    /// [`VaultFailure`].
    pub fn daily(&self, asked: &DailyParams, now: Timestamp) -> Result<DailyShown, VaultFailure> {
        let snapshot = self.vault_snapshot()?;
        let zone = self.zone();
        let today = calendar::day_of(now, &zone);
        let date = asked.date.unwrap_or(today);
        let period = asked.kind()?;
        let settings = settings_now(&snapshot.root)?;
        let path = settings.path(period, date, self.usual_weeks());
        let path = path.ok_or(VaultFailure::NoPath(period.word()))?;
        let doubt = settings.place(period).doubt;
        // The current text, which may be newer than the last read.
        let text = read_inside(&snapshot.root, &path)?;
        let note = text.as_deref().map(|text| Note::parse_by(text, settings.rules())).unwrap_or_default();
        Ok(DailyShown {
            period: period.word().to_owned(),
            date,
            exists: text.is_some(),
            headings: note.headings.iter().map(|heading| heading.text.clone()).collect(),
            tasks: lines(&path, &note, &settings, today),
            note: path,
            doubt: doubt.map(|doubt| format!("{FOLDER}/{}: {}", doubt.file, doubt.reason)),
            text,
        })
    }

    /// Writes a line to the daily note, and records it in the log. Blocks.
    ///
    /// # Errors
    /// [`VaultFailure`].
    pub fn log_session(
        &self,
        body: LogBody,
        now: Timestamp,
        actor: &'static str,
    ) -> Result<Logged, VaultFailure> {
        let text = one_line(&body.text)?;
        let snapshot = self.vault_snapshot()?;
        let zone = self.zone();
        let moment = zone.to_datetime(body.at.unwrap_or(now));
        let settings = settings_now(&snapshot.root)?;
        let weeks = settings.weeks(self.usual_weeks());
        let Place { pattern, is_periodic, doubt } = settings.place(Period::Daily);
        if let Some(Doubt { file, reason }) = doubt {
            return Err(VaultFailure::Doubtful { file, reason });
        }
        let path = pattern.path(moment.date(), weeks).ok_or(VaultFailure::NoPath("daily"))?;
        let heading =
            body.heading.unwrap_or_else(|| self.settings.current().config.vault.log_heading.clone());
        let heading = heading_of(&heading)?;
        let cost = body.session.as_deref().map(|session| {
            let cost = self.at(|at| at.session_usage(session)).map(|of| of.spent.known).unwrap_or_default();
            format!(" ({} USD)", cost.rounded(2))
        });
        let line = format!("- {} {text}{}", format(moment, "HH:mm", weeks), cost.unwrap_or_default());
        // A template only matters for a new note.
        let template =
            pattern.template_path().filter(|_| matches!(read_inside(&snapshot.root, &path), Ok(None)));
        let fresh =
            template.map(|template| template_of(&snapshot, &template)).transpose()?.unwrap_or_default();
        let fresh = if is_periodic {
            fill_periodic(&fresh, &pattern, moment, weeks)
        } else {
            fill(&fresh, name_of(&path), moment, weeks)
        };
        let appended = add_line(&snapshot.root, &path, &heading, &line, &fresh)?;
        if let Appended::Added(added) = &appended {
            self.record_write(&path, added, actor)?;
        }
        let session = body.session.unwrap_or_default();
        record_line(&*self.log, &self.tenant, &path, &line, &session, actor)?;
        Ok(Logged { note: path, heading, line, added: appended != Appended::Known })
    }
}

/// The current text of a note or template; none if it cannot be read. A link out of the vault is an error:
/// its text would end up in a synced note or be read by an agent.
fn read_inside(root: &Path, path: &str) -> Result<Option<String>, VaultFailure> {
    match Root::open(root).map_err(Astray::from).and_then(|root| root.read(path, NOTE_MAX)) {
        Ok(bytes) => Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())),
        Err(astray @ Astray::Outside) => Err(AppendError::astray(path, astray).into()),
        Err(Astray::Nowhere | Astray::File(_)) => Ok(None),
    }
}

/// The vault's own settings as they are now: a line must not follow those of the last look.
pub(super) fn settings_now(root: &Path) -> Result<VaultSettings, VaultFailure> {
    let inside = Root::open(root).map_err(|error| AppendError::astray(".", error.into()))?;
    Ok(obsidian::settings::read(&inside).0)
}

/// The text of a template: of the note at its path, else of the one note whose path ends so, as a link would find it
/// (obsidian-daily-notes-interface, `src/vault.ts`: `getTemplateInfo`). Empty if there is none, as in the plugins.
fn template_of(snapshot: &Snapshot, template: &str) -> Result<String, VaultFailure> {
    // One that is there and cannot be read is refused: Obsidian does not fill in a note that was made without it.
    let read =
        Root::open(&snapshot.root).map_err(Astray::from).and_then(|root| root.read(template, NOTE_MAX));
    if let Some(bytes) = read.map_err(|astray| AppendError::astray(template, astray))? {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    let end = format!("/{}", template.to_lowercase());
    let mut found = snapshot.notes().map(|(path, _)| path).filter(|path| path.to_lowercase().ends_with(&end));
    match (found.next(), found.next()) {
        (Some(path), None) => Ok(read_inside(&snapshot.root, path)?.unwrap_or_default()),
        (None, _) => Ok(String::new()),
        (Some(_), Some(_)) => Err(VaultFailure::Mistake(
            "several notes have the name of the daily notes' template; write its whole path in Obsidian's settings"
                .to_owned(),
        )),
    }
}

/// A note's name: its file name without the extension.
fn name_of(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.rsplit_once('.').map_or(file, |(name, _)| name)
}

/// A heading's text.
fn heading_of(text: &str) -> Result<String, VaultFailure> {
    let heading = one_line(text)?.trim_start_matches(['#', ' ']).to_owned();
    if heading.is_empty() {
        Err(VaultFailure::Mistake("a heading needs words".to_owned()))
    } else {
        Ok(heading)
    }
}

/// A text as one line, without control characters.
fn one_line(text: &str) -> Result<String, VaultFailure> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|character| !character.is_control()).collect();
    if line.is_empty() {
        return Err(VaultFailure::Mistake("there is nothing to write".to_owned()));
    }
    match line.chars().count() {
        ..=SUMMARY_MAX => Ok(line),
        count => Err(VaultFailure::Mistake(format!(
            "a summary has at most {SUMMARY_MAX} characters, and this has {count}; shorten it"
        ))),
    }
}
