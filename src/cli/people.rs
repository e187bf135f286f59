//! `mecris people`: asked of Anthropic by a running supervisor, or by this command itself.

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::service::providers::people::{PeopleShown, Wanted, people};

use super::backend::Backend;
use super::output::{CliError, print};
use super::{Common, tables};

/// Options of `people`.
#[derive(Debug, Args)]
pub struct PeopleArgs {
    /// A UTC day [default: yesterday]
    #[arg(long, value_name = "DAY")]
    pub day: Option<Date>,
    /// By name, and not by pseudonym; that you asked so is in the log lines
    #[arg(long)]
    pub names: bool,
}

/// Carries out `mecris people`.
///
/// # Errors
/// [`CliError`].
pub fn shown(common: &Common, args: &PeopleArgs) -> Result<(), CliError> {
    let yesterday = Timestamp::now().to_zoned(TimeZone::UTC).date().yesterday().unwrap_or(Date::MIN);
    let wanted = Wanted { day: args.day.unwrap_or(yesterday), names: args.names };
    let shown = Backend::open(common)?.people(wanted)?;
    print(common.json, &shown, tables::people::all)
}

impl Backend {
    fn people(&self, wanted: Wanted) -> Result<PeopleShown, CliError> {
        match self {
            Self::Running(remote) => {
                let mut query = vec![("day", wanted.day.to_string())];
                query.extend(wanted.names.then(|| ("names", "true".to_owned())));
                remote.get("/api/v1/people", &query)
            }
            Self::Own(node) => {
                let loaded = node.settings.current();
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                Ok(runtime.block_on(people(&loaded, &node.dir, wanted, "cli")))
            }
        }
    }
}
