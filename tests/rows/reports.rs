//! Providers' reports and balances.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use mecris::config::{BaseUrl, Config, Secret};
use mecris::domain::lookback::Days;
use mecris::domain::report::{Contents, DayReport};
use mecris::integration::PROVIDERS;
use mecris::integration::official::{Looked, ProviderClient};
use mecris::integration::resilience::Policy;
use serde_json::{Value, json};

use super::{odd_forms, source, with};
use crate::goals::until;
use crate::support::outside::{Front, Shared, anthropic, openai, purses, serve};
use crate::support::program::Home;

/// A server of reports that says what it is given.
struct Reports {
    front: Front,
    /// What is said of costs, and of usage.
    says: Shared<[Value; 2]>,
}

impl Reports {
    fn start() -> Self {
        use axum::extract::State;
        use axum::{Json, Router, routing::get};
        let says = Shared::new([Value::Null, Value::Null]);
        let at = |number: usize| {
            get(
                move |State(says): State<Shared<[Value; 2]>>| async move { Json(says.lock()[number].clone()) },
            )
        };
        let router = Router::new()
            .route("/v1/organizations/cost_report", at(0))
            .route("/v1/organizations/usage_report/messages", at(1))
            .route("/v1/organization/costs", at(0))
            .route("/v1/organization/usage/completions", at(1))
            .with_state(says.clone());
        Self { front: serve(router), says }
    }
}

fn client(name: &str, config: &Config) -> Box<dyn ProviderClient> {
    let kind = PROVIDERS.iter().find(|kind| kind.name == name).unwrap();
    let policy = Policy { per_second: 10_000.try_into().unwrap(), ..Policy::default() };
    let on_breaker: mecris::integration::resilience::OnBreaker = std::sync::Arc::new(|_, _| {});
    (kind.client)(config, policy, &on_breaker).unwrap().unwrap()
}

fn base(front: &Front) -> BaseUrl {
    BaseUrl::parse(&front.url()).unwrap()
}

const FIRST: Date = date(2026, 9, 1);
const SECOND: Date = date(2026, 9, 2);

async fn look(client: &dyn ProviderClient) -> Looked {
    client.look(Days { first: FIRST, last: SECOND }, Timestamp::now()).await
}

/// Two days of two rows each; the second row of the first day is `odd`.
fn page(bucket: impl Fn(Date, Vec<Value>) -> Value, good: &Value, odd: Value) -> Value {
    let days = [bucket(FIRST, vec![good.clone(), odd]), bucket(SECOND, vec![good.clone(), good.clone()])];
    json!({"data": days, "has_more": false, "next_page": null})
}

/// What is left out of each day, and how much was read.
fn read(looked: &Looked) -> Vec<(Date, u32, String)> {
    let of = |report: &DayReport| match &report.contents {
        Contents::Cost(cost) => (report.key.day, cost.left_out, cost.total().exact()),
        Contents::Usage(usage) => {
            let tokens: u64 = usage.lines.iter().map(|line| line.tokens.output).sum();
            (report.key.day, usage.left_out, tokens.to_string())
        }
    };
    looked.told.reports.iter().map(of).collect()
}

fn anthropic_bucket(day: Date, results: Vec<Value>) -> Value {
    let end = day.tomorrow().unwrap();
    json!({"starting_at": format!("{day}T00:00:00Z"), "ending_at": format!("{end}T00:00:00Z"), "results": results})
}

fn openai_bucket(day: Date, results: Vec<Value>) -> Value {
    let second = |day: Date| day.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second();
    json!({"object": "bucket", "start_time": second(day), "end_time": second(day.tomorrow().unwrap()), "results": results})
}

fn anthropic_rows() -> [Value; 2] {
    [
        json!({"amount": "150", "currency": "USD", "cost_type": "tokens", "model": "claude-opus-5", "token_type": "output_tokens"}),
        json!({"uncached_input_tokens": 7, "cache_creation": {"ephemeral_1h_input_tokens": 1, "ephemeral_5m_input_tokens": 2},
            "cache_read_input_tokens": 3, "output_tokens": 10, "server_tool_use": {"web_search_requests": 0},
            "model": "claude-opus-5"}),
    ]
}

fn openai_rows() -> [Value; 2] {
    [
        json!({"amount": {"value": 1.5, "currency": "usd"}, "line_item": "gpt-5, output"}),
        json!({"input_tokens": 9, "input_cached_tokens": 3, "input_cache_write_tokens": 1, "output_tokens": 10, "model": "gpt-5"}),
    ]
}

/// Fields of a cost row and of a usage row without which it says nothing; and those that are only its names.
type Fields = ([&'static [&'static str]; 2], [&'static [&'static str]; 2]);

