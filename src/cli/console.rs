//! `mecris console` and `mecris login`: a provider's own billing page, read by a browser.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;

use crate::config::Config;
use crate::files::text;
use crate::integration::console::read::{import_cookies, log_in};
use crate::integration::console::{ConsoleError, Profile, Recipe, cookies};
use crate::service::balances::console::{ConsoleBody, ConsoleFailure, ConsoleRead, limits};
use crate::service::endpoints::balances::ReadConsole;
use crate::service::runtime::node::StartError;
use crate::service::runtime::place;

use super::Common;
use super::backend::{Backend, settings};
use super::output::{CliError, print, print_text};

/// Said wherever this is switched on or used.
const TERMS: &str = "\
A provider's terms may forbid automated access to its pages. Read them; whether you do this is your decision.
";

/// What can be done with pages.
#[derive(Debug, Clone, Subcommand)]
pub enum ConsoleCommand {
    /// Read the page now, and record what is left
    Read {
        /// Whose page
        #[arg(default_value = "anthropic")]
        provider: String,
    },
    /// Whether a file is a recipe
    Check {
        /// The file
        file: PathBuf,
    },
}

/// Options of `login`.
#[derive(Debug, Clone, Args)]
pub struct LoginArgs {
    /// Where to log in
    #[arg(default_value = "anthropic")]
    pub provider: String,
    /// Take the session from this file (cookies.txt, or the JSON that cookie extensions export)
    #[arg(long, value_name = "FILE")]
    pub cookies: Option<PathBuf>,
}

/// `mecris console`.
///
/// # Errors
/// [`CliError`].
pub fn console(common: &Common, command: ConsoleCommand) -> Result<(), CliError> {
    match command {
        ConsoleCommand::Read { provider } => {
            let read = Backend::open(common)?.call(ReadConsole(ConsoleBody { provider }))?;
            print(common.json, &read, shown)
        }
        ConsoleCommand::Check { file } => {
            let text = read_file(&file)?;
            let recipe = Recipe::parse(&text, &file.display().to_string()).map_err(ConsoleFailure::from)?;
            print(common.json, &recipe, |recipe| {
                let ways: Vec<&str> = recipe.amounts.iter().map(|way| way.way.as_str()).collect();
                format!("{} is a recipe for {}, by {}.\n", file.display(), recipe.provider, ways.join(", "))
            })
        }
    }
}

fn shown(read: &ConsoleRead) -> String {
    let ConsoleRead { provider, left_usd, confidence, found, .. } = read;
    format!("{provider}: {left_usd} left, read by {found} (confidence {}).\n", confidence.word())
}

fn read_file(path: &Path) -> Result<String, CliError> {
    let failed = |error: std::io::Error| CliError::File {
        path: path.display().to_string(),
        reason: error.to_string(),
    };
    text::read_up_to(path, cookies::FILE_MAX).map_err(failed)
}

/// `mecris login`: once, so that the session lives in a profile of ours.
///
/// # Errors
/// [`CliError`].
pub fn login(common: &Common, args: &LoginArgs) -> Result<(), CliError> {
    let (loaded, _) = settings(common)?;
    let config = &loaded.config;
    let recipe =
        Recipe::find(&args.provider, config.console.recipes.as_deref()).map_err(ConsoleFailure::from)?;
    let cookies = match &args.cookies {
        Some(path) => {
            let text = read_file(path)?;
            let read = cookies::parse(&text, &recipe, Timestamp::now());
            Some(read.map_err(|error| CliError::Usage(format!("{}: {error}", path.display())))?)
        }
        None if has_display() => None,
        None => {
            return Err(CliError::Usage(format!(
                "there is no display (DISPLAY, WAYLAND_DISPLAY); log in at {} in a browser elsewhere, export its cookies there, and give them: mecris login {} --cookies FILE",
                recipe.login_url(),
                args.provider
            )));
        }
    };
    let place = common.place()?;
    place::lay_out(&place.root).map_err(StartError::from)?;
    let count = cookies.as_ref().map_or(0, Vec::len);
    if !common.json {
        print_text(TERMS)?;
        if cookies.is_none() {
            print_text(&format!("A window opens. Log in at {}; it closes by itself.\n", recipe.home))?;
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(session(config, &place.dir, &recipe, cookies)).map_err(ConsoleFailure::from)?;
    let done = serde_json::json!({
        "provider": recipe.provider, "cookies": count, "enabled": config.console.enabled,
    });
    print(common.json, &done, |_| {
        let next = if config.console.enabled {
            format!("try it: mecris console read {}", recipe.provider)
        } else {
            "switch it on: set console.enabled = true (docs/console.md)".to_owned()
        };
        let what = if count > 0 { format!("{count} cookies are") } else { "The session is".to_owned() };
        format!("{what} kept in the profile; {next}\n")
    })
}

async fn session(
    config: &Config,
    data_dir: &Path,
    recipe: &Recipe,
    cookies: Option<Vec<cookies::CookieParam>>,
) -> Result<(), ConsoleError> {
    let profile = Profile::lock(data_dir, &recipe.provider)?;
    let browser = config.console.browser.as_deref();
    match cookies {
        Some(cookies) => import_cookies(browser, &profile, recipe, cookies, limits(config)).await,
        None => log_in(browser, &profile, recipe, limits(config)).await,
    }
}

fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|at| !at.is_empty()))
}
