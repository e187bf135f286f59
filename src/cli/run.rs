//! `mecris run`: the supervisor, from the first line to the last.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::actor::{self, ExitReason, Shutdown};
use crate::config::paths::SOCKET_FILE;
use crate::domain::access::{self, Kind};
use crate::files::own;
use crate::http::guard::{Guard, Known};
use crate::http::listeners::{Certificate, Listeners};
use crate::http::refusals::Refusals;
use crate::http::{App, socket};
use crate::mcp::{self, answers::Here};
use crate::service::metrics;
use crate::service::runtime::node::{Node, StartError};
use crate::service::runtime::settings::Settings;
use crate::service::runtime::sources::Sources;
use crate::service::runtime::{clock, incidents};
use crate::service::system::tree::Supervised;
use crate::service::system::tree::{Restarts, Screen};
use crate::service::system::{demo, tree};
use crate::telemetry;

use super::backend::{settings, show_steps};
use super::output::{CliError, say, warn};
use super::remote::{AGENT_TOKEN_FILE, SERVER_FILE, ServerFile, TOKEN_FILE};
use super::{Common, RunArgs, announce, service_manager, tables};

/// No token is longer.
const TOKEN_BYTES_MAX: u64 = 4_096;
/// How often a certificate's files are read again.
const RENEW: Duration = Duration::from_hours(1);
/// How long open requests may take to end.
const HTTP_DEADLINE: Duration = Duration::from_secs(1);
/// How long the actors may take to stop, all together; each has a deadline of its own.
const TREE_DEADLINE: Duration = Duration::from_secs(3);
/// How long the last spans may take to leave.
const FLUSH_DEADLINE: Duration = Duration::from_secs(1);

/// Runs until SIGINT or SIGTERM, or until the tree gives up.
///
/// # Errors
/// [`CliError`]: it could not start.
pub fn run(common: &Common, args: &RunArgs) -> Result<ExitCode, CliError> {
    let (mut loaded, mut dir) = settings(common)?;
    let as_read = loaded.config.clone();
    let sample = if args.demo {
        let sample = demo::Demo::make().map_err(|error| CliError::File {
            path: std::env::temp_dir().display().to_string(),
            reason: format!("the sample data cannot be written there: {error}; set TMPDIR"),
        })?;
        dir = sample.data_dir();
        loaded.config.transcripts.roots = vec![sample.claude_dir()];
        Some(sample)
    } else {
        None
    };
    if let Some(listen) = args.listen {
        loaded.config.listen = listen;
    }
    let settings = Settings::new(common.config.clone(), as_read, loaded);
    let outcome = actor::run(supervise(common.clone(), settings, dir, sample.as_ref()));
    drop(sample);
    outcome
}

async fn supervise(
    common: Common,
    settings: Settings,
    dir: std::path::PathBuf,
    sample: Option<&demo::Demo>,
) -> Result<ExitCode, CliError> {
    let telemetry = telemetry::init(common.log_format, common.log_level.as_deref(), &settings.current())?;
    // The address first: it is the likeliest to fail, and nothing has happened yet.
    let mut listeners = Listeners::bind(&settings.current().config, &dir)?;
    let (noted, notes) = mpsc::unbounded_channel();
    let (noting, telling) = (noted.clone(), noted.clone());
    let (opening, is_demo) = (dir.clone(), sample.is_some());
    let opened = tokio::task::spawn_blocking(move || {
        let node = Node::open(&opening, settings)?;
        let sources = Sources::load(&*node.log, &node.tenant, noting)?;
        if is_demo {
            demo::Demo::set_budget(&node);
        }
        let queries = node.queries()?;
        // Whoever has opened the log may write to its directory.
        let certificate = listeners.certify()?;
        Ok::<_, CliError>((node, queries, sources, listeners, certificate))
    });
    let (node, queries, sources, listeners, certificate) =
        opened.await.map_err(|_| StartError::CutShort)??;
    let (owners, agents) =
        (token(&dir, TOKEN_FILE, Kind::Owner)?, token(&dir, AGENT_TOKEN_FILE, Kind::Agent)?);
    if owners == agents {
        return Err(CliError::File {
            path: dir.join(AGENT_TOKEN_FILE).display().to_string(),
            reason: "it holds the owner's token; remove it to have one made for agents".to_owned(),
        });
    }
    let (on_step, bar) = show_steps(common.json);
    let screen = Screen { on_step, on_alert: announce::on_alert() };
    let following = tokio::spawn(sources.clone().follow(node.settings.clock().subscribe()));
    let (system, supervisor) = tree::build(&node, queries, sources, noted, &screen, Restarts::default());
    let system = Arc::new(system);
    metrics::observe(system.clone());
    let shutdown = Shutdown::default();
    tokio::spawn(incidents::record(node.log.clone(), node.tenant.clone(), notes));
    let refusals = Refusals::default();
    let ending = shutdown.clone();
    tokio::spawn(refusals.clone().tell(telling, async move { ending.requested().await }));
    let tree = tokio::task::spawn_local(supervisor.run_until(shutdown.subscribe()));
    let known = system.clone();
    let known: Known = Arc::new(move |hash| known.queries.holder(hash.as_bytes(), jiff::Timestamp::now()));
    let config = &node.settings.current().config;
    let url = listeners.url();
    let guard = Guard::new(&owners, listeners.address())
        .with(&agents, known)
        .known_as(&config.tls.names, url.starts_with("https:"));
    let app = App { system: system.clone(), metrics: telemetry.metrics() };
    let own = socket::bind(&dir).map_err(|error| CliError::File {
        path: dir.join(SOCKET_FILE).display().to_string(),
        reason: error.to_string(),
    })?;
    let (ending, idle) = (shutdown.clone(), Duration::from_secs(config.mcp.session_seconds.get()));
    let mcp = mcp::router(Here::new(system.clone()), idle, async move { ending.requested().await });
    let said = listeners.said();
    let server = listeners.serve(&app, &guard, own, mcp, &refusals, &shutdown)?;
    for line in &said {
        say(line);
    }
    write_server_file(&dir, &url)?;
    let announced =
        tokio::spawn(announce::announce(system.clone(), url, dir.clone(), bar, config.transcripts.enabled));
    clock::check(system.queries.head.borrow().recorded_at, jiff::Timestamp::now());
    let clock = tokio::spawn(node.settings.clock().clone().watch());
    service_manager::ready();
    let pulse = tokio::task::spawn_local(service_manager::pulse());
    let reloading = tokio::spawn(reload_on_hangup(system.clone()));
    let renewing = tokio::spawn(renew(certificate, node.settings.clone()));
    // The sample is whole: what this machine lacks is no news then.
    let looked = sample.is_none().then(|| tokio::spawn(announce::look_around(common.clone(), dir.clone())));
    let code = wait(tree, &shutdown).await;
    if let Some(looked) = looked {
        looked.abort();
    }
    service_manager::stopping();
    pulse.abort();
    clock.abort();
    following.abort();
    reloading.abort();
    renewing.abort();
    announced.abort();
    stop(node, &system, &dir, server).await;
    let _ = tokio::task::spawn_blocking(move || telemetry.flush(FLUSH_DEADLINE)).await;
    Ok(code)
}

