//! `mecris gate` and `mecris statusline`: what Claude Code calls, often, and waits for.
//!
//! Both read Claude Code's JSON on standard input and ask the running supervisor. Where there is no answer in
//! time, work goes on and the person is told so, unless `gate.fail_closed` says otherwise; the status line then
//! shows what Claude Code itself knows. Neither opens the log.

use std::io::{IsTerminal, Read};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::config;
use crate::domain::gate::Verdict;
use crate::integration::claude_code::hook::{HookAnswer, HookCall};
use crate::integration::claude_code::place::Repositories;
use crate::integration::claude_code::status_line::StatusCall;
use crate::service::budgets::gate::{GateParams, GateShown, StatuslineBody, StatuslineShown};
use crate::service::endpoints::Endpoint;
use crate::service::endpoints::gate::{AnswerHook, AskGate, TellStatusline};

use super::backend::Backend;
use super::output::{CliError, print, print_text, warn};
use super::{Common, lean};

/// What a hook tells may hold a file that a tool is to write; it is read as far as this, in bytes.
const CALL_MAX: u64 = 64 * 1024 * 1024;
/// What the status line tells holds no such thing, and all of it is kept while it is read.
const STATUS_MAX: u64 = 1024 * 1024;

/// What Claude reads where Mecris does not answer and work shall stop then: neither why nor the setting's name.
const FOR_CLAUDE: &str =
    "Mecris does not answer, and nothing goes on until it does. Only the person can mend that: tell them.";

/// Options of `gate`.
#[derive(Debug, Args)]
pub struct GateArgs {
    /// What to do
    #[command(subcommand)]
    pub command: Option<GateCommand>,
    /// How long to wait for the supervisor, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 100)]
    pub within: u64,
}

/// What can be done with the gate.
#[derive(Debug, Subcommand)]
pub enum GateCommand {
    /// Tell whether work may go on, for a person or a script; exit 1 if not
    Check(CheckArgs),
}

/// Options of `gate check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The session
    #[arg(long)]
    pub session: Option<String>,
    /// The project's directory
    #[arg(long, value_name = "DIR")]
    pub project: Option<String>,
    /// The model
    #[arg(long)]
    pub model: Option<String>,
    /// Who is paid [default: anthropic]
    #[arg(long)]
    pub provider: Option<String>,
}

/// Options of `statusline`.
#[derive(Debug, Args)]
pub struct StatuslineArgs {
    /// How long to wait for the supervisor, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 15)]
    pub within: u64,
}

/// Carries out `mecris gate`.
///
/// # Errors
/// [`CliError`].
pub fn gate(common: &Common, args: GateArgs) -> Result<ExitCode, CliError> {
    match args.command {
        Some(GateCommand::Check(check)) => self::check(common, check),
        None => hook(common, Duration::from_millis(args.within)),
    }
}

fn check(common: &Common, args: CheckArgs) -> Result<ExitCode, CliError> {
    let CheckArgs { session, project, model, provider } = args;
    let project = project.map(project_of);
    let asked = AskGate(GateParams { session, project, model, provider });
    let shown = Backend::current(common)?.call(asked)?;
    print(common.json, &shown, GateShown::text)?;
    Ok(ExitCode::from(u8::from(shown.verdict == Verdict::Block)))
}

/// Reads what Claude Code tells.
fn call(command: &str, settings: &str, most: u64) -> Result<Vec<u8>, CliError> {
    let input = std::io::stdin();
    if input.is_terminal() {
        return Err(CliError::Usage(format!(
            "`mecris {command}` is for Claude Code, which tells it on standard input; {settings}"
        )));
    }
    let mut told = Vec::new();
    input.lock().take(most).read_to_end(&mut told)?;
    Ok(told)
}

