//! The question how far the estimate is off, and what one can do to know it better.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config::Config;
use crate::domain::balance::is_provider;
use crate::domain::code::{Code, Coded};
use crate::domain::money::Picodollars;
use crate::domain::report::Standing;
use crate::service::runtime::reads::{Reads, Snapshot};
use crate::view::TenantView;
use crate::view::reconcile::{Basis, ReconciledProvider, Reconciliation, Wanted, reconcile};

/// Why days cannot be reconciled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WantedError {
    /// Not a provider's name.
    #[error("'{0}' is not a provider's name; use one like anthropic, of a-z, 0-9, '-', '_' and '.'")]
    Provider(String),
}

impl Coded for WantedError {
    fn code(&self) -> Code {
        Code::Refused
    }
}

/// Checks what is asked for.
///
/// # Errors
/// [`WantedError`].
pub fn check(wanted: Wanted) -> Result<Wanted, WantedError> {
    wanted.provider.iter().try_for_each(|name| check_provider(name))?;
    Ok(wanted)
}

/// Checks a provider's name.
///
/// # Errors
/// [`WantedError::Provider`].
pub fn check_provider(name: &str) -> Result<(), WantedError> {
    if is_provider(name) { Ok(()) } else { Err(WantedError::Provider(name.to_owned())) }
}

impl Snapshot {
    /// The estimate held against what providers reported and how their balances fell, with advice for the settings in force.
    #[must_use]
    pub fn reconcile(&self, wanted: &Wanted, now: Timestamp) -> Reconciliation {
        reconciled(self.view(), wanted, now, self.zone(), &self.loaded().config)
    }
}

impl Reads {
    /// See [`Snapshot::reconcile`].
    #[must_use]
    pub fn reconcile(&self, wanted: &Wanted, now: Timestamp) -> Reconciliation {
        self.at(|at| at.reconcile(wanted, now))
    }
}

/// The same of any view, with advice for these settings.
#[must_use]
pub fn reconciled(
    view: &TenantView,
    wanted: &Wanted,
    now: Timestamp,
    zone: &TimeZone,
    config: &Config,
) -> Reconciliation {
    let mut reconciliation = reconcile(view, wanted, now, zone);
    let Reconciliation { providers, days, .. } = &mut reconciliation;
    for line in providers {
        let readings = view.balances.accounts.get(&line.provider);
        let readings = readings.map_or(0, |account| account.readings().count());
        let is_settled =
            days.iter().any(|day| day.provider == line.provider && day.standing == Some(Standing::Settled));
        line.advice = advice(line, readings, is_settled, config);
    }
    reconciliation
}

/// What is missing to know better, and what one can do.
fn advice(line: &ReconciledProvider, readings: usize, is_settled: bool, config: &Config) -> Option<String> {
    let name = line.provider.as_str();
    let set = if name == "anthropic" {
        "`mecris balance set AMOUNT`".to_owned()
    } else {
        format!("`mecris balance set AMOUNT --provider {name}`")
    };
    match (line.basis, readings) {
        (Basis::Reports, _) if !is_settled => {
            Some("no day has settled yet: that takes until two days after its end".to_owned())
        }
        (Basis::Reports, _) => (line.estimate_usd == Picodollars::ZERO
            && line.drift_usd > Some(Picodollars::ZERO))
        .then(|| {
            "nothing is recorded here of what it reports: run this on the machine that spends it".to_owned()
        }),
        (Basis::Odometer, _) => None,
        (Basis::Readings, _) => {
            Some(format!("known by readings of the balance alone; {}", for_days(name, config)))
        }
        (Basis::Nothing, 1) => Some(format!("the next reading of the balance shows the drift: {set}")),
        (Basis::Nothing, _) => {
            let meter = if name == "anthropic" {
                // Its page shows no sum of the month that could be read off.
                String::new()
            } else {
                format!(", or as the month's sum, `mecris odometer record AMOUNT --provider {name}`")
            };
            Some(format!(
                "nothing tells what it cost in truth; tell what its page shows as left, now and again later, \
                 {set}{meter}{}; {}",
                page(name, config),
                for_days(name, config)
            ))
        }
    }
}

/// Whether a browser could read its page instead.
fn page(provider: &str, config: &Config) -> String {
    let has_recipe = config.console.providers.iter().any(|name| name == provider);
    match (config.console.enabled, has_recipe) {
        (true, true) => "; its page is to be read: `mecris sources` shows how that stands".to_owned(),
        (false, true) => format!("; or let its page be read, `mecris login {provider}` and console.enabled"),
        _ => String::new(),
    }
}

/// What would tell of days.
fn for_days(provider: &str, config: &Config) -> String {
    match provider {
        "anthropic" if config.anthropic.admin_key.is_some() => {
            "an admin key is set, and no day was reported yet: `mecris sources` shows whether it answers".to_owned()
        }
        "anthropic" if config.anthropic.api_key.is_some() => {
            "the ordinary key that is set shows no cost: days need an organisation's admin key \
             (anthropic.admin_key), which an individual account cannot have"
                .to_owned()
        }
        "anthropic" => {
            "days need an organisation's admin key (anthropic.admin_key), which an individual account cannot have"
                .to_owned()
        }
        "openai" => "days need an admin key of its organisation".to_owned(),
        _ => "it has no report of days that is read here".to_owned(),
    }
}
