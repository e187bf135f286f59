//! The channels among the clients that meet every fault.

use mecris::config::PrivateUrl;
use mecris::integration::ntfy::{Notification, Ntfy, Priority};
use mecris::integration::webhook::Webhook;

use super::*;
use crate::support::outside::{hook, ntfy};

pub fn ntfy_case() -> Case {
    let server = ntfy::Ntfy::start();
    let (on_breaker, changes) = listener();
    let settings = config::Ntfy {
        url: Some(PrivateUrl::parse(&server.url()).unwrap()),
        token: Some(Secret::new(ntfy::TOKEN)),
        token_file: None,
    };
    let client = Ntfy::of(&settings, policy(), on_breaker).unwrap().unwrap();
    let outside = client.outside().clone();
    let ask = Box::new(move || {
        let client = client.clone();
        let notification = Notification {
            id: "attempt".into(),
            title: "marked-title".into(),
            message: "marked-message".into(),
            priority: Priority::Default,
            tags: Vec::new(),
        };
        Box::pin(async move { client.publish(&notification).await.map(|sent| assert!(!sent.id.is_empty())) })
            as Asking
    });
    Case { name: "ntfy", front: server.front, outside, ask, changes, repeats: false }
}

pub fn webhook_case() -> Case {
    let server = hook::Hook::start();
    let (on_breaker, changes) = listener();
    let settings = config::Webhook {
        url: Some(PrivateUrl::parse(&server.url()).unwrap()),
        secret: Some(Secret::new(hook::SECRET)),
        secret_file: None,
    };
    let client = Webhook::of(&settings, policy(), on_breaker).unwrap().unwrap();
    let outside = client.outside().clone();
    let ask = Box::new(move || {
        let client = client.clone();
        let body = serde_json::json!({"text": "marked-text"});
        Box::pin(async move { client.post("attempt", &body).await }) as Asking
    });
    Case { name: "webhook", front: server.front, outside, ask, changes, repeats: true }
}
