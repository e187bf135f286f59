//! The browser itself: started in a process group of its own, with limits, and ended with all of it.
//!
//! What ends it: [`Browser::end`]; dropping it, in whatever way; its limits; and where we are killed, the kernel, by
//! `setpriv --pdeathsig` (util-linux), or where that is missing, the next use of the profile.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use chromiumoxide::handler::HandlerConfig;
use futures_util::StreamExt;
use rustix::process::Pid;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::profile::Profile;
use super::{ConsoleError, group};

/// Chromium and Chrome, as distributions name them.
pub const BROWSERS: &[&str] =
    &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
/// A browser says where it listens within a second or two.
const START: Duration = Duration::from_secs(20);
/// A browser that was asked to close is given this long to write its cookies.
const CLOSE: Duration = Duration::from_secs(5);
/// How often its memory is looked at.
const WATCH: Duration = Duration::from_millis(500);
/// Of what it says this much is kept, in bytes.
const LOG_MAX: usize = 64 << 10;

/// What a browser may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory of all its processes, in MiB.
    pub memory_mib: u64,
    /// Time for one page, in seconds.
    pub page_seconds: u64,
}

/// Whether a person sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Nobody does.
    Headless,
    /// A person logs in there.
    Visible,
}

/// A running browser.
pub struct Browser {
    /// For commands to it.
    pub(super) driver: chromiumoxide::Browser,
    child: Child,
    /// The program, for errors.
    program: PathBuf,
    handler: JoinHandle<()>,
    drain: JoinHandle<()>,
    watch: JoinHandle<()>,
    over_memory: tokio::sync::watch::Receiver<bool>,
    /// Ends all of it where the browser is dropped, in whatever way.
    group: Guard,
}

/// The program: the one that is named, or the first that is in PATH.
#[must_use]
pub fn find(named: Option<&Path>) -> Option<PathBuf> {
    match named {
        Some(path) => Some(path.to_owned()).filter(|path| is_program(path)),
        None => in_path(BROWSERS),
    }
}

fn in_path(names: &[&str]) -> Option<PathBuf> {
    let places = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates =
        std::env::split_paths(&places).flat_map(|dir| names.iter().map(move |name| dir.join(name)));
    candidates.find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

fn command(program: &Path, profile: &Profile, only_hosts: &[String], window: Window) -> Command {
    // The thread that starts it is the one whose end ends it: one of the runtime's own, never one that comes and goes.
    let mut command = match in_path(&["setpriv"]) {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    command
        .arg(format!("--user-data-dir={}", profile.browser_dir().display()))
        .args(["--remote-debugging-port=0", "--remote-debugging-address=127.0.0.1"])
        .args(["--no-first-run", "--no-default-browser-check", "--password-store=basic"])
        .args(["--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-breakpad"])
        .args(["--disable-component-update", "--disable-sync", "--disable-extensions", "--mute-audio"]);
    if window == Window::Headless {
        command.arg("--headless");
    }
    if !only_hosts.is_empty() {
        let except = only_hosts.join(" , EXCLUDE ");
        command.arg(format!("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE {except}"));
    }
    if rustix::process::geteuid().is_root() {
        // Chromium refuses to run as root inside its sandbox. An ordinary user keeps it.
        command.arg("--no-sandbox");
    }
    command
        .arg("about:blank")
        .env("TMPDIR", profile.temporary())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    command
}

impl Browser {
    /// Starts it on a profile.
    ///
    /// # Errors
    /// [`ConsoleError::Browser`], [`ConsoleError::Files`].
    pub async fn start(
        program: &Path,
        profile: &Profile,
        only_hosts: &[String],
        window: Window,
        limits: Limits,
    ) -> Result<Self, ConsoleError> {
        let failed = |what: &str| failed(what, program, profile);
        let mut child = command(program, profile, only_hosts, window)
            .spawn()
            .map_err(|error| failed(&format!("could not be started ({error})")))?;
        let pid = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let Some((pid, said)) = pid.zip(child.stderr.take()) else {
            return Err(failed("ended at once"));
        };
        // From here on whatever goes wrong ends the whole group.
        let group = Guard(pid);
        let mut log = tokio::fs::File::from_std(profile.make_log()?);
        let mut lines = BufReader::new(said).lines();
        let find_address = async {
            let mut kept = 0;
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(address) = line.strip_prefix("DevTools listening on ") {
                    return Some(address.trim().to_owned());
                }
                keep(&mut log, &mut kept, &line).await;
            }
            None
        };
        let address = tokio::time::timeout(START, find_address).await;
        let address = address.ok().flatten().ok_or_else(|| failed("did not say where it can be driven"))?;
        let drain = tokio::spawn(async move {
            let mut kept = 0;
            while let Ok(Some(line)) = lines.next_line().await {
                keep(&mut log, &mut kept, &line).await;
            }
        });
        let config = HandlerConfig {
            ignore_https_errors: false,
            request_timeout: Duration::from_secs(limits.page_seconds),
            ..HandlerConfig::default()
        };
        let connected = chromiumoxide::Browser::connect_with_config(address, config).await;
        let (driver, mut handler) = connected.map_err(|_| failed("could not be driven"))?;
        let handler = tokio::spawn(async move { while handler.next().await.is_some() {} });
        let (over, over_memory) = tokio::sync::watch::channel(false);
        let watch = tokio::spawn(async move {
            loop {
                tokio::time::sleep(WATCH).await;
                let held = tokio::task::spawn_blocking(move || group::resident_bytes(pid)).await;
                if held.is_ok_and(|held| held > limits.memory_mib << 20) {
                    // Told before it is ended, so that nobody takes the end for a crash.
                    let _ = over.send(true);
                    group::end(pid);
                    return;
                }
            }
        });
        Ok(Self { driver, child, program: program.to_owned(), handler, drain, watch, over_memory, group })
    }

    /// The error that it did something it should not.
    pub(super) fn failed(&self, what: &str, profile: &Profile) -> ConsoleError {
        failed(what, &self.program, profile)
    }

    /// Waits until it is ended for taking too much memory.
    pub async fn over_memory(&self) {
        let mut over = self.over_memory.clone();
        if over.wait_for(|is_over| *is_over).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until it goes away by itself: a person has closed its window.
    pub async fn gone(&mut self) {
        let _ = self.child.wait().await;
    }

    /// Asks it to close, so that it writes its cookies, and ends what is left of it.
    pub async fn end(mut self) {
        let close = async {
            if self.driver.close().await.is_ok() {
                let _ = self.child.wait().await;
            }
        };
        // One that does not close in time is ended.
        let _ = tokio::time::timeout(CLOSE, close).await;
        group::end(self.group.0);
        // The child is reaped, so that no zombie stays.
        let _ = self.child.wait().await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.watch.abort();
        self.handler.abort();
        self.drain.abort();
    }
}

fn failed(what: &str, program: &Path, profile: &Profile) -> ConsoleError {
    ConsoleError::Browser {
        what: what.to_owned(),
        program: program.display().to_string(),
        log: profile.log().display().to_string(),
    }
}

/// Ends a group when it is dropped.
struct Guard(Pid);

impl Drop for Guard {
    fn drop(&mut self) {
        group::end(self.0);
    }
}

async fn keep(log: &mut tokio::fs::File, kept: &mut usize, line: &str) {
    if *kept + line.len() < LOG_MAX {
        *kept += line.len() + 1;
        // A log that cannot be written is missed by nobody but who looks for it.
        let _ = log.write_all(format!("{line}\n").as_bytes()).await;
    }
}
