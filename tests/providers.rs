//! The providers' official interfaces, over the wire: what they tell becomes events, exactly, and corrections are new
//! ones. What makes no sense is refused and takes nothing with it.

#[path = "providers/runs.rs"]
mod runs;
#[path = "providers/sixty_days.rs"]
mod sixty_days;
#[path = "providers/supervisor.rs"]
mod supervisor;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mecris::config::{self, BaseUrl, Config, Secret};
use mecris::domain::balance::Source;
use mecris::domain::lookback::Days;
use mecris::event::TenantId;
use mecris::integration::PROVIDERS;
use mecris::integration::anthropic::{Anthropic, Person, Who};
use mecris::integration::official::{Looked, ProviderClient, ProviderKind};
use mecris::integration::resilience::{OnBreaker, OutsideError, Policy};
use mecris::log::{EventLog, MemoryLog};
use mecris::service::providers::ingest::{Ingest, TakeFailure, Taken};
use mecris::view::balances::{balances, foreign_balances};
use mecris::view::replay::{Until, replay};
use mecris::view::{TenantView, Views};

use crate::support::outside::books::{Books, Mischief};
use crate::support::outside::purses::{self, BalanceApi};
use crate::support::outside::{Fault, Front, anthropic, openai};

fn policy() -> Policy {
    Policy {
        each: Duration::from_secs(5),
        total: Duration::from_secs(10),
        tries: 2,
        pause: Duration::from_millis(5),
        per_second: NonZeroU32::new(1_000).unwrap(),
        ..Policy::default()
    }
}

fn nobody() -> OnBreaker {
    Arc::new(|_, _| {})
}

fn base(front: &Front) -> BaseUrl {
    BaseUrl::parse(&front.url()).unwrap()
}

/// The providers, in the order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Provider {
    Anthropic,
    OpenAi,
    OpenRouter,
    DeepSeek,
    Moonshot,
}

impl Provider {
    fn kind(self) -> &'static ProviderKind {
        PROVIDERS[self as usize]
    }

    fn name(self) -> &'static str {
        self.kind().name
    }
}

fn client(provider: Provider, config: &Config) -> Box<dyn ProviderClient> {
    (provider.kind().client)(config, policy(), &nobody()).unwrap().unwrap()
}

fn with_admin_key(server: &anthropic::Anthropic) -> Config {
    let mut config = Config::default();
    config.anthropic.api_base = base(&server.front);
    config.anthropic.admin_key = Some(Secret::new(anthropic::ADMIN_KEY));
    config
}

fn with_openai(server: &openai::OpenAi) -> Config {
    let mut config = Config::default();
    config.openai.api_base = base(&server.front);
    config.openai.admin_key = Some(Secret::new(openai::ADMIN_KEY));
    config
}

/// The same moment in UTC: noon.
fn noon(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).unwrap().timestamp() + SignedDuration::from_hours(12)
}

fn view_of(views: &Views) -> TenantView {
    views.tenant(&TenantId::local()).cloned().unwrap_or_default()
}

fn folded(log: &Arc<dyn EventLog>) -> TenantView {
    view_of(&replay(&**log, Until::Head, &mut |_, _| {}).unwrap())
}

/// Records on a thread of its own: a runtime's own must not wait for the log.
fn taken(
    log: &Arc<dyn EventLog>,
    system: &'static str,
    looked: Looked,
    now: Timestamp,
) -> Result<Taken, TakeFailure> {
    let record = || Ingest::new(log.clone(), &TenantId::local()).take(system, looked, now);
    std::thread::scope(|scope| scope.spawn(record).join().unwrap())
}

