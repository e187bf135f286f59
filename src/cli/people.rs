//! `mecris people`: asked of Anthropic by a running supervisor, or by this command itself.

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::service::people::{PeopleShown, people};

use super::backend::Backend;
use super::output::{CliError, print};
use super::{Common, tables};

/// Options of `people`.
#[derive(Debug, Args)]
pub struct PeopleArgs {
    /// A UTC day [default: yesterday]
    #[arg(long, value_name = "DAY")]
    pub day: Option<Date>,
}

/// Carries out `mecris people`.
///
/// # Errors
/// [`CliError`].
pub fn shown(common: &Common, args: &PeopleArgs) -> Result<(), CliError> {
    let yesterday = Timestamp::now().to_zoned(TimeZone::UTC).date().yesterday().unwrap_or(Date::MIN);
    let shown = Backend::open(common)?.people(args.day.unwrap_or(yesterday))?;
    print(common.json, &shown, tables::people::all)
}

impl Backend {
    fn people(&self, day: Date) -> Result<PeopleShown, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/people", &[("day", day.to_string())]),
            Self::Own(node) => {
                let loaded = node.settings.current();
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                Ok(runtime.block_on(people(&loaded, day)))
            }
        }
    }
}
