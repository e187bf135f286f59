//! The runtime: actors on this thread, everything else on tokio's workers.

use tokio::sync::watch;

/// Asks a program to stop, and lets its parts hear of it.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Sender<bool>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Shutdown {
    /// Asks.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    /// For those who must hear.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }

    /// Waits until it is asked.
    pub async fn requested(&self) {
        // An error would mean that the sender is gone, which is held here.
        let _ = self.subscribe().wait_for(|requested| *requested).await;
    }
}

/// Runs a program: `main` and the actors that it starts stay on this thread; what is given to
/// `tokio::spawn` runs on the workers.
///
/// # Panics
/// Where the system cannot start threads.
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
