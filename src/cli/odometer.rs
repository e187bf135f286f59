//! `mecris odometer`: of a running supervisor, or of the log itself.

use clap::{Args, Subcommand};
use jiff::Timestamp;

use crate::domain::balance::is_provider;
use crate::domain::odometer::{OdometerError, OdometerOrder};
use crate::service::balances::odometer::{OdometerAggregate, OdometerBody, Odometers};
use crate::service::runtime::node::Node;

use super::backend::Backend;
use super::output::{CliError, print};
use super::{Common, tables};

/// What can be done with odometers.
#[derive(Debug, Subcommand)]
pub enum OdometerCommand {
    /// Tell what a provider's page shows as the month's sum so far
    Record(RecordArgs),
    /// The months' sums, and what the days cost by inference
    Status,
    /// Be asked for readings no more; what was read stays, and the next reading begins it again
    Stop {
        /// Whose
        #[arg(long, default_value = "groq")]
        provider: String,
    },
}

/// Options of `odometer record`.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// The month's sum so far, in USD, such as 1.06
    #[arg(allow_negative_numbers = true)]
    pub value: String,
    /// The month that the page counts, such as 2026-10 [default: that of the moment]
    #[arg(long, value_name = "MONTH")]
    pub month: Option<String>,
    /// What there is to say about it
    #[arg(long, default_value = "", hide_default_value = true)]
    pub note: String,
    /// Whose page says so
    #[arg(long, default_value = "groq")]
    pub provider: String,
    /// When it was read (2026-11-23T12:00:00Z) [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
    /// The last reading of the month was a typing error: this one takes its place
    #[arg(long)]
    pub correct: bool,
}

/// Carries out `mecris odometer`.
///
/// # Errors
/// [`CliError`].
pub fn odometer(common: &Common, command: Option<OdometerCommand>) -> Result<(), CliError> {
    let backend = Backend::current(common)?;
    let shown = match command {
        None | Some(OdometerCommand::Status) => backend.odometers()?,
        Some(OdometerCommand::Stop { provider }) => backend.stop_odometer(provider)?,
        Some(OdometerCommand::Record(args)) => backend.read_odometer(OdometerBody {
            value_usd: args.value,
            provider: args.provider,
            month: args.month,
            note: args.note,
            at: args.at,
            correct: args.correct,
        })?,
    };
    print(common.json, &shown, tables::odometer::odometers)
}

impl Backend {
    fn odometers(&self) -> Result<Odometers, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/odometer", &[]),
            Self::Own(node) => Ok(node.queries()?.odometers(Timestamp::now())),
        }
    }

    fn read_odometer(&self, body: OdometerBody) -> Result<Odometers, CliError> {
        let now = Timestamp::now();
        body.check(now)?;
        match self {
            Self::Running(remote) => remote.post_body("/api/v1/odometer", &body),
            Self::Own(node) => {
                let command = body.into_command(now)?;
                self.order_here(node, OdometerOrder::Read(command), now)
            }
        }
    }

    fn stop_odometer(&self, provider: String) -> Result<Odometers, CliError> {
        if !is_provider(&provider) {
            return Err(OdometerError::Provider(provider).into());
        }
        match self {
            Self::Running(remote) => remote.delete(&format!("/api/v1/odometer/{provider}")),
            Self::Own(node) => self.order_here(node, OdometerOrder::Stop { provider }, Timestamp::now()),
        }
    }

    fn order_here(&self, node: &Node, order: OdometerOrder, now: Timestamp) -> Result<Odometers, CliError> {
        let zone = node.settings.current().zone.clone();
        node.execute::<OdometerAggregate>((order, zone), now, "cli")?;
        self.odometers()
    }
}
