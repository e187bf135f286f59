//! The providers' official interfaces among the clients that meet every fault.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mecris::domain::lookback::Days;
use mecris::integration::deepseek::DeepSeek;
use mecris::integration::moonshot::Moonshot;
use mecris::integration::openai::OpenAi;
use mecris::integration::openrouter::OpenRouter;

use super::*;
use crate::support::outside::{openai, purses};

fn today() -> Days {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    Days { first: today, last: today }
}

fn case<C: Clone + 'static, F: Future<Output = Result<(), OutsideError>> + 'static>(
    name: &'static str,
    front: Front,
    client: C,
    changes: Arc<Mutex<Vec<BreakerState>>>,
    outside: &Outside,
    ask: impl Fn(C) -> F + 'static,
) -> Case {
    let ask = Box::new(move || Box::pin(ask(client.clone())) as Asking);
    Case { name, front, outside: outside.clone(), ask, changes, repeats: true }
}

pub fn provider_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for name in ["anthropic, usage", "anthropic, cost"] {
        let server = anthropic::Anthropic::start();
        let (on_breaker, changes) = listener();
        let api_base = base(&server.front.url());
        let settings = config::Anthropic { api_base, ..config::Anthropic::default() };
        let key = Secret::new(anthropic::ADMIN_KEY);
        let client = Anthropic::with_admin_key(&settings, &key, policy(), on_breaker).unwrap();
        let outside = client.outside().clone();
        cases.push(case(name, server.front, client, changes, &outside, move |client| async move {
            let asked = if name == "anthropic, usage" {
                client.usage(today()).await
            } else {
                client.cost(today()).await
            };
            asked.map(|days| assert_eq!(days.len(), 1))
        }));
    }
    let server = openai::OpenAi::start();
    let (on_breaker, changes) = listener();
    let settings = config::OpenAi { api_base: base(&server.front.url()), ..config::OpenAi::default() };
    let key = Secret::new(openai::ADMIN_KEY);
    let client = OpenAi::new(&settings, &key, policy(), on_breaker).unwrap();
    let outside = client.outside().clone();
    cases.push(case("openai", server.front, client, changes, &outside, |client| async move {
        client.costs(today()).await.map(|days| assert_eq!(days.len(), 1))
    }));
    let server = purses::openrouter();
    let (on_breaker, changes) = listener();
    let settings =
        config::OpenRouter { api_base: base(&server.front.url()), ..config::OpenRouter::default() };
    let client =
        OpenRouter::new(&settings, &Secret::new(purses::OPENROUTER_KEY), policy(), on_breaker).unwrap();
    let outside = client.outside().clone();
    cases.push(case("openrouter", server.front, client, changes, &outside, |client| async move {
        client.credits().await.map(|(credits, _)| assert_eq!(credits.total.exact(), "100.5"))
    }));
    let server = purses::deepseek();
    let (on_breaker, changes) = listener();
    let settings = config::DeepSeek { api_base: base(&server.front.url()), ..config::DeepSeek::default() };
    let client = DeepSeek::new(&settings, &Secret::new(purses::DEEPSEEK_KEY), policy(), on_breaker).unwrap();
    let outside = client.outside().clone();
    cases.push(case("deepseek", server.front, client, changes, &outside, |client| async move {
        client.balance(Timestamp::now()).await.map(|(told, _)| assert_eq!(told.balances.len(), 2))
    }));
    let server = purses::moonshot();
    let (on_breaker, changes) = listener();
    let settings = config::Moonshot { api_base: base(&server.front.url()), ..config::Moonshot::default() };
    let client = Moonshot::new(&settings, &Secret::new(purses::MOONSHOT_KEY), policy(), on_breaker).unwrap();
    let outside = client.outside().clone();
    cases.push(case("moonshot", server.front, client, changes, &outside, |client| async move {
        client.balance(Timestamp::now()).await.map(|(told, _)| assert_eq!(told.balances.len(), 1))
    }));
    cases
}

#[tokio::test]
async fn anthropic_s_usage_report_meets_every_fault() {
    meets_every_fault("anthropic, usage").await;
}

#[tokio::test]
async fn anthropic_s_cost_report_meets_every_fault() {
    meets_every_fault("anthropic, cost").await;
}

#[tokio::test]
async fn openai_meets_every_fault() {
    meets_every_fault("openai").await;
}

#[tokio::test]
async fn openrouter_meets_every_fault() {
    meets_every_fault("openrouter").await;
}

#[tokio::test]
async fn deepseek_meets_every_fault() {
    meets_every_fault("deepseek").await;
}

#[tokio::test]
async fn moonshot_meets_every_fault() {
    meets_every_fault("moonshot").await;
}
