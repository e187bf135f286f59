//! The outside systems as servers on the loopback interface: they speak the wire protocol, keep state,
//! validate what they get, and fail on command.

#[path = "outside/anthropic.rs"]
pub mod anthropic;
#[path = "outside/beeminder.rs"]
pub mod beeminder;
#[path = "outside/books.rs"]
pub mod books;
#[path = "outside/console.rs"]
pub mod console;
#[path = "outside/front.rs"]
pub mod front;
#[path = "outside/hook.rs"]
pub mod hook;
#[path = "outside/ntfy.rs"]
pub mod ntfy;
#[path = "outside/openai.rs"]
pub mod openai;
#[path = "outside/purses.rs"]
pub mod purses;
#[path = "outside/smtp.rs"]
pub mod smtp;
#[path = "outside/twilio.rs"]
pub mod twilio;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;

pub use front::{Fault, Front};

/// The settings of a program that watches goals at one, tells by another and pays a third.
pub fn variables<'a>(beeminder: &'a str, ntfy: &'a str, openrouter: &'a str) -> [(&'static str, &'a str); 7] {
    [
        ("BEEMINDER_API_BASE", beeminder),
        ("BEEMINDER_AUTH_TOKEN", beeminder::TOKEN),
        ("OPENROUTER_API_BASE", openrouter),
        ("OPENROUTER_API_KEY", purses::OPENROUTER_KEY),
        ("MECRIS_NTFY__URL", ntfy),
        ("MECRIS_NTFY__TOKEN", ntfy::TOKEN),
        ("MECRIS_ALERTS__QUIET_HOURS", "never"),
    ]
}

/// State that a test and a server share.
pub struct Shared<T>(Arc<Mutex<T>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Shared<T> {
    pub fn new(state: T) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves a router on a thread of its own, behind a [`Front`].
pub fn serve(router: Router) -> Front {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let behind = listener.local_addr().unwrap();
            tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
            let (front, work) = Front::new(behind).await;
            sender.send(front).unwrap();
            work.await;
        });
    });
    receiver.recv().unwrap()
}
