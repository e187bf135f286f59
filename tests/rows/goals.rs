//! Beeminder's goals and datapoints.

use mecris::config::{self, BaseUrl, Secret};
use mecris::integration::beeminder::Beeminder as Client;
use mecris::integration::resilience::Policy;
use serde_json::{Value, json};

use super::{odd_forms, source, with};
use crate::goals::{FAR, until, variables};
use crate::support::outside::beeminder::{self, Beeminder};
use crate::support::program::{Home, Running, Said};

fn client(server: &Beeminder) -> Client {
    let settings = config::Beeminder {
        api_base: BaseUrl::parse(&server.base()).unwrap(),
        ..config::Beeminder::default()
    };
    let policy = Policy { per_second: 10_000.try_into().unwrap(), ..Policy::default() };
    Client::new(&settings, &Secret::new(beeminder::TOKEN), policy, std::sync::Arc::new(|_, _| {})).unwrap()
}

/// Each field of a goal in each odd form, among goals that are good.
#[tokio::test]
async fn an_odd_goal_among_good_ones_is_named_and_costs_no_other() {
    let server = Beeminder::start();
    let client = client(&server);
    let bike = {
        let mut world = server.world.lock();
        for slug in ["art", "run"] {
            world.goal(slug, 9, FAR);
        }
        world.goal("bike", 3, FAR).clone()
    };
    let fields =
        ["id", "slug", "safebuf", "losedate", "deadline", "pledge", "queued", "todayta", "frozen", "won"];
    let mut rows = 0;
    for field in fields {
        for form in odd_forms() {
            server.world.lock().goals.insert("bike".into(), with(&bike, field, form.as_ref()));
            let told = client.goals().await.unwrap();
            let mut slugs: Vec<&str> =
                told.iter().map(|goal| goal.slug.as_str()).filter(|slug| *slug != "bike").collect();
            slugs.sort_unstable();
            assert_eq!(slugs, ["art", "run"], "{field} {form:?}");
            let is_kept = !matches!(field, "id" | "slug");
            assert_eq!(told.len(), if is_kept { 3 } else { 2 }, "{field}");
            let named = told.listed.odd.text().unwrap();
            assert!(
                named.contains(&format!("field {field} is ")) && named.len() < 200,
                "{field} {form:?}: {named}"
            );
            assert!(field == "slug" || named.starts_with("goal bike: "), "{named}");
            rows += 1;
        }
    }
    assert!(rows >= 60, "{rows}");
}

#[tokio::test]
async fn an_odd_datapoint_hides_no_other() {
    let server = Beeminder::start();
    let client = client(&server);
    server.world.lock().goal("bike", 3, FAR);
    let good = json!({"id": "p1", "value": 1.5, "daystamp": "20261123", "comment": "", "requestid": "r1"});
    for field in ["id", "value"] {
        for form in odd_forms() {
            if field == "value" && form.as_ref().is_some_and(Value::is_number) {
                continue;
            }
            let odd = with(&good, field, form.as_ref());
            server.world.lock().datapoints.insert("bike".into(), vec![odd, good.clone()]);
            let told = client.datapoints("bike", 5).await.unwrap();
            assert_eq!((told.len(), told[0].id.as_str()), (1, "p1"), "{field} {form:?}");
            assert!(told.odd.text().unwrap().contains(&format!("field {field} is ")), "{:?}", told.odd);
        }
    }
}

fn goals(running: &Running) -> Vec<Value> {
    running.get("/api/v1/goals").json()["goals"].as_array().unwrap().clone()
}

fn goal(running: &Running, slug: &str) -> Option<Value> {
    goals(running).into_iter().find(|goal| goal["slug"] == slug)
}

/// The real program: the odd field is named, the source is degraded, the other goals are new; when it passes, all is well.
#[test]
fn the_program_shows_the_other_goals_names_the_field_and_keeps_the_old_state() {
    let server = Beeminder::start();
    {
        let mut world = server.world.lock();
        world.goal("bike", 3, FAR);
        world.goal("run", 9, FAR + 1);
        world.goal("walk", 9, FAR + 2)["won"] = Value::Null;
    }
    let (home, base) = (Home::new(), server.base());
    let running = home.start_with(&[], &variables(&base, beeminder::TOKEN));
    let state = || source(&running, "beeminder");
    until("it is degraded", || state()["state"] == "degraded");
    assert_eq!(goals(&running).len(), 3, "a goal of which nobody says that it is won goes on");
    assert_eq!(state()["reason"], "3 goals; goal walk: field won is null");
    assert_eq!(state()["stale"], false);
    let said: Said = home.run(&["goals"]);
    assert!(said.out.contains("! beeminder: 3 goals; goal walk: field won is null"), "{said:?}");
    // How a known goal stands cannot be read any more: its state stays, and that is said. The others go on.
    {
        let mut world = server.world.lock();
        world.goals.get_mut("walk").unwrap()["won"] = false.into();
        world.goals.get_mut("bike").unwrap()["losedate"] = Value::Null;
        world.goals.get_mut("bike").unwrap()["safebuf"] = 0.into();
        world.goal("run", 1, FAR - 1);
    }
    until("the change of the other is seen", || goal(&running, "run").unwrap()["risk"] == "WARNING");
    until("the odd one is named", || state()["reason"] == "3 goals; goal bike: field losedate is null");
    let bike = goal(&running, "bike").unwrap();
    assert_eq!(
        (&bike["safe_days"], &bike["risk"]),
        (&json!(3), &json!("CAUTION")),
        "its old state stays: {bike}"
    );
    let old = state()["old"][0].clone();
    assert_eq!(old["name"], "bike");
    assert!(old["read_at"].is_string(), "with its age: {old}");
    assert!(home.run(&["goals"]).out.contains("bike is as it was read "), "{:?}", home.run(&["goals"]));
    // A row without any name may be any goal's: none is gone.
    server.world.lock().goals.get_mut("bike").unwrap()["id"] = Value::Null;
    until("it is left out", || {
        state()["reason"].as_str().is_some_and(|reason| reason.contains("field id is null"))
    });
    assert_eq!(goals(&running).len(), 3);
    // It passes.
    server.world.lock().goal("bike", 2, FAR);
    until("all is well", || state()["state"] == "ok");
    assert_eq!((state()["old"].clone(), state()["reason"].clone()), (Value::Null, json!("3 goals")));
    let logged = running.get("/api/v1/events?limit=1000").json().to_string();
    assert!(
        logged.contains("\"degraded\"") && !logged.contains("field won"),
        "names are not kept in reasons"
    );
    assert_eq!(running.stop(), 0);
}
