//! `mecris run`: the supervisor, from the first line to the last.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::actor::{self, ExitReason, Shutdown};
use crate::config::paths::SOCKET_FILE;
use crate::files::own;
use crate::http::listeners::{Certificate, Listeners};
use crate::http::socket;
use crate::http::tenants::{Program, Tenants};
use crate::mcp::{self, answers::Here};
use crate::service::access::kept::KeptTokens;
use crate::service::runtime::clock;
use crate::service::runtime::node::StartError;
use crate::service::runtime::place::{self, Place};
use crate::service::runtime::settings::Settings;
use crate::service::system::demo;
use crate::service::system::tenant::{ActorThread, Opened};
use crate::service::system::tree::{Supervised, UiCallbacks};
use crate::telemetry;

use super::backend::{settings, show_steps};
use super::output::{CliError, say, warn};
use super::remote::{SERVER_FILE, ServerFile};
use super::{Common, RunArgs, announce, service_manager, tables};

/// How often a certificate's files are read again.
const RENEW: Duration = Duration::from_hours(1);
/// How long open requests may take to end.
const HTTP_DEADLINE: Duration = Duration::from_secs(1);
/// How long the last spans may take to leave.
const FLUSH_DEADLINE: Duration = Duration::from_secs(1);

/// Runs until SIGINT or SIGTERM, or until the tree gives up.
///
/// # Errors
/// [`CliError`]: it could not start.
pub fn run(common: &Common, args: &RunArgs) -> Result<ExitCode, CliError> {
    let (mut loaded, mut place) = settings(common)?;
    if !place.tenant.is_local() {
        let fix = "`mecris run` works for all tenants at once; leave --tenant out";
        return Err(CliError::Usage(fix.to_owned()));
    }
    let as_read = loaded.config.clone();
    let sample = if args.demo {
        let sample = demo::Demo::make().map_err(|error| CliError::File {
            path: std::env::temp_dir().display().to_string(),
            reason: format!("the sample data cannot be written there: {error}; set TMPDIR"),
        })?;
        place = Place::local(sample.data_dir());
        loaded.config.transcripts.roots = vec![sample.claude_dir()];
        Some(sample)
    } else {
        None
    };
    if let Some(listen) = args.listen {
        loaded.config.listen = listen;
    }
    let settings = Settings::new(common.source(&place), as_read, loaded);
    let outcome = actor::run(supervise(common.clone(), settings, place, sample.as_ref()));
    drop(sample);
    outcome
}

async fn supervise(
    common: Common,
    settings: Settings,
    place: Place,
    sample: Option<&demo::Demo>,
) -> Result<ExitCode, CliError> {
    let telemetry = telemetry::init(common.log_format, common.log_level.as_deref(), &settings.current())?;
    let clock = settings.clock().clone();
    // The address first: it is the likeliest to fail, and nothing has happened yet.
    let mut listeners = Listeners::bind(&settings.current().config, &place.root)?;
    let (opening, is_demo) = (place.clone(), sample.is_some());
    let opened = tokio::task::spawn_blocking(move || {
        let held = place::take(&opening.root).map_err(StartError::from)?;
        let opened = Opened::open(&opening, settings, |node| {
            if is_demo {
                demo::Demo::set_budget(node);
            }
        })?;
        // Whoever holds the directory may write to it.
        let certificate = listeners.certify()?;
        let tokens = KeptTokens::of(&opening.dir)
            .map_err(|error| CliError::File { path: error.path, reason: error.reason })?;
        Ok::<_, CliError>((held, opened, tokens, listeners, certificate))
    });
    let (held, opened, tokens, listeners, certificate) = opened.await.map_err(|_| StartError::CutShort)??;
    let (on_step, bar) = show_steps(common.json);
    let thread = ActorThread::here();
    let working = opened.work(UiCallbacks { on_step, on_alert: announce::on_alert() }, &thread).await?;
    let (system, shutdown, settings) =
        (working.system.clone(), working.shutdown.clone(), working.node.settings.clone());
    let ended = working.ended.clone();
    let config = &settings.current().config;
    let url = listeners.url();
    let own = socket::bind(&place.root).map_err(|error| CliError::File {
        path: place.root.join(SOCKET_FILE).display().to_string(),
        reason: error.to_string(),
    })?;
    let session = Duration::from_secs(config.mcp.session_seconds.get());
    let tenants = Tenants::new(Program {
        root: place.root.clone(),
        clock: clock.clone(),
        thread,
        hosts: listeners.hosts(),
        metrics: telemetry.metrics(),
        screen: Arc::new(announce::screen_of),
        beside: Arc::new(move |system, ending| {
            mcp::router(Here::new(system), session, async move { ending.requested().await })
        }),
        idle: Duration::from_secs(config.tenants.idle_seconds.get()),
        ending: shutdown.clone(),
    });
    let refusals = tenants.begin(working, &tokens).await.map_err(CliError::Remote)?;
    let said = listeners.said();
    let server = listeners.serve(&tenants, own, &refusals, &shutdown)?;
    for line in &said {
        say(line);
    }
    write_server_file(&place.root, &url)?;
    let announced = tokio::spawn(announce::announce(
        system.clone(),
        url,
        place.root.clone(),
        bar,
        config.transcripts.enabled,
    ));
    clock::check(system.queries.head.borrow().recorded_at, jiff::Timestamp::now());
    // It ends by itself when the program does: what it has begun to stop, it stops.
    tokio::spawn(tenants.clone().keep());
    let clock = tokio::spawn(clock.watch());
    service_manager::ready();
    let pulse = tokio::task::spawn_local(service_manager::pulse());
    let reloading = tokio::spawn(reload_on_hangup(tenants.clone()));
    let renewing = tokio::spawn(renew(certificate, settings));
    // The sample is whole: what this machine lacks is no news then.
    let looked = sample.is_none().then(|| tokio::spawn(announce::look_around(common.clone(), place.clone())));
    let code = wait(&tenants, ended, &shutdown).await;
    for task in [Some(clock), Some(reloading), Some(renewing), Some(announced), looked].into_iter().flatten()
    {
        task.abort();
    }
    service_manager::stopping();
    pulse.abort();
    stop(&tenants, &system, &place.root, server).await;
    drop(held);
    let _ = tokio::task::spawn_blocking(move || telemetry.flush(FLUSH_DEADLINE)).await;
    Ok(code)
}