/// How a way to misbehave comes out: what is said of it, or that nothing is wrong.
#[tokio::test]
async fn pages_that_make_no_sense_are_refused_and_lose_nothing() {
    let (first, last) = (date(2026, 9, 1), date(2026, 9, 20));
    let days = Days { first, last };
    let table = [
        (Mischief::None, ""),
        (Mischief::TwiceEach, ""),
        (Mischief::OutOfOrder, ""),
        (Mischief::Endless, "more pages than there can be"),
        (Mischief::Around, "pages that lead back to one before"),
        (Mischief::Contradiction, "a day that is told twice, in other words"),
        (Mischief::HalfDays, "a bucket that is no UTC day"),
        // Rows: each is left out and named, and a day of which none is left is not told at all.
        (Mischief::Currency("pounds"), "currency is not what it should be, so it is left out"),
        (Mischief::TwoCurrencies, "a day in several currencies, so it is left out"),
        // As text it is an odd row; as a bare number it is no JSON at all.
        (Mischief::Amount("NaN"), " not "),
        (Mischief::Amount("1,234"), " not "),
        (Mischief::Amount("1e99"), "is too large, so it is left out"),
    ];
    let books = Books::seeded(11, first, 20);
    let (anthropic, openai) = (anthropic::Anthropic::start(), openai::OpenAi::start());
    {
        let mut world = anthropic.world.lock();
        (world.books, world.today, world.page_size) = (books.clone(), last, 4);
        let mut world = openai.world.lock();
        (world.books, world.today, world.page_size) = (books.clone(), last, 4);
    }
    let clients = [
        client(Provider::Anthropic, &with_admin_key(&anthropic)),
        client(Provider::OpenAi, &with_openai(&openai)),
    ];
    for client in clients {
        let system = client.system();
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::default());
        let mut right: Option<Looked> = None;
        for (mischief, expected) in table {
            anthropic.world.lock().mischief = mischief;
            openai.world.lock().mischief = mischief;
            let looked = client.look(days, noon(last)).await;
            match (&looked.failed, expected) {
                (None, "") => {
                    // Twice, or in any order, it is the same.
                    let known = right.get_or_insert_with(|| looked.clone());
                    assert_eq!(*known, looked, "{system}: {mischief:?}");
                    let taken = taken(&log, system, looked, noon(last)).unwrap();
                    assert_eq!((taken.revised, taken.refused), (0, None), "{system}: {mischief:?}");
                }
                (failed, expected) => {
                    let odd = looked.told.odd.text();
                    let said = match failed {
                        Some(OutsideError::Malformed { what, .. }) => (*what).to_owned(),
                        None => odd.unwrap_or_else(|| panic!("{system}: {mischief:?}")),
                        failed => panic!("{system}: {mischief:?}: {failed:?}"),
                    };
                    assert!(said.contains(expected), "{system}: {mischief:?}: {said}");
                    let before = folded(&log).reports;
                    let taken = taken(&log, system, looked, noon(last)).unwrap();
                    assert_eq!(
                        (taken.new, taken.revised),
                        (0, 0),
                        "{system}: {mischief:?}: what made sense was known"
                    );
                    assert_eq!(folded(&log).reports, before, "{system}: {mischief:?}");
                }
            }
        }
        let view = folded(&log);
        assert_eq!((view.reports.costs().count(), view.reports.usages().count()), (20, 20), "{system}");
    }
}

/// What is not in USD is kept as it is, and one bad day takes no other with it.
#[tokio::test]
async fn another_currency_is_kept_and_an_absurd_day_is_left_out() {
    let (first, last) = (date(2026, 9, 1), date(2026, 9, 5));
    let server = anthropic::Anthropic::start();
    {
        let mut world = server.world.lock();
        (world.books, world.today) = (Books::seeded(5, first, 5), last);
        world.mischief = Mischief::Currency("eur");
    }
    let client = client(Provider::Anthropic, &with_admin_key(&server));
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::default());
    let looked = client.look(Days { first, last }, noon(last)).await;
    assert_eq!(looked.failed, None);
    taken(&log, "anthropic", looked, noon(last)).unwrap();
    let view = folded(&log);
    let codes: Vec<String> = view
        .reports
        .costs()
        .filter(|(_, told)| !told.report.lines.is_empty())
        .map(|(_, told)| told.report.currency.to_string())
        .collect();
    assert!(!codes.is_empty() && codes.iter().all(|code| code == "EUR"), "{codes:?}");
    // 10⁹ USD for one line is no cost of a day: the line is left out, and a day of which none is left with it.
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::default());
    server.world.lock().mischief = Mischief::Amount("99999999999");
    let looked = client.look(Days { first, last }, noon(last)).await;
    let said = looked.told.odd.text().unwrap();
    assert!(said.contains("field amount is too large, so it is left out"), "{said}");
    assert_eq!(taken(&log, "anthropic", looked, noon(last)).unwrap().refused, None);
    let view = folded(&log);
    assert_eq!(view.reports.usages().count(), 5, "usage was told rightly");
    assert!(view.reports.costs().all(|(_, told)| told.report.lines.is_empty()));
}

