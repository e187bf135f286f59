//! The runtime: actors on this thread, everything else on tokio's workers.

use tokio::sync::watch;

/// Requests a program's shutdown, and notifies its parts.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Sender<bool>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Shutdown {
    /// Requests the shutdown. May be called again.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    /// Waits for the request. No receiver is handed out: what `wait_for` returns is a read lock, and whoever held it while
    /// waiting for something else would stop the threads that request again.
    pub async fn requested(&self) {
        // An error would mean that the sender is gone, but `self` holds it.
        let _ = self.0.subscribe().wait_for(|requested| *requested).await;
    }
}

/// Runs a program: `main` and the actors that it starts stay on this thread; `tokio::spawn` uses the workers.
///
/// # Panics
///
/// If the system cannot start threads.
pub fn run<T>(main: impl Future<Output = T>) -> T {
    let system = actix::System::with_tokio_rt(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8))
            .enable_all()
            .build()
            .expect("threads for the runtime")
    });
    system.block_on(main)
}
