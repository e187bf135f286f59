//! A page of the browser, and what is done with it.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::DeserializeOwned;

use super::commands::{
    ActivateTarget, AttachToTarget, CaptureScreenshot, CreateTarget, EnableNetwork, Evaluate,
    GetResponseBody, Navigate,
};
use super::{CdpError, Client, Event};

/// An open page; cheap to clone.
#[derive(Clone)]
pub struct Page {
    client: Client,
    target: String,
    session: String,
}

impl Page {
    /// Opens one.
    ///
    /// # Errors
    /// [`CdpError`].
    pub async fn open(client: &Client, url: &str) -> Result<Self, CdpError> {
        let target = client.call(None, &CreateTarget { url }).await?.target_id;
        let attach = AttachToTarget { target_id: &target, flatten: true };
        let session = client.call(None, &attach).await?.session_id;
        Ok(Self { client: client.clone(), target, session })
    }

    /// Begins to tell of responses. The ear must not wait.
    ///
    /// # Errors
    /// [`CdpError`].
    pub async fn hear(&self, ear: impl FnMut(Event) + Send + 'static) -> Result<(), CdpError> {
        self.client.hear(&self.session, ear);
        self.client.call(Some(&self.session), &EnableNetwork::BOUNDED).await.map(drop)
    }

    /// Goes to an address; whether the page has begun to come.
    ///
    /// # Errors
    /// [`CdpError`].
    pub async fn navigate(&self, url: &str, within: Duration) -> Result<bool, CdpError> {
        let navigated = self.client.call_within(within, Some(&self.session), &Navigate { url }).await?;
        Ok(navigated.error_text.is_none())
    }

    /// What a script comes to; none where it throws or comes to something else.
    pub async fn evaluate<T: DeserializeOwned>(&self, script: &str, within: Duration) -> Option<T> {
        let command = Evaluate::<T>::new(script);
        let evaluated = self.client.call_within(within, Some(&self.session), &command).await.ok()?;
        evaluated.result.value.filter(|_| evaluated.exception_details.is_none())
    }

    /// The bytes of a response.
    ///
    /// # Errors
    /// [`CdpError`].
    pub async fn body(&self, request_id: &str) -> Result<Vec<u8>, CdpError> {
        let answer = self.client.call(Some(&self.session), &GetResponseBody { request_id }).await?;
        Ok(if answer.base64_encoded {
            BASE64_STANDARD.decode(&answer.body).unwrap_or_default()
        } else {
            answer.body.into_bytes()
        })
    }

    /// A picture of the page, as PNG.
    pub async fn picture(&self) -> Option<Vec<u8>> {
        self.client.call(None, &ActivateTarget { target_id: &self.target }).await.ok()?;
        let taken = self.client.call(Some(&self.session), &CaptureScreenshot { format: "png" }).await;
        BASE64_STANDARD.decode(taken.ok()?.data).ok()
    }
}