fn with_purse(provider: Provider, purse: &BalanceApi, key: &str) -> Config {
    let mut config = Config::default();
    let (api_base, api_key) = (base(&purse.front), Some(Secret::new(key)));
    match provider {
        Provider::OpenRouter => {
            config.openrouter = config::OpenRouter { api_base, api_key, ..config.openrouter }
        }
        Provider::DeepSeek => config.deepseek = config::DeepSeek { api_base, api_key, ..config.deepseek },
        Provider::Moonshot => config.moonshot = config::Moonshot { api_base, api_key, ..config.moonshot },
        other => panic!("{other:?} has no purse"),
    }
    config
}

async fn look(client: &dyn ProviderClient, now: Timestamp) -> Looked {
    client.look(Days { first: date(2026, 11, 23), last: date(2026, 11, 23) }, now).await
}

#[tokio::test]
async fn balances_are_read_to_the_last_digit_and_stay_in_their_currency() {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::default());
    let now = noon(date(2026, 11, 23));
    let purses = [
        (Provider::OpenRouter, purses::openrouter(), purses::OPENROUTER_KEY),
        (Provider::DeepSeek, purses::deepseek(), purses::DEEPSEEK_KEY),
        (Provider::Moonshot, purses::moonshot(), purses::MOONSHOT_KEY),
    ];
    for (provider, purse, key) in &purses {
        let client = client(*provider, &with_purse(*provider, purse, key));
        let looked = look(&*client, now).await;
        assert_eq!(looked.failed, None, "{provider:?}");
        let taken = taken(&log, provider.name(), looked, now).unwrap();
        assert_eq!(taken, Taken::default(), "{provider:?}");
    }
    let view = folded(&log);
    let shown: Vec<(String, String, Source)> = balances(&view, now)
        .into_iter()
        .map(|line| (line.provider, line.left_usd.exact(), line.source))
        .collect();
    let expected = [("deepseek", "7.25"), ("moonshot", "49.58894"), ("openrouter", "74.75")];
    assert_eq!(shown, expected.map(|(name, left)| (name.into(), left.into(), Source::ProviderApi)));
    let foreign: Vec<(String, String, String)> = foreign_balances(&view, now)
        .into_iter()
        .map(|other| (other.provider, other.left.exact(), other.currency.to_string()))
        .collect();
    assert_eq!(foreign, [("deepseek".into(), "110".into(), "CNY".into())]);
}

