//! What was written to the vault, and taking the last of it back.

use std::convert::Infallible;

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::calendar;
use crate::domain::vault::VaultSettings;
use crate::domain::vault::moment::Weeks;
use crate::domain::vault::periodic::Period;
use crate::domain::vault::written::{Change, Writes, undone};
use crate::event::payload::{NoteRestored, NoteWritten};
use crate::event::{Event, EventId};
use crate::integration::obsidian::append::{Added, take_back};
use crate::service::aggregate::repository::{Aggregate, Fact, Next, Repository, metadata_for};
use crate::service::runtime::reads::Reads;

use super::aggregate::digest;
use super::error::VaultFailure;
use super::queries::settings_now;

/// The note that was written to last may be named by a day this far from today: a line may be told of long after.
const DAYS: i64 = 4_000;

/// What was written to a tenant's vault.
pub struct WriteAggregate;

/// Something that happened to a note.
#[derive(Debug, Clone)]
pub enum Happened {
    Written(Change),
    /// What the write of this number did was undone.
    TakenBack {
        note: String,
        write: u64,
    },
}

impl Aggregate for WriteAggregate {
    const STREAM: &'static str = "vault-notes";
    const ACTOR: &'static str = "vault";

    type State = Writes;
    type Command = Happened;
    type Change = Happened;
    type Error = Infallible;

    fn decide(_: &Writes, happened: Happened, _: Timestamp) -> Result<Vec<Happened>, Infallible> {
        Ok(vec![happened])
    }

    fn event(_: &Writes, happened: &Happened, next: &Next<'_>) -> Fact {
        let event = match happened {
            Happened::Written(change) => Event::NoteWritten(NoteWritten::from(change)),
            Happened::TakenBack { note, write } => {
                Event::NoteRestored(NoteRestored { note: note.clone(), write: *write })
            }
        };
        // Unique to this version of the stream: a retry after an unknown outcome has the same id.
        let id = EventId::derive("vault-note", &[next.tenant, &next.version.to_string()]);
        Fact { id, event, at: next.now }
    }

    fn label(happened: &Happened) -> &'static str {
        match happened {
            Happened::Written(_) => "note-written",
            Happened::TakenBack { .. } => "take-back",
        }
    }
}

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TakenBack {
    /// The note that was written to.
    pub note: String,
    /// Whether the note was removed, since the write had made it.
    pub removed: bool,
    /// Whether the file was changed; false if it was as before the write already.
    pub changed: bool,
}

/// The digest of all of a note. It reveals nothing but whether a note is the same.
fn of_note(bytes: &[u8]) -> String {
    digest("content", bytes)
}

impl Reads {
    fn writes(&self) -> Result<Repository<WriteAggregate>, VaultFailure> {
        let loaded = Repository::load(self.log.clone(), self.tenant.clone());
        loaded.map_err(|error| VaultFailure::Record(error.into()))
    }

    /// Records what a write did to a note, so that it can be taken back. Blocks.
    ///
    /// # Errors
    /// [`VaultFailure`].
    pub(super) fn record_write(
        &self,
        path: &str,
        added: &Added,
        actor: &'static str,
    ) -> Result<(), VaultFailure> {
        let change = Change {
            note: digest("note", path.as_bytes()),
            before: added.before.as_deref().map(of_note),
            after: of_note(&added.after),
            at: added.at as u64,
            length: added.length as u64,
            folders: u32::try_from(added.folders).unwrap_or(u32::MAX),
        };
        self.writes()?.execute(Happened::Written(change), Timestamp::now(), &metadata_for(actor))?;
        Ok(())
    }

    /// Takes back what was written to the vault last, and records that. Blocks.
    ///
    /// # Errors
    /// [`VaultFailure`]: nothing was written, or the note was changed since.
    pub fn undo_write(&self, now: Timestamp, actor: &'static str) -> Result<TakenBack, VaultFailure> {
        let snapshot = self.vault_snapshot()?;
        let mut writes = self.writes()?;
        let last = writes.state().last().cloned().ok_or(VaultFailure::NothingWritten)?;
        let mut notes = snapshot.notes().map(|(path, _)| path.to_owned());
        let is_it = |path: &String| digest("note", path.as_bytes()) == last.change.note;
        let settings = settings_now(&snapshot.root)?;
        let path = notes
            .find(is_it)
            .or_else(|| self.daily_paths(&settings, now).find(is_it))
            .ok_or(VaultFailure::NoteLost)?;
        let folders = last.change.folders;
        let changed = take_back(&snapshot.root, &path, folders, |now| undone(&last.change, now, of_note))?;
        let note = last.change.note;
        let taken = Happened::TakenBack { note, write: last.number };
        writes.execute(taken, now, &metadata_for(actor))?;
        Ok(TakenBack { note: path, removed: last.change.before.is_none(), changed })
    }

    /// Where daily notes lie that may not be among those that were read: the vault may ignore their folder.
    fn daily_paths(&self, settings: &VaultSettings, now: Timestamp) -> impl Iterator<Item = String> {
        let today = calendar::day_of(now, &self.zone());
        let usual = self.usual_weeks();
        let path = move |days: i64| settings.path(Period::Daily, today.saturating_add(days.days()), usual);
        (-DAYS..=DAYS).filter_map(path)
    }

    /// How weeks are numbered where no plugin says it.
    pub(super) fn usual_weeks(&self) -> Weeks {
        if self.settings.current().config.vault.iso_weeks { Weeks::Iso } else { Weeks::Sunday }
    }
}