/// Waits for a signal, or for the tree to give up; then stops the actors.
async fn wait(mut tree: tokio::task::JoinHandle<ExitReason>, shutdown: &Shutdown) -> ExitCode {
    let early = tokio::select! {
        () = stop_signal() => None,
        ended = &mut tree => Some(ended),
    };
    shutdown.request();
    let ended = if let Some(ended) = early {
        ended
    } else {
        let Ok(ended) = tokio::time::timeout(TREE_DEADLINE, &mut tree).await else {
            tracing::warn!("the actors did not stop in time, and are cut off");
            tree.abort();
            return ExitCode::SUCCESS;
        };
        ended
    };
    match ended {
        Ok(ExitReason::Requested | ExitReason::Finished) => ExitCode::SUCCESS,
        Ok(reason) => {
            warn(&format!(
                "mecris: the supervisor gave up: {reason}; `mecris replay --json` and the log lines tell why"
            ));
            ExitCode::from(3)
        }
        Err(_) => ExitCode::from(3),
    }
}

/// The actors are gone: the requests that are open end, then the log is closed.
async fn stop(node: Node, system: &Supervised, dir: &Path, server: JoinSet<()>) {
    if tokio::time::timeout(HTTP_DEADLINE, server.join_all()).await.is_err() {
        tracing::warn!("open requests were cut off");
    }
    let _ = std::fs::remove_file(dir.join(SERVER_FILE));
    let _ = std::fs::remove_file(dir.join(SOCKET_FILE));
    let (log, snapshots, views) = (node.log.clone(), node.snapshots(), system.queries.views.clone());
    let close = move || {
        views.read(|views| snapshots.save(views));
        log.close();
    };
    let _ = tokio::task::spawn_blocking(close).await;
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

/// SIGHUP reads the settings again, and says what came of it.
async fn reload_on_hangup(system: Arc<Supervised>) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        service_manager::reloading();
        match system.reload().await {
            Ok(reloaded) => {
                warn(format!("settings read again: {}", tables::system::reloaded(&reloaded)).trim_end());
            }
            Err(error) => warn(&format!("the settings stay as they were: {error}")),
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

/// One of the two tokens that are there from the first start on, readable by the owner alone. One that is there stays,
/// also in the form that older versions made.
fn token(dir: &Path, name: &str, kind: Kind) -> Result<String, CliError> {
    let path = dir.join(name);
    let failed = |error: std::io::Error| CliError::File {
        path: path.display().to_string(),
        reason: format!("{error}; check its owner and mode, or remove it to have a new one made"),
    };
    match own::read_text(&path, TOKEN_BYTES_MAX) {
        // A token of another kind in this place would give its holder what this file's token may.
        Ok(token) if access::token::parse(token.trim()).is_ok_and(|found| found != kind) => {
            Err(CliError::File {
                path: path.display().to_string(),
                reason: format!(
                    "it holds {} token; remove it to have a new one made",
                    access::token::parse(token.trim())
                        .map_or("another".to_owned(), |found| found.to_string())
                ),
            })
        }
        Ok(token) if token.trim().len() >= 32 => Ok(token.trim().to_owned()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
        _ => {
            let token = access::token::make(kind, &rand::random());
            own::write(&path, token.as_bytes()).map_err(failed)?;
            Ok(token)
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