/// What the providers may say, and what comes of it.
#[tokio::test]
async fn what_a_provider_says_of_a_balance_is_a_reading_or_a_named_failure() {
    use Provider::{DeepSeek, Moonshot, OpenRouter};
    let now = noon(date(2026, 11, 23));
    let purses = [
        (OpenRouter, purses::openrouter(), purses::OPENROUTER_KEY),
        (DeepSeek, purses::deepseek(), purses::DEEPSEEK_KEY),
        (Moonshot, purses::moonshot(), purses::MOONSHOT_KEY),
    ];
    let info = |currency: &str, left: &str| {
        format!(
            r#"{{"currency":"{currency}","total_balance":{left},"granted_balance":"0","topped_up_balance":"0"}}"#
        )
    };
    let deepseek =
        |infos: &[String]| format!(r#"{{"is_available":true,"balance_infos":[{}]}}"#, infos.join(","));
    let rows = [
        (OpenRouter, 200, r#"{"data":{"total_credits":0,"total_usage":0}}"#.to_owned(), "0"),
        (OpenRouter, 200, r#"{"data":{"total_credits":5,"total_usage":5.0000001}}"#.to_owned(), "-0.0000001"),
        (OpenRouter, 200, r#"{"data":{"total_credits":"5","total_usage":"1e-3"}}"#.to_owned(), "4.999"),
        (OpenRouter, 200, r#"{"data":{"total_credits":null,"total_usage":1}}"#.to_owned(), "malformed"),
        (OpenRouter, 200, r#"{"data":{}}"#.to_owned(), "malformed"),
        (
            OpenRouter,
            402,
            r#"{"error":{"code":402,"message":"Insufficient credits"}}"#.to_owned(),
            "no-credit",
        ),
        (DeepSeek, 200, deepseek(&[]), "nothing"),
        (DeepSeek, 200, deepseek(&[info("USD", r#""0.00""#)]), "0"),
        (DeepSeek, 200, deepseek(&[info("USD", r#""-1.5""#)]), "-1.5"),
        (DeepSeek, 200, deepseek(&[info("USD", r#""1,234.50""#)]), "malformed"),
        (DeepSeek, 200, deepseek(&[info("$", r#""1.50""#)]), "malformed"),
        (DeepSeek, 200, deepseek(&[info("USD", r#""1.50""#), info("USD", r#""1.5""#)]), "1.5"),
        (DeepSeek, 200, deepseek(&[info("USD", r#""1.50""#), info("USD", r#""2.50""#)]), "malformed"),
        (DeepSeek, 402, r#"{"error":{"message":"Insufficient Balance"}}"#.to_owned(), "no-credit"),
        (
            Moonshot,
            200,
            r#"{"code":0,"data":{"available_balance":-3.2,"cash_balance":-3.2},"status":true}"#.to_owned(),
            "-3.2",
        ),
        (
            Moonshot,
            200,
            r#"{"code":5,"data":{"available_balance":1},"scode":"0x5","status":false}"#.to_owned(),
            "malformed",
        ),
        (Moonshot, 200, r#"{"code":0,"data":null,"status":true}"#.to_owned(), "malformed"),
        (
            Moonshot,
            429,
            r#"{"error":{"message":"x","type":"exceeded_current_quota_error"}}"#.to_owned(),
            "no-credit",
        ),
    ];
    for (provider, status, body, expected) in rows {
        let (_, purse, key) = purses.iter().find(|(known, ..)| *known == provider).unwrap();
        (purse.says.lock().status, purse.says.lock().body) = (status, body.clone());
        let client = client(provider, &with_purse(provider, purse, key));
        let looked = look(&*client, now).await;
        let found = match &looked.failed {
            Some(error) => error.kind().to_owned(),
            None => looked.told.balances.first().map_or("nothing".to_owned(), |reading| reading.left.exact()),
        };
        assert_eq!(found, expected, "{provider:?}: {body}");
    }
}

/// A refusal because nothing is left is a reading of nothing, from each provider that can say so to us.
#[tokio::test]
async fn that_no_credit_is_left_is_a_reading_too() {
    let now = noon(date(2026, 11, 23));
    let (anthropic, openai, deepseek) =
        (anthropic::Anthropic::start(), openai::OpenAi::start(), purses::deepseek());
    anthropic.world.lock().mischief = Mischief::NoCredit;
    openai.world.lock().mischief = Mischief::NoCredit;
    deepseek.says.lock().status = 402;
    let mut ordinary = Config::default();
    ordinary.anthropic.api_base = base(&anthropic.front);
    ordinary.anthropic.api_key = Some(Secret::new(anthropic::KEY));
    let cases = [
        (Provider::Anthropic, ordinary, "HTTP 400"),
        (Provider::OpenAi, with_openai(&openai), "HTTP 429"),
        (Provider::DeepSeek, with_purse(Provider::DeepSeek, &deepseek, purses::DEEPSEEK_KEY), "HTTP 402"),
    ];
    for (provider, config, found) in cases {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::default());
        let client = client(provider, &config);
        for _ in 0..3 {
            let looked = look(&*client, now).await;
            assert_eq!(looked.failed.as_ref().map(OutsideError::kind), Some("no-credit"), "{provider:?}");
            let said = looked.failed.as_ref().unwrap().to_string();
            assert!(said.contains("no credit is left") && !said.contains("Plans & Billing"), "{said}");
            taken(&log, provider.name(), looked, now).unwrap();
        }
        let shown = balances(&folded(&log), now);
        let [line] = shown.as_slice() else { panic!("{provider:?}: {shown:?}") };
        assert_eq!(
            (line.left_usd.exact().as_str(), line.source, line.found.as_str()),
            ("0", Source::Refusal, found)
        );
    }
}

#[tokio::test]
async fn people_are_read_over_all_pages_and_named_nowhere() {
    let server = anthropic::Anthropic::start();
    let settings = config::Anthropic { api_base: base(&server.front), ..config::Anthropic::default() };
    let key = Secret::new(anthropic::ADMIN_KEY);
    let client = Anthropic::with_admin_key(&settings, &key, policy(), nobody()).unwrap();
    let day = date(2026, 11, 23);
    let mut known: Option<Vec<Person>> = None;
    for mischief in [Mischief::None, Mischief::TwiceEach] {
        server.world.lock().mischief = mischief;
        let people = client.people(day).await.unwrap().rows;
        assert_eq!(known.get_or_insert_with(|| people.clone()), &people, "{mischief:?}");
    }
    let people = known.unwrap();
    let costs: Vec<String> = people.iter().map(|person| person.estimated_cost.unwrap().exact()).collect();
    assert_eq!(costs, ["10.251234567", "0.26"], "cents, exactly");
    assert!(matches!(&people[0].who, Who::User(name) if name.0 == anthropic::PERSON));
    assert_eq!((people[0].sessions, people[0].lines_added, people[0].commits), (5, 1_543, 12));
    assert!(!format!("{people:?}").contains("marked"), "{people:?}");
    server.world.lock().mischief = Mischief::Endless;
    assert_eq!(client.people(day).await.unwrap_err().kind(), "malformed");
}

/// An ordinary key where an admin key is wanted, and a wrong one: a state, asked once, with its mend.
#[tokio::test]
async fn a_key_of_the_wrong_kind_is_refused_once_and_says_what_mends_it() {
    let (server, openai) = (anthropic::Anthropic::start(), openai::OpenAi::start());
    let mut config = with_admin_key(&server);
    config.openai = with_openai(&openai).openai;
    let now = noon(date(2026, 11, 23));
    for (provider, key, front, requests, mend) in [
        (Provider::Anthropic, anthropic::KEY, &server.front, 2, "individual accounts have none"),
        (
            Provider::Anthropic,
            "sk-ant-admin01-marked-wrong",
            &server.front,
            2,
            "individual accounts have none",
        ),
        (Provider::OpenAi, openai::KEY, &openai.front, 2, "an owner of the organisation"),
        (Provider::OpenAi, "sk-admin-marked-wrong", &openai.front, 2, "an owner of the organisation"),
    ] {
        config.anthropic.admin_key = Some(Secret::new(key));
        config.openai.admin_key = Some(Secret::new(key));
        let client = client(provider, &config);
        let before = front.requests();
        let failed = look(&*client, now).await.failed.unwrap();
        assert!(failed.is_refused_key() && failed.to_string().contains(mend), "{failed}");
        assert!(!format!("{failed} {failed:?}").contains("marked"), "{failed:?}");
        assert_eq!(front.requests() - before, requests, "each report was asked for once");
    }
    // A report that fails takes the other's days not with it: here both come after an hour's trouble.
    server.front.fault(Fault::Status(503));
    config.anthropic.admin_key = Some(Secret::new(anthropic::ADMIN_KEY));
    let client = client(Provider::Anthropic, &config);
    assert_eq!(look(&*client, now).await.failed.unwrap().kind(), "unavailable");
}

/// Claude Code's own line about a call that had no credit is a reading of nothing, and its sentence is kept nowhere.
#[test]
fn a_refusal_that_a_transcript_tells_of_is_a_reading() {
    use crate::support::program::{Home, everything_below};
    let home = Home::new();
    let line = |at: Timestamp, text: &str| {
        format!(
            r#"{{"type":"assistant","timestamp":"{at}","uuid":"u-{at}","sessionId":"s","isApiErrorMessage":true,"message":{{"id":"m","model":"<synthetic>","content":[{{"type":"text","text":"{text}"}}],"usage":{{"input_tokens":0,"output_tokens":0}}}}}}
"#
        )
    };
    let now = Timestamp::now();
    let ago = |hours: i64| now - SignedDuration::from_hours(hours);
    // One of the day before yesterday says nothing of now.
    home.transcript("old.jsonl", line(ago(49), "Credit balance is too low, marked-sentence"));
    home.json(&["import"]);
    assert_eq!(home.json(&["balance"])["balances"].as_array().unwrap().len(), 0);
    home.transcript("new.jsonl", line(ago(2), "Credit balance is too low, marked-sentence"));
    home.transcript("copy.jsonl", line(ago(2), "Credit balance is too low, marked-sentence"));
    home.transcript("other.jsonl", line(ago(1), "You've hit your limit, marked-sentence"));
    for _ in 0..2 {
        home.json(&["import"]);
        let shown = home.json(&["balance"]);
        let [line] = shown["balances"].as_array().unwrap().as_slice() else { panic!("{shown}") };
        assert_eq!((&line["left_usd"], &line["source"]), (&"0".into(), &"refusal".into()), "{shown}");
    }
    let kept = everything_below(&home.data());
    assert!(!kept.windows(15).any(|window| window == b"marked-sentence"));
}

/// Who used Claude Code, by the program itself and by its supervisor: the same, and no name in the data directory.
#[test]
fn people_are_told_with_an_admin_key_and_without_one_the_reason_is() {
    use crate::support::program::{Home, Said, everything_below};
    let (server, home) = (anthropic::Anthropic::start(), Home::new());
    let url = server.front.url();
    let variables = [
        ("ANTHROPIC_API_BASE", url.as_str()),
        ("ANTHROPIC_ADMIN_KEY", anthropic::ADMIN_KEY),
        ("MECRIS_PEOPLE__ACTIVITY", "true"),
    ];
    let say = |keys: usize, options: &[&str]| -> Said {
        let mut command = home.command(&[&["people", "--day", "2026-11-23"], options].concat());
        command.envs(variables[..keys].iter().copied()).output().unwrap().into()
    };
    let ask = |keys: usize, options: &[&str]| {
        let said = say(keys, &[&["--json"], options].concat());
        serde_json::from_str::<serde_json::Value>(&said.out)
            .unwrap_or_else(|error| panic!("{error}: {said:?}"))
    };
    let without = ask(1, &[]);
    assert_eq!(
        (&without["state"], without["people"].as_array().map(Vec::len)),
        (&"not-configured".into(), Some(0))
    );
    // By name only where that is asked for; the cost is the same, and who asked is told.
    let named = say(2, &["--names", "--json", "--log-level", "info"]);
    assert!(named.err.contains("are shown by name") && named.err.contains("cli"), "{named:?}");
    assert!(!named.err.contains("marked-ada"), "{named:?}");
    let named: serde_json::Value = serde_json::from_str(&named.out).unwrap();
    let of = |shown: &serde_json::Value, is_key: bool| {
        let people = shown["people"].as_array().unwrap().iter();
        people.clone().find(|person| person["is_key"] == is_key).unwrap().clone()
    };
    assert_eq!((&of(&named, false)["name"], &named["named"]), (&anthropic::PERSON.into(), &true.into()));
    let own = ask(2, &[]);
    assert_eq!((&of(&own, false)["estimated_usd"], &own["named"]), (&"10.251234567".into(), &false.into()));
    for (is_key, prefix) in [(false, "m-"), (true, "k-")] {
        let (own, named) = (of(&own, is_key), of(&named, is_key));
        let pseudonym = own["name"].as_str().unwrap();
        assert!(pseudonym.starts_with(prefix) && pseudonym.len() == 18, "{pseudonym}");
        assert_eq!((&own["tokens"], &own["terminal"]), (&named["tokens"], &named["terminal"]));
        for activity in ["lines_added", "lines_removed", "commits", "pull_requests"] {
            assert!(
                own.get(activity).is_none() && named.get(activity).is_none(),
                "{activity} is shown unasked"
            );
        }
    }
    let (table, by_name) = (say(2, &[]).out, say(2, &["--names"]).out);
    assert!(!table.contains("marked-ada") && !table.contains("Commits"), "{table}");
    assert!(by_name.contains(anthropic::PERSON) && !by_name.contains("Lines"), "{by_name}");
    assert!(say(3, &[]).out.contains("Commits"), "where a setting says so, they are shown");
    assert_eq!(
        (&of(&ask(3, &[]), false)["commits"], of(&ask(3, &[]), true).get("lines_added").is_some()),
        (&12.into(), true)
    );
    let running = home.start_with(&[], &variables[..2]);
    assert_eq!(ask(0, &[]), own, "a supervisor says the same");
    assert_eq!(ask(0, &["--names"]), named);
    assert_eq!(running.get("/api/v1/people?day=2026-11-23").json(), own);
    assert_eq!(running.get("/api/v1/people?day=2026-11-23&names=perhaps").status, 400);
    server.front.fault(Fault::Status(403));
    let refused = running.get("/api/v1/people?day=2026-11-23");
    assert_eq!((refused.status, &refused.json()["state"]), (200, &"unauthorized".into()));
    assert_eq!(running.get("/api/v1/people?day=monday").status, 400);
    assert_eq!(running.stop(), 0);
    let kept = everything_below(&home.data());
    assert!(!kept.windows(10).any(|window| window == b"marked-ada"));
}