fn hook(common: &Common, within: Duration) -> Result<ExitCode, CliError> {
    let told = call("gate", "a person asks `mecris gate check`; docs/gate.md has the hooks", CALL_MAX)?;
    let Some(mut call) = HookCall::read(&told) else {
        let why = "what came on standard input is no hook's JSON";
        if fails_closed(common) {
            // Claude reads it.
            warn(&format!(
                "Mecris: {why}, and nothing goes on until it is. Only the person can mend that: tell them."
            ));
            return Ok(ExitCode::from(2));
        }
        return answer(&HookAnswer::to(
            "",
            Verdict::Warn,
            &format!("Mecris: {why}; spending is not watched."),
            "",
        ));
    };
    // Claude Code tells its hooks where the session began; its directory may be another by now.
    if let Ok(begun) = std::env::var("CLAUDE_PROJECT_DIR")
        && !begun.is_empty()
    {
        call.project_dir = Some(begun);
    }
    let begun = call.project_dir.take().or_else(|| call.cwd.clone());
    call.project_dir = begun.map(project_of);
    let body = serde_json::to_vec(&call).map_err(std::io::Error::from)?;
    let asked = common
        .place()
        .map_err(|error| error.to_string())
        .and_then(|place| {
            lean::post(&place, AnswerHook::PATH, &body, within).map_err(|error| error.to_string())
        })
        .and_then(|body| {
            serde_json::from_slice(&body).map_err(|_| "Mecris is of another version".to_owned())
        });
    let said = match asked {
        Ok(said) => said,
        Err(why) if fails_closed(common) => {
            let text = format!("{why}. gate.fail_closed is set: nothing goes on until it answers.");
            HookAnswer::to(&call.hook_event_name, Verdict::Block, &text, FOR_CLAUDE)
        }
        Err(why) => {
            let text = format!("{why}. Work goes on; spending is not watched.");
            HookAnswer::to("", Verdict::Warn, &text, "")
        }
    };
    answer(&said)
}

/// The project of a directory, as transcripts have it: the root of the repository around it, if there is one.
fn project_of(directory: String) -> String {
    match Repositories::default().root(&directory) {
        root if root.is_empty() => directory,
        root => root.to_string(),
    }
}

fn answer(answer: &HookAnswer) -> Result<ExitCode, CliError> {
    if answer.is_silent() {
        return Ok(ExitCode::SUCCESS);
    }
    print_text(&serde_json::to_string(answer).map_err(std::io::Error::from)?)
}

/// Read only where there was no answer. Settings that cannot be read close nothing.
fn fails_closed(common: &Common) -> bool {
    common
        .place()
        .is_ok_and(|place| config::inspect_source(&common.source(&place)).loaded.config.gate.fail_closed)
}

/// Carries out `mecris statusline`.
///
/// # Errors
/// [`CliError`].
pub fn statusline(common: &Common, args: &StatuslineArgs) -> Result<ExitCode, CliError> {
    let told = call("statusline", "docs/gate.md has its settings", STATUS_MAX)?;
    let call = StatusCall::parse(&told).unwrap_or_default();
    let project = call.project.clone().map(project_of);
    let body = StatuslineBody { project, ..StatuslineBody::from(call) };
    let request = serde_json::to_vec(&body).map_err(std::io::Error::from)?;
    let within = Duration::from_millis(args.within);
    let shown = common
        .place()
        .ok()
        .and_then(|place| lean::post(&place, TellStatusline::PATH, &request, within).ok())
        .and_then(|answer| serde_json::from_slice::<StatuslineShown>(&answer).ok());
    if let Some(shown) = shown {
        print(common.json, &shown, |shown| shown.line.clone())?;
    } else {
        let cost = body.session_usd.map(|cost| format!("{} session | ", cost.rounded(2)));
        let line = format!("{}Mecris does not answer", cost.unwrap_or_default());
        print(common.json, &serde_json::json!({ "line": line }), |_| line.clone())?;
    }
    Ok(ExitCode::SUCCESS)
}
