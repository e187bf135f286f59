//! Providers that tell what is left: OpenRouter's credits, DeepSeek's and Moonshot's balance. Bodies are texts, because
//! how a number is written is part of what they say.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::{Front, Shared, serve};

pub const OPENROUTER_KEY: &str = "sk-or-v1-marked-management-key";
/// Not a management key.
pub const OPENROUTER_ORDINARY_KEY: &str = "sk-or-v1-marked-ordinary-key";
pub const DEEPSEEK_KEY: &str = "sk-marked-deepseek-key";
pub const MOONSHOT_KEY: &str = "sk-marked-moonshot-key";

/// A server, and what it says; a test may have it say something else.
pub struct BalanceApi {
    pub front: Front,
    pub says: Shared<Says>,
}

#[derive(Clone)]
pub struct Says {
    pub status: u16,
    pub body: String,
    /// What is said of a key itself.
    pub of_key: String,
}

fn purse(router: Router<Shared<Says>>, body: &str, of_key: &str) -> BalanceApi {
    let says = Shared::new(Says { status: 200, body: body.to_owned(), of_key: of_key.to_owned() });
    BalanceApi { front: serve(router.with_state(says.clone())), says }
}

pub fn openrouter() -> BalanceApi {
    let router = Router::new().route("/api/v1/credits", get(credits)).route("/api/v1/key", get(key));
    let of_key = r#"{"data":{"label":"sk-or-v1-0e6...1c96","limit":20,"limit_remaining":null,"limit_reset":null,
        "usage":25.5,"usage_daily":0.1,"usage_weekly":1,"usage_monthly":2,"byok_usage":0,"include_byok_in_limit":false,
        "is_free_tier":false,"is_management_key":false,"is_provisioning_key":false,"expires_at":null,
        "rate_limit":{"requests":-1,"interval":"10s","note":"deprecated"}}}"#;
    purse(router, r#"{"data":{"total_credits":100.5,"total_usage":25.7500000000000004}}"#, of_key)
}

pub fn deepseek() -> BalanceApi {
    let router = Router::new().route("/user/balance", get(deepseek_balance));
    let body = r#"{"is_available":true,"balance_infos":[
        {"currency":"CNY","total_balance":"110.00","granted_balance":"10.00","topped_up_balance":"100.00"},
        {"currency":"USD","total_balance":"7.25","granted_balance":"0.00","topped_up_balance":"7.25"}]}"#;
    purse(router, body, "")
}

pub fn moonshot() -> BalanceApi {
    let router = Router::new().route("/v1/users/me/balance", get(moonshot_balance));
    let body = r#"{"code":0,"data":{"available_balance":49.58894,"voucher_balance":46.58893,"cash_balance":3.00001},
        "scode":"0x0","status":true}"#;
    purse(router, body, "")
}

fn text(status: StatusCode, body: impl Into<String>) -> Response {
    (status, [("content-type", "application/json")], body.into()).into_response()
}

fn sent(headers: &HeaderMap) -> &str {
    let header = headers.get("authorization").and_then(|value| value.to_str().ok());
    header.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default()
}

fn said(says: &Shared<Says>) -> Response {
    let says = says.lock();
    text(StatusCode::from_u16(says.status).unwrap(), says.body.clone())
}

async fn credits(State(says): State<Shared<Says>>, headers: HeaderMap) -> Response {
    match sent(&headers) {
        OPENROUTER_KEY => said(&says),
        OPENROUTER_ORDINARY_KEY => {
            let body =
                r#"{"error":{"code":403,"message":"Only management keys can fetch credits for an account"}}"#;
            text(StatusCode::FORBIDDEN, body)
        }
        _ => {
            text(StatusCode::UNAUTHORIZED, r#"{"error":{"code":401,"message":"No auth credentials found"}}"#)
        }
    }
}

async fn key(State(says): State<Shared<Says>>, headers: HeaderMap) -> Response {
    match sent(&headers) {
        OPENROUTER_KEY | OPENROUTER_ORDINARY_KEY => text(StatusCode::OK, says.lock().of_key.clone()),
        _ => {
            text(StatusCode::UNAUTHORIZED, r#"{"error":{"code":401,"message":"No auth credentials found"}}"#)
        }
    }
}

async fn deepseek_balance(State(says): State<Shared<Says>>, headers: HeaderMap) -> Response {
    if sent(&headers) == DEEPSEEK_KEY {
        return said(&says);
    }
    let body = r#"{"error":{"message":"Authentication Fails","type":"authentication_error","param":null,"code":"invalid_request_error"}}"#;
    text(StatusCode::UNAUTHORIZED, body)
}

async fn moonshot_balance(State(says): State<Shared<Says>>, headers: HeaderMap) -> Response {
    if sent(&headers) == MOONSHOT_KEY {
        return said(&says);
    }
    let body = r#"{"error":{"message":"Invalid Authentication","type":"invalid_authentication_error"}}"#;
    text(StatusCode::UNAUTHORIZED, body)
}
