//! Tables about the system itself.

use jiff::Timestamp;

use crate::actor::Snapshot;
use crate::service::doctor::{Diagnosis, Verdict};
use crate::service::runtime::incidents::Incidents;
use crate::service::runtime::settings::{ChangedSetting, Reloaded};
use crate::service::runtime::sources::{SourceShown, SourcesShown};
use crate::service::system::tenants::TenantsShown;

use super::{count, table};

/// A kebab-case word of an enum.
pub(super) fn word(value: &impl serde::Serialize) -> String {
    let word = serde_json::to_value(value).ok();
    word.and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// `75` as `1 min`, so that an age is read at a glance.
pub(super) fn age(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{} s", seconds.max(0)),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// `mecris actors`.
#[must_use]
pub fn actors(actors: &[Snapshot]) -> String {
    let mut rows = table(&["Actor", "State", "Up", "Restarts", "Queue", "Handled", "Last error"], 2);
    for actor in actors {
        let next = actor.next_restart_seconds.map(|seconds| format!(", again in {}", age(seconds as i64)));
        rows.add_row(vec![
            actor.path.trim_start_matches("root/").to_owned(),
            word(&actor.state) + &next.unwrap_or_default(),
            age(i64::try_from(actor.uptime_seconds).unwrap_or(i64::MAX)),
            actor.restarts.to_string(),
            format!("{}/{}", actor.mailbox_depth, actor.mailbox_capacity),
            count(actor.handled),
            actor.last_error.clone().unwrap_or_default(),
        ]);
    }
    let mut text = format!("{}\n", rows.trim_fmt());
    for actor in actors.iter().filter(|actor| actor.set_aside > 0) {
        text += &format!("\n{} set aside {}; the last of them:\n", actor.path, count(actor.set_aside));
        for entry in &actor.last_set_aside {
            let tries = if entry.times == 1 { "1 try".to_owned() } else { format!("{} tries", entry.times) };
            let ago = age(i64::try_from(entry.seconds_ago).unwrap_or(i64::MAX));
            text += &format!("  {}: {}, {tries}, {ago} ago\n", entry.message, entry.reason);
        }
    }
    text
}

/// `mecris tenant list`.
#[must_use]
pub fn tenants(shown: &TenantsShown) -> String {
    let mut rows = table(&["Tenant", "State", "Directory", "Why"], 4);
    for tenant in &shown.tenants {
        let why = tenant.reason.clone().unwrap_or_default();
        rows.add_row(vec![tenant.name.clone(), word(&tenant.state), tenant.dir.clone(), why]);
    }
    format!("{}\n", rows.trim_fmt())
}

/// `mecris tenant add`.
#[must_use]
pub fn tenant_added(shown: &TenantsShown, name: &str) -> String {
    let dir =
        shown.tenants.iter().find(|tenant| tenant.name == name).map_or("", |tenant| tenant.dir.as_str());
    format!(
        "the tenant {name} is there: its owner's token is in {dir}/token, its agents' in {dir}/agent-token, \
         its settings go into {dir}/config.toml\nask for it with --tenant {name}\n"
    )
}

/// `mecris sources`.
#[must_use]
pub fn sources(shown: &SourcesShown) -> String {
    let mut rows = table(&["Source", "State", "Answered", "Next", "Why"], 5);
    let now = Timestamp::now();
    for source in &shown.sources {
        let answered =
            source.age_seconds.map_or_else(|| "never".to_owned(), |age_s| format!("{} ago", age(age_s)));
        let next = source.next_attempt.map(|at| format!("in {}", age(at.duration_since(now).as_secs())));
        rows.add_row(vec![
            source.name.clone(),
            if source.stale { format!("{}, stale", word(&source.state)) } else { word(&source.state) },
            answered,
            next.unwrap_or_default(),
            source.reason.clone(),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

/// A line for each source that the person should look at.
#[must_use]
pub fn trouble(sources: &[SourceShown]) -> String {
    let lines = sources.iter().filter(|source| source.state.needs_a_look()).map(|source| {
        let since = source.age_seconds.map_or_else(
            || "never answered".to_owned(),
            |seconds| format!("last answered {} ago", age(seconds)),
        );
        let old = source.old.iter().map(|part| {
            let now = jiff::Timestamp::now();
            let read = part.read_at.map_or_else(
                || "before the start".to_owned(),
                |at| format!("{} ago", age(now.duration_since(at).as_secs().max(0))),
            );
            format!("  {} is as it was read {read}\n", part.name)
        });
        format!("! {}: {} ({since})\n", source.name, source.reason) + &old.collect::<String>()
    });
    let lines: String = lines.collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

/// `mecris incidents`.
#[must_use]
pub fn incidents(shown: &Incidents) -> String {
    if shown.incidents.is_empty() {
        return "Nothing happened: no restart, no source that went, no repair.\n".to_owned();
    }
    let mut rows = table(&["When (UTC)", "What", "Change", "Why"], 4);
    for incident in &shown.incidents {
        rows.add_row(vec![
            incident.at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            incident.subject.clone(),
            incident.change.clone(),
            incident.reason.clone(),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

/// `mecris reload`.
#[must_use]
pub fn reloaded(reloaded: &Reloaded) -> String {
    if reloaded.changed.is_empty() {
        return "Nothing has changed.\n".to_owned();
    }
    let line = |change: &ChangedSetting| {
        let when = if change.applied { "in force" } else { "after a restart" };
        format!("{}: {when}\n", change.key)
    };
    reloaded.changed.iter().map(line).collect()
}

/// `mecris doctor`: every setting, then every check, those with a mend last.
#[must_use]
pub fn diagnosis(diagnosis: &Diagnosis) -> String {
    let mut rows = table(&["Setting", "Value", "From"], 3);
    for setting in &diagnosis.settings {
        let value = match &setting.value {
            serde_json::Value::Null => "-".to_owned(),
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        rows.add_row(vec![setting.key.clone(), value, setting.origin.clone()]);
    }
    let mut checks: Vec<_> = diagnosis.checks.iter().collect();
    checks.sort_by_key(|check| check.verdict);
    let lines = checks.into_iter().map(|check| {
        let fix = check.fix.as_ref().map_or_else(String::new, |fix| format!("; {fix}"));
        format!("{:<8} {}: {}{fix}\n", word(&check.verdict), check.name, check.detail)
    });
    let lines: String = lines.collect();
    let problems = diagnosis.checks.iter().filter(|check| check.verdict == Verdict::Problem).count();
    let end = match problems {
        0 => "Nothing stands in the way.".to_owned(),
        1 => "One thing does not work.".to_owned(),
        several => format!("{several} things do not work."),
    };
    format!("{}\n\n{lines}\n{end}\n", rows.trim_fmt())
}