/// Waits for a signal, or for the tree of `local` to give up; then stops the actors of all tenants.
async fn wait(
    tenants: &Tenants,
    mut ended: watch::Receiver<Option<ExitReason>>,
    shutdown: &Shutdown,
) -> ExitCode {
    let early = tokio::select! {
        () = stop_signal() => None,
        ended = ended.wait_for(Option::is_some) => Some(ended.ok().and_then(|reason| reason.clone())),
    };
    shutdown.request();
    tenants.stop_actors().await;
    let reason = early.map(|reason| reason.unwrap_or(ExitReason::Panicked));
    match reason {
        None | Some(ExitReason::Requested | ExitReason::Finished) => ExitCode::SUCCESS,
        Some(reason) => {
            warn(&format!(
                "mecris: the supervisor gave up: {reason}; `mecris replay --json` and the log lines tell why"
            ));
            ExitCode::from(3)
        }
    }
}

/// The actors are gone: the requests that are open end, then the logs are closed.
async fn stop(tenants: &Tenants, system: &Supervised, dir: &Path, server: JoinSet<()>) {
    if tokio::time::timeout(HTTP_DEADLINE, server.join_all()).await.is_err() {
        tracing::warn!("open requests were cut off");
    }
    let _ = std::fs::remove_file(dir.join(SERVER_FILE));
    let _ = std::fs::remove_file(dir.join(SOCKET_FILE));
    tenants.close().await;
    warn(&format!("stopped at event {}", system.queries.last_seen()));
}

async fn stop_signal() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the signals end the process, which the log survives.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// SIGHUP reads the settings of all tenants again, and says what came of it.
async fn reload_on_hangup(tenants: Tenants) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        service_manager::reloading();
        for (name, system) in tenants.working() {
            let whose = if name.is_local() { String::new() } else { format!("tenant {name}: ") };
            match system.reload().await {
                Ok(reloaded) => {
                    let told = tables::system::reloaded(&reloaded);
                    warn(format!("{whose}settings read again: {told}").trim_end());
                }
                Err(error) => warn(&format!("{whose}the settings stay as they were: {error}")),
            }
        }
        service_manager::ready();
    }
}

/// Reads the certificate again once an hour, and when the settings have been read again. A certificate that is renewed beside us
/// needs nobody to say so.
async fn renew(certificate: Option<Certificate>, settings: Settings) {
    let Some(certificate) = certificate else { return };
    let mut changes = settings.subscribe();
    loop {
        let changed = tokio::time::timeout(RENEW, changes.changed()).await;
        if matches!(changed, Ok(Err(_))) {
            return;
        }
        let (certificate, loaded) = (certificate.clone(), settings.current());
        let reloaded = tokio::task::spawn_blocking(move || certificate.reload(&loaded.config.tls)).await;
        if let Ok(Err(error)) = reloaded {
            tracing::warn!(%error, "the certificate stays as it was read before");
        }
    }
}

fn write_server_file(dir: &Path, url: &str) -> Result<(), CliError> {
    let path = dir.join(SERVER_FILE);
    let file = ServerFile { url: url.to_owned(), pid: std::process::id() };
    let bytes = serde_json::to_vec(&file).map_err(std::io::Error::from)?;
    own::write(&path, &bytes)
        .map_err(|error| CliError::File { path: path.display().to_string(), reason: error.to_string() })
}
