//! What a provider tells of a balance is held against what makes sense, with the real program: a key that cannot see the
//! account makes no balance, no alert and no answer; a real fall is believed at the next look, and a person at once.

use std::cell::Cell;

use serde_json::{Value, json};

use crate::alerts::until;
use crate::support::outside::purses::{self, BalanceApi};
use crate::support::program::{Home, Running};

/// A provider: its name, its server, the variables of its address and key, and the key.
struct Provider {
    name: &'static str,
    api: BalanceApi,
    variables: [&'static str; 2],
    key: &'static str,
}

fn openrouter() -> Provider {
    let variables = ["OPENROUTER_API_BASE", "OPENROUTER_API_KEY"];
    Provider { name: "openrouter", api: purses::openrouter(), variables, key: purses::OPENROUTER_KEY }
}

fn deepseek() -> Provider {
    let variables = ["DEEPSEEK_API_BASE", "DEEPSEEK_API_KEY"];
    Provider { name: "deepseek", api: purses::deepseek(), variables, key: purses::DEEPSEEK_KEY }
}

fn moonshot() -> Provider {
    let variables = ["MOONSHOT_API_BASE", "MOONSHOT_API_KEY"];
    Provider { name: "moonshot", api: purses::moonshot(), variables, key: purses::MOONSHOT_KEY }
}

fn credits(bought: &str, used: &str) -> String {
    format!(r#"{{"data":{{"total_credits":{bought},"total_usage":{used}}}}}"#)
}

fn infos(is_available: bool, lines: &[(&str, &str)]) -> String {
    let line = |(currency, left): &(&str, &str)| {
        format!(
            r#"{{"currency":"{currency}","total_balance":"{left}","granted_balance":"0.00","topped_up_balance":"{left}"}}"#
        )
    };
    let lines: Vec<String> = lines.iter().map(line).collect();
    format!(r#"{{"is_available":{is_available},"balance_infos":[{}]}}"#, lines.join(","))
}

fn cash(left: &str) -> String {
    format!(
        r#"{{"code":0,"data":{{"available_balance":{left},"voucher_balance":0,"cash_balance":{left}}},"scode":"0x0","status":true}}"#
    )
}

/// A supervisor that follows a provider.
struct Followed {
    home: Home,
    provider: Provider,
    running: Running,
    /// How often it was looked at again.
    looks: Cell<u32>,
}

impl Followed {
    fn start(provider: Provider, says: &str) -> Self {
        provider.api.says.lock().body = says.to_owned();
        let (home, url) = (Home::new(), provider.api.front.url());
        let variables = [(provider.variables[0], url.as_str()), (provider.variables[1], provider.key)];
        let config = home.dir.path().join("config.toml");
        std::fs::write(&config, "").unwrap();
        let running = home.start_with(&["--config", config.to_str().unwrap()], &variables);
        let followed = Self { home, provider, running, looks: Cell::new(0) };
        until("the first look", || (followed.source()["state"] == "ok").then_some(()));
        followed
    }

    fn source(&self) -> Value {
        let shown = self.running.get("/api/v1/sources").json();
        let sources = shown["sources"].as_array().unwrap().clone();
        sources.into_iter().find(|source| source["name"] == self.provider.name).unwrap()
    }

    /// Has the provider looked at again, and waits for that.
    fn look_again(&self, says: &str) {
        self.provider.api.says.lock().body = says.to_owned();
        let before = self.provider.api.front.requests();
        // Other settings are a reason to look at once.
        self.looks.set(self.looks.get() + 1);
        let settings = format!("[providers]\npoll_seconds = {}\n", 1_000 + self.looks.get());
        std::fs::write(self.home.dir.path().join("config.toml"), settings).unwrap();
        let bearer = format!("Bearer {}", self.running.token);
        let answer = self.running.send("POST", "/api/v1/reload", &[("authorization", &bearer)], None);
        assert_eq!(answer.status, 200, "{answer:?}");
        until("another look", || (self.provider.api.front.requests() > before).then_some(()));
        until("what came of it", || (self.source()["state"] == "ok").then_some(()));
    }

    fn balances(&self) -> Value {
        self.running.get("/api/v1/balance").json()
    }

    /// What is left in USD, if there is a balance.
    fn left(&self) -> Option<String> {
        let shown = self.balances();
        shown["balances"]
            .as_array()
            .unwrap()
            .first()
            .map(|line| line["left_usd"].as_str().unwrap().to_owned())
    }

    /// Why the first amount is not believed.
    fn why(&self) -> Option<String> {
        self.balances()["doubted"][0]["why"].as_str().map(str::to_owned)
    }

    /// Waits until the balance is this, for this doubt.
    fn comes_to(&self, left: Option<&str>, why: Option<&str>) {
        until(&format!("{}: {left:?}, {why:?}", self.provider.name), || {
            (self.left().as_deref() == left && self.why().as_deref() == why).then_some(())
        });
    }

    fn has_alert(&self) -> bool {
        self.running.send(
            "POST",
            "/api/v1/alerts/check",
            &[("authorization", &format!("Bearer {}", self.running.token))],
            None,
        );
        let shown = self.running.get("/api/v1/alerts").json();
        shown["alerts"].as_array().unwrap().iter().any(|alert| alert["kind"] == "balance-low")
    }

    fn can_afford(&self) -> Value {
        let said = self.home.run(&["can-afford", "0.01", "--json"]);
        serde_json::from_str::<Value>(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))["answer"]
            .clone()
    }
}

/// A key that cannot see the account, of each provider: however often it is asked.
#[test]
fn a_key_that_sees_nothing_makes_no_balance_no_alert_and_no_answer() {
    for (provider, says, why, mend) in [
        (openrouter(), credits("0", "0"), "nothing-of-nothing", "management key"),
        (deepseek(), infos(true, &[("USD", "0.00")]), "bare-nothing", "deepseek.api_key"),
        (moonshot(), cash("0"), "bare-nothing", "moonshot.api_key"),
    ] {
        let followed = Followed::start(provider, &says);
        let name = followed.provider.name;
        followed.comes_to(None, Some(why));
        for _ in 0..2 {
            followed.look_again(&says);
            followed.comes_to(None, Some(why));
        }
        assert!(!followed.has_alert(), "{name}");
        assert_eq!(followed.can_afford(), "yes", "{name}: nothing limits it");
        let shown = followed.balances();
        assert_eq!(shown["doubted"].as_array().unwrap().len(), 1, "{shown}");
        let line = &shown["doubted"][0];
        assert!(line["reason"].as_str().unwrap().contains("this key cannot read it"), "{line}");
        assert!(line["mend"].as_str().unwrap().contains(mend), "{line}");
        let reason = followed.source()["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains("this key cannot read it"), "{name}: {reason}");
        let table = followed.home.run(&["balance"]).out;
        assert!(table.contains("is not believed") && table.contains(mend), "{table}");
        let narrated = followed.running.get("/api/v1/narrator").json()["recommendations"].to_string();
        assert!(narrated.contains("balance-held"), "{narrated}");
        // A person's word counts at once, and the next answer takes nothing from it.
        let set = followed.home.json(&["balance", "set", "12.5", "--provider", name]);
        assert_eq!(set["balances"][0]["left_usd"], "12.5", "{set}");
        followed.look_again(&says);
        followed.comes_to(Some("12.5"), Some(why));
        let events = followed.running.get("/api/v1/events?limit=1000").json();
        let doubts = events["events"].as_array().unwrap().iter();
        let doubts = doubts.filter(|event| event["type"] == "balance-doubted").count();
        assert_eq!(doubts, 2, "{name}: the same doubt is no news until something else was said");
        assert_eq!(followed.running.stop(), 0);
        // The log has it, without a supervisor too.
        assert_eq!(followed.home.json(&["balance"])["doubted"][0]["why"], why);
    }
}

#[test]
fn a_fall_to_nothing_is_believed_at_the_next_look_and_a_mistake_is_not() {
    let was = [credits("100.5", "25.75"), infos(true, &[("USD", "74.75")]), cash("74.75")];
    let is = [credits("100.5", "100.5"), infos(false, &[("USD", "0.00")]), cash("0")];
    for ((provider, was), is) in [openrouter(), deepseek(), moonshot()].into_iter().zip(was).zip(is) {
        let followed = Followed::start(provider, &was);
        followed.comes_to(Some("74.75"), None);
        followed.look_again(&is);
        followed.comes_to(Some("74.75"), Some("fell-to-nothing"));
        assert!(!followed.has_alert());
        // It was a mistake.
        followed.look_again(&was);
        followed.comes_to(Some("74.75"), None);
        // It is so.
        followed.look_again(&is);
        followed.comes_to(Some("74.75"), Some("fell-to-nothing"));
        followed.look_again(&is);
        followed.comes_to(Some("0"), None);
        assert!(followed.has_alert(), "{}", followed.provider.name);
        assert_eq!(followed.can_afford(), "no");
        assert_eq!(followed.running.stop(), 0);
    }
}

#[test]
fn a_rise_is_believed_at_the_next_look_or_with_the_top_up() {
    let followed = Followed::start(openrouter(), &credits("100", "90"));
    followed.comes_to(Some("10"), None);
    followed.look_again(&credits("200", "90"));
    followed.comes_to(Some("10"), Some("rose"));
    assert!(followed.source()["reason"].as_str().unwrap().contains("no top-up is known"));
    followed.look_again(&credits("200", "90.5"));
    followed.comes_to(Some("109.5"), None);
    // With the person's word it is no surprise.
    followed.home.json(&["balance", "top-up", "50", "--provider", "openrouter"]);
    followed.look_again(&credits("250", "90.5"));
    until("the sum with the top-up is read", || {
        (followed.balances()["balances"][0]["read_usd"] == "159.5").then_some(())
    });
    assert_eq!(followed.why(), None);
    assert_eq!(followed.running.stop(), 0);
}

#[test]
fn nothing_in_one_currency_is_no_empty_account_where_there_is_money_in_another() {
    let says = infos(true, &[("USD", "0.00"), ("CNY", "110.00")]);
    let followed = Followed::start(deepseek(), &says);
    followed.comes_to(None, Some("other-currency"));
    followed.look_again(&says);
    followed.comes_to(None, Some("other-currency"));
    let shown = followed.balances();
    assert_eq!(
        (&shown["foreign"][0]["left"], &shown["foreign"][0]["currency"]),
        (&json!("110"), &json!("CNY"))
    );
    assert!(!followed.has_alert());
    assert_eq!(followed.running.stop(), 0);
}

#[test]
fn an_answer_that_contradicts_itself_is_held_until_one_makes_sense() {
    let odd = r#"{"code":0,"data":{"available_balance":0,"voucher_balance":46.5,"cash_balance":3},"scode":"0x0","status":true}"#;
    let followed = Followed::start(moonshot(), odd);
    followed.comes_to(None, Some("contradiction"));
    followed.look_again(odd);
    followed.comes_to(None, Some("contradiction"));
    assert_eq!(followed.can_afford(), "yes");
    followed.look_again(&cash("49.5"));
    followed.comes_to(Some("49.5"), None);
    assert_eq!(followed.running.stop(), 0);
}

/// `mecris doctor` says so as well, and names the provider's own mend.
#[test]
fn the_doctor_names_a_key_that_sees_nothing() {
    let (home, provider) = (Home::new(), openrouter());
    provider.api.says.lock().body = credits("0", "0");
    let mut command = home.command(&["doctor", "--json"]);
    command.env(provider.variables[0], provider.api.front.url()).env(provider.variables[1], provider.key);
    let said: crate::support::program::Said = command.output().unwrap().into();
    let diagnosis: Value = serde_json::from_str(&said.out).unwrap();
    let checks = diagnosis["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == "openrouter").unwrap();
    assert_eq!(check["verdict"], "warning", "{check}");
    assert!(check["detail"].as_str().unwrap().contains("this key cannot read it"), "{check}");
    assert!(check["fix"].as_str().unwrap().contains("management key"), "{check}");
}
