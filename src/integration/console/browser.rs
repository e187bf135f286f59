//! The browser itself: started in a process group of its own, with limits, and ended with all of it.
//!
//! It is driven over a pipe, its descriptors 3 and 4 ([`super::cdp`]), and listens on no port. What ends it:
//! [`Browser::end`]; dropping it, in whatever way; its limits; and where we are killed, the kernel, by
//! `setpriv --pdeathsig` (util-linux), or where that is missing, the browser itself, which closes when its pipe ends, and
//! at last the next use of the profile.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Pid;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::cdp::commands::{Close, GetVersion};
use super::cdp::{CdpError, Client, Tasks};
use super::profile::Profile;
use super::{ConsoleError, group};
use said::Said;

mod said;

/// Chromium and Chrome, as distributions name them.
pub const BROWSERS: &[&str] =
    &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
/// A browser answers for the first time within a second or two.
const START: Duration = Duration::from_secs(20);
/// A browser that was asked to close is given this long to write its cookies.
const CLOSE: Duration = Duration::from_secs(5);
/// How often its memory is looked at.
const WATCH: Duration = Duration::from_millis(500);
/// Makes standard input and output the descriptors 3 and 4, on which a browser takes commands and answers them: the shell
/// does it between fork and exec, where a program of our own would need `unsafe`.
const ON_PIPE: &str = r#"exec "$@" 3<&0 4>&1 0</dev/null 1>/dev/null"#;

/// What a browser may take, and who may start it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory of all its processes, in MiB.
    pub memory_mib: u64,
    /// Time for one page, in seconds.
    pub page_seconds: u64,
    /// Whether root may start it, without its sandbox.
    pub as_root: bool,
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
    pub(super) driver: Client,
    child: Child,
    /// The program, for errors.
    program: PathBuf,
    _tasks: Tasks,
    _said: Said,
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

/// The program, for who may start it.
///
/// # Errors
/// [`ConsoleError::AsRoot`], [`ConsoleError::NoBrowser`].
pub fn program(named: Option<&Path>, limits: Limits) -> Result<PathBuf, ConsoleError> {
    may_start(is_root(), limits)?;
    find(named).ok_or(ConsoleError::NoBrowser)
}

/// Chromium refuses to run as root inside its sandbox. An ordinary user keeps it.
fn may_start(is_root: bool, limits: Limits) -> Result<(), ConsoleError> {
    if is_root && !limits.as_root { Err(ConsoleError::AsRoot) } else { Ok(()) }
}

/// Whether root runs this program.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
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

fn command(
    program: &Path,
    profile: &Profile,
    only_hosts: &[String],
    window: Window,
    limits: Limits,
) -> Command {
    const SHELL: &str = "/bin/sh";
    // The thread that starts it is the one whose end ends it: one of the runtime's own, never one that comes and goes.
    let mut command = match in_path(&["setpriv"]) {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--", SHELL]);
            command
        }
        None => Command::new(SHELL),
    };
    command
        .args(["-c", ON_PIPE, "browser"])
        .arg(program)
        .arg(format!("--user-data-dir={}", profile.browser_dir().display()))
        .arg("--remote-debugging-pipe")
        .args(["--no-first-run", "--no-default-browser-check", "--password-store=basic"])
        .args(["--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-breakpad"])
        .args(["--disable-component-update", "--disable-sync", "--disable-extensions", "--mute-audio"]);
    if window == Window::Headless {
        command.args(["--headless", "--window-size=1280,800"]);
    }
    if !only_hosts.is_empty() {
        let except = only_hosts.join(" , EXCLUDE ");
        command.arg(format!("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE {except}"));
    }
    if is_root() && limits.as_root {
        command.arg("--no-sandbox");
    }
    command
        .arg("about:blank")
        .env("TMPDIR", profile.temporary())
        // In which some distributions look for more arguments: a port among them would be open to everybody.
        .env_remove("CHROMIUM_FLAGS")
        .env_remove("CHROMIUM_USER_FLAGS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    command
}

impl Browser {
    /// Starts it on a profile.
    ///
    /// # Errors
    /// [`ConsoleError::AsRoot`], [`ConsoleError::Browser`], [`ConsoleError::Files`].
    pub async fn start(
        program: &Path,
        profile: &Profile,
        only_hosts: &[String],
        window: Window,
        limits: Limits,
    ) -> Result<Self, ConsoleError> {
        Self::start_within(START, program, profile, only_hosts, window, limits).await
    }

    /// The same, with another deadline for its first answer.
    async fn start_within(
        within: Duration,
        program: &Path,
        profile: &Profile,
        only_hosts: &[String],
        window: Window,
        limits: Limits,
    ) -> Result<Self, ConsoleError> {
        may_start(is_root(), limits)?;
        let failed = |what: &str| failed(what, program, profile);
        let log = profile.make_log()?;
        let mut child = command(program, profile, only_hosts, window, limits)
            .spawn()
            .map_err(|error| failed(&format!("could not be started ({error})")))?;
        let pid = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let Some(pid) = pid else { return Err(failed("ended at once")) };
        // From here on whatever goes wrong ends the whole group.
        let group = Guard(pid);
        let ends = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(hears), Some(says), Some(said)) = ends else { return Err(failed("has no pipe")) };
        let mut said = Said::start(said, log);
        let (driver, tasks) = Client::start(says, hears);
        if let Err(error) = driver.call_within(within, None, &GetVersion {}).await {
            group::end(pid);
            let _ = child.wait().await;
            let last = said.last_line().await.map(|line| format!("; it said last: {line}"));
            return Err(failed(&format!("{error}{}", last.unwrap_or_default())));
        }
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
        let program = program.to_owned();
        Ok(Self { driver, child, program, _tasks: tasks, _said: said, watch, over_memory, group })
    }

    /// The error that it did something it should not.
    pub(super) fn failed(&self, why: CdpError, profile: &Profile) -> ConsoleError {
        failed(&why.to_string(), &self.program, profile)
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
            // The end of the pipe may come before the answer.
            if let Ok(_) | Err(CdpError::Closed { .. }) = self.driver.call(None, &Close {}).await {
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

#[cfg(test)]
mod tests;
