//! HTTP: one exchange, from the request to the whole answer or to why there is none.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;

use super::{Answer, Ask, Body, NO_CREDIT, Outside, OutsideError, Repeat, ask};

/// How many redirects are followed.
const REDIRECTS: usize = 3;

impl Outside {
    /// Sends, follows redirects, and reads the answer.
    pub(super) async fn exchange(&self, ask: &Ask) -> Result<Answer, OutsideError> {
        let inner = &*self.0;
        let system = inner.system;
        let mut url = ask
            .url(&inner.base, inner.auth.as_ref())
            .ok_or(OutsideError::Invalid { system, what: "its address is not one" })?;
        let mut redirects = 0;
        let response = loop {
            let client = if ask.repeat == Repeat::Safe { &inner.client } else { &inner.fresh };
            let request = client.request(ask.method.clone(), url.clone());
            let sent = ask.dress(request, inner.auth.as_ref()).send().await;
            let response = sent.map_err(|error| transport(system, &error))?;
            if !response.status().is_redirection() {
                break response;
            }
            // 301 and 302 would turn a write into a read, and lose it.
            let refused = OutsideError::RedirectRefused { system };
            let location = response.headers().get(reqwest::header::LOCATION);
            let target = location.and_then(|text| text.to_str().ok()).and_then(|text| url.join(text).ok());
            redirects += 1;
            match target {
                Some(target)
                    if ask.method == reqwest::Method::GET
                        && target.origin() == inner.base.origin()
                        && redirects <= REDIRECTS =>
                {
                    url = target;
                }
                _ => return Err(refused),
            }
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.read(response).await;
        let at = Timestamp::now();
        if status.is_success() {
            return Ok(Answer { system, status: status.as_u16(), headers, body: body?, at });
        }
        Err(self.refusal(status, ask::retry_after(&headers, at), body.unwrap_or_default()))
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Vec<u8>, OutsideError> {
        let (system, limit) = (self.0.system, self.0.policy.body_max);
        let too_large = OutsideError::TooLarge { system, limit };
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(too_large);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| transport(system, &error))? {
            if (body.len() + chunk.len()) as u64 > limit {
                return Err(too_large);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn refusal(&self, status: StatusCode, retry_after: Option<Duration>, body: Vec<u8>) -> OutsideError {
        let system = self.0.system;
        if status.is_client_error() && (self.0.code)(status.as_u16(), &body) == Some(NO_CREDIT) {
            return OutsideError::NoCredit { system, status: status.as_u16() };
        }
        if status.is_client_error()
            && let code @ Some(_) = (self.0.code)(status.as_u16(), &body)
        {
            return OutsideError::Rejected { system, status: status.as_u16(), code, body: Body(body) };
        }
        match status.as_u16() {
            401 | 403 => OutsideError::Unauthorized { system, status: status.as_u16(), fix: self.0.fix },
            404 => OutsideError::NotFound { system },
            429 => OutsideError::RateLimited { system, retry_after },
            status @ 500.. => OutsideError::Unavailable { system, status, retry_after },
            status => OutsideError::Rejected { system, status, code: None, body: Body(body) },
        }
    }
}

/// What reqwest says, without the address: a secret may be in it.
fn transport(system: &'static str, error: &reqwest::Error) -> OutsideError {
    if error.is_builder() {
        OutsideError::Invalid { system, what: "a value has characters that HTTP does not allow" }
    } else if error.is_connect() {
        OutsideError::Unreachable { system, reason: "no connection" }
    } else if error.is_timeout() {
        OutsideError::Unanswered { system, reason: "timeout" }
    } else {
        OutsideError::Unanswered { system, reason: "the connection ended" }
    }
}
