//! Telling the service manager (systemd's `Type=notify` and `WatchdogSec=`) how the supervisor is.
//! Without `NOTIFY_SOCKET` all of this does nothing. Source: the manual page sd_notify(3).

use sd_notify::NotifyState;

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

/// It listens.
pub fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("supervising")]);
}

/// It reads its settings again; [`ready`] follows.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(moment) => tell(&[NotifyState::Reloading, moment]),
        Err(error) => tracing::warn!(%error, "the service manager could not be told"),
    }
}

/// It stops.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells the watchdog that the actors' thread runs. To be spawned on that thread: should it block, this
/// falls silent with it, and the service manager starts the program anew.
pub async fn pulse() {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    let mut tick = tokio::time::interval(patience / 3);
    loop {
        tick.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}