async fn holds(
    name: &'static str,
    config: Config,
    server: &Reports,
    rows: [Value; 2],
    fields: Fields,
    bucket: fn(Date, Vec<Value>) -> Value,
) {
    let client = client(name, &config);
    let (mut tried, sums) = (0, [["1.5", "3"], ["10", "20"]]);
    let whole = [page(bucket, &rows[0], rows[0].clone()), page(bucket, &rows[1], rows[1].clone())];
    for kind in 0..2 {
        let (needed, names) = (fields.0[kind], fields.1[kind]);
        for field in needed.iter().chain(names) {
            for form in odd_forms() {
                let mut says = whole.clone();
                says[kind] = page(bucket, &rows[kind], with(&rows[kind], field, form.as_ref()));
                *server.says.lock() = says;
                let looked = look(&*client).await;
                assert_eq!(looked.failed, None, "{name} {field} {form:?}");
                let told = read(&looked);
                // Whatever is odd in one kind of report, the other is whole; both days are there.
                assert_eq!(told.len(), 4, "{name} {field} {form:?}: {told:?}");
                let is_lost = needed.contains(field);
                let of_kind: Vec<_> =
                    told.iter().filter(|(.., sum)| sums[kind].contains(&sum.as_str())).collect();
                let expected = if is_lost { (1, sums[kind][0]) } else { (0, sums[kind][1]) };
                assert_eq!((of_kind[0].1, of_kind[0].2.as_str()), expected, "{name} {field} {form:?}");
                assert_eq!(
                    (of_kind[1].1, of_kind[1].2.as_str()),
                    (0, sums[kind][1]),
                    "{name} {field} {form:?}"
                );
                let named = looked.told.odd.text();
                // A name may be null or missing.
                if is_lost || form.as_ref().is_some_and(|form| !form.is_null()) {
                    let named = named.unwrap();
                    let place = format!("2026-09-01 results[1]: field {field}");
                    assert!(named.starts_with(&place) && named.len() < 300, "{name} {form:?}: {named}");
                } else {
                    assert_eq!(named, None, "{name} {field} {form:?}");
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 30, "{name}: {tried}");
}

#[tokio::test]
async fn an_odd_row_of_anthropic_s_reports_costs_no_other() {
    let server = Reports::start();
    let mut config = Config::default();
    config.anthropic.api_base = base(&server.front);
    config.anthropic.admin_key = Some(Secret::new(anthropic::ADMIN_KEY));
    let counts: &[&str] = &[
        "uncached_input_tokens",
        "cache_creation",
        "cache_read_input_tokens",
        "output_tokens",
        "server_tool_use",
    ];
    let fields = ([&["amount", "currency"][..], counts], [&["model", "token_type"][..], &["model"]]);
    holds("anthropic", config, &server, anthropic_rows(), fields, anthropic_bucket).await;
}

#[tokio::test]
async fn an_odd_row_of_openai_s_reports_costs_no_other() {
    let server = Reports::start();
    let mut config = Config::default();
    config.openai.api_base = base(&server.front);
    config.openai.admin_key = Some(Secret::new(openai::ADMIN_KEY));
    let counts: &[&str] = &["input_tokens", "input_cached_tokens", "output_tokens"];
    let fields = ([&["amount"][..], counts], [&["line_item"][..], &["model"]]);
    holds("openai", config, &server, openai_rows(), fields, openai_bucket).await;
}

/// Rows that are no objects, buckets without a day, and a day whose rows are no list.
#[tokio::test]
async fn whole_rows_and_buckets_that_are_odd_are_left_out_and_named() {
    let server = Reports::start();
    let mut config = Config::default();
    config.openai.api_base = base(&server.front);
    config.openai.admin_key = Some(Secret::new(openai::ADMIN_KEY));
    let client = client("openai", &config);
    let [cost, usage] = openai_rows();
    for odd in [json!(null), json!(7), json!("x"), json!([]), json!([{}])] {
        *server.says.lock() =
            [page(openai_bucket, &cost, odd.clone()), page(openai_bucket, &usage, usage.clone())];
        let looked = look(&*client).await;
        assert_eq!((looked.told.reports.len(), looked.failed), (4, None), "{odd}");
        assert!(looked.told.odd.text().unwrap().starts_with("2026-09-01 results[1]: field row is "), "{odd}");
    }
    for (odd, named) in [
        (json!(null), "data[1]: field bucket is null"),
        (json!({"start_time": null}), "data[1]: field start_time is null"),
        (
            with(&openai_bucket(SECOND, vec![]), "results", Some(&json!({}))),
            "2026-09-02: field results is not",
        ),
        (
            with(&openai_bucket(SECOND, vec![]), "end_time", Some(&json!(1e18))),
            "data[1]: field end_time is too large",
        ),
    ] {
        let says = json!({"data": [openai_bucket(FIRST, vec![cost.clone()]), odd], "has_more": false});
        *server.says.lock() = [says, page(openai_bucket, &usage, usage.clone())];
        let looked = look(&*client).await;
        assert_eq!((looked.told.reports.len(), looked.failed), (3, None), "{named}");
        assert!(looked.told.odd.text().unwrap().starts_with(named), "{:?}", looked.told.odd);
    }
}

#[tokio::test]
async fn an_odd_balance_in_one_currency_hides_no_other() {
    let server = purses::deepseek();
    let mut config = Config::default();
    config.deepseek.api_base = base(&server.front);
    config.deepseek.api_key = Some(Secret::new(purses::DEEPSEEK_KEY));
    let client = client("deepseek", &config);
    let good = json!({"currency": "CNY", "total_balance": "110.00"});
    for field in ["currency", "total_balance"] {
        for form in odd_forms() {
            let odd = with(&good, field, form.as_ref());
            let usd = json!({"currency": "USD", "total_balance": "7.25"});
            server.says.lock().body = json!({"is_available": true, "balance_infos": [odd, usd]}).to_string();
            let looked = look(&*client).await;
            let left: Vec<String> = looked.told.balances.iter().map(|reading| reading.left.exact()).collect();
            assert_eq!((left, looked.failed), (vec!["7.25".to_owned()], None), "{field} {form:?}");
            let named = looked.told.odd.text().unwrap();
            assert!(named.contains(&format!("field {field} is ")), "{named}");
        }
    }
    server.says.lock().body =
        json!({"is_available": null, "balance_infos": [{"currency": "USD", "total_balance": "7.25"}]})
            .to_string();
    let looked = look(&*client).await;
    assert_eq!(looked.told.balances.len(), 1);
    assert_eq!(looked.told.odd.text().unwrap(), "balance: field is_available is null");
}

/// What `mecris status` prints, without its line ends.
fn told_in_status(home: &Home) -> String {
    home.run(&["status"]).out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The real program: the source is degraded and says where, the other rows are recorded, and the day's sum is marked.
#[test]
fn the_program_records_the_other_rows_and_marks_the_day() {
    let server = Reports::start();
    let now = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let day = now.yesterday().unwrap();
    let [cost, usage] = openai_rows();
    let odd = json!({"amount": null, "line_item": "gpt-5, input"});
    let of =
        |rows: Vec<Value>| json!({"data": [openai_bucket(day, rows)], "has_more": false, "next_page": null});
    *server.says.lock() = [
        of(vec![cost.clone(), odd]),
        of(vec![with(&usage, "input_cached_tokens", Some(&Value::Null)), usage.clone()]),
    ];
    let home = Home::new();
    let url = server.front.url();
    let running = home.start_with(&[], &[("OPENAI_API_BASE", &url), ("OPENAI_ADMIN_KEY", openai::ADMIN_KEY)]);
    until("it is degraded", || source(&running, "openai")["state"] == "degraded");
    let reason = source(&running, "openai")["reason"].as_str().unwrap().to_owned();
    assert!(
        reason.contains(&format!("{day} results[1]: field amount is null, so it is left out")),
        "{reason}"
    );
    assert!(reason.contains(&format!("{day} results[0]: field input_cached_tokens is null")), "{reason}");
    let reconciled = |running: &crate::support::program::Running| {
        let shown = running.get("/api/v1/reconcile?provider=openai").json();
        let days = shown["days"].as_array().unwrap().clone();
        days.into_iter().find(|line| line["day"] == day.to_string()).unwrap()
    };
    let line = reconciled(&running);
    assert_eq!((&line["actual_usd"], &line["left_out"]), (&json!("1.5"), &json!(1)), "{line}");
    assert_eq!(line["drift_usd"], Value::Null, "a part is compared with nothing: {line}");
    let table = home.run(&["reconcile"]).out;
    assert!(table.contains("1.50+?") || table.contains("1.5+?"), "{table}");
    assert!(table.contains("1 row left out"), "{table}");
    assert!(told_in_status(&home).contains("field amount is null"), "{}", told_in_status(&home));
    assert_eq!(running.stop(), 0);
    // The whole comes, and stays when a part is told again.
    *server.says.lock() = [of(vec![cost.clone(), cost.clone()]), of(vec![usage.clone(), usage])];
    let running = home.start_with(&[], &[("OPENAI_API_BASE", &url), ("OPENAI_ADMIN_KEY", openai::ADMIN_KEY)]);
    until("all is well", || source(&running, "openai")["state"] == "ok");
    until("the whole is shown", || reconciled(&running)["actual_usd"] == "3");
    assert_eq!(reconciled(&running)["left_out"], Value::Null);
    assert_eq!(running.stop(), 0);
}
