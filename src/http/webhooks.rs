//! What Twilio posts to us: what became of a message, and what the person answers. No token guards these, but
//! Twilio's signature over the public address; it is checked before anything is read.

#![allow(clippy::missing_errors_doc)]

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use crate::domain::code::Code;
use crate::integration::twilio::webhook::{
    Delivery, HEADER, INBOUND_PATH, Inbound, STATUS_PATH, Wish, is_genuine,
};

use super::problem::{Form, Problem};
use super::{App, overload};

type Fields = Vec<(String, String)>;

/// Twilio waits for an answer before it calls again; a few at once are many.
const IN_FLIGHT: usize = 8;

/// The two addresses, outside of the guard of Host and token. They have a bound of their own on what is worked on at
/// once, so that a flood of forged calls takes no turn from the API.
pub fn routes(app: App) -> Router {
    let bound = axum::middleware::from_fn_with_state(overload::Gate::of(IN_FLIGHT), overload::admit);
    let routes = Router::new().route(STATUS_PATH, post(status)).route(INBOUND_PATH, post(inbound));
    routes.layer(bound).with_state(app)
}

/// Refuses what Twilio did not sign for this address.
fn check(app: &App, headers: &HeaderMap, path: &str, fields: &Fields) -> Result<(), Problem> {
    let settings = app.system.queries.settings.current();
    let twilio = &settings.config.twilio;
    let (Some(url), Some(token)) = (&twilio.public_url, &twilio.auth_token) else {
        return Err(Problem::of(
            Code::NotFound,
            "set twilio.public_url and twilio.auth_token for this address",
        ));
    };
    let given = headers.get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if is_genuine(&token.to_secret(), url.at(path).as_str(), fields, given) {
        return Ok(());
    }
    tracing::warn!(path, "a request that Twilio did not sign was refused");
    Err(Problem::forbidden(
        "the signature is not Twilio's; twilio.public_url must be the address that Twilio was given",
    ))
}

/// What became of a message. The same may be told twice, late, or out of order.
async fn status(
    State(app): State<App>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<StatusCode, Problem> {
    check(&app, &headers, STATUS_PATH, &fields)?;
    if let Some(Delivery { sid, status, error_code }) = Delivery::read(&fields) {
        app.system.told_of_message(&sid, &status, error_code).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// What the person answers: STOP and START are obeyed, everything else is passed over.
async fn inbound(
    State(app): State<App>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Problem> {
    check(&app, &headers, INBOUND_PATH, &fields)?;
    if let Some(inbound) = Inbound::read(&fields) {
        match inbound.wish {
            Some(Wish::OptOut) => app.system.wished(&inbound.from, false).await?,
            Some(Wish::OptIn) => app.system.wished(&inbound.from, true).await?,
            Some(Wish::Help) | None => {}
        }
    }
    // Nothing is answered to the person; Twilio itself does for these words.
    Ok(([(CONTENT_TYPE, "text/xml")], "<Response/>").into_response())
}
