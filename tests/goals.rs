//! Goals: what is asked of Beeminder and when, datapoints that are written once, feeds, local goals.

use mecris::config::{self, BaseUrl, Secret};
use mecris::integration::beeminder::{Beeminder as Client, NewDatapoint};
use mecris::integration::resilience::Policy;

use crate::support::outside::beeminder::{self, Beeminder, Line};
use crate::support::program::{Home, Running};

/// Far enough for every test.
const FAR: i64 = 1_990_000_000;

/// What a supervisor is told of a server.
fn variables<'a>(base: &'a str, token: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("BEEMINDER_API_BASE", base),
        ("BEEMINDER_AUTH_TOKEN", token),
        ("MECRIS_BEEMINDER__POLL_SECONDS", "1"),
        ("MECRIS_OUTSIDE__TIMEOUT_SECONDS", "2"),
    ]
}

/// Waits until something is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..1_200 {
        if is_so() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    panic!("it did not come about: {what}");
}

/// Events of these types, by type.
fn told(running: &Running, types: &[&str]) -> Vec<serde_json::Value> {
    let page = running.get("/api/v1/events?limit=1000").json();
    let events = page["events"].as_array().unwrap().iter();
    events.filter(|event| types.contains(&event["type"].as_str().unwrap())).cloned().collect()
}

#[test]
fn an_unchanged_account_costs_one_small_call_and_a_change_what_changed() {
    let server = Beeminder::start();
    for number in 0..20 {
        server.world.lock().goal(&format!("goal-{number}"), 9, FAR + number);
    }
    let (home, base) = (Home::new(), server.base());
    let running = home.start_with(&[], &variables(&base, beeminder::TOKEN));
    let looks = |what: &str| server.world.lock().asked.iter().filter(|asked| *asked == what).count();
    until("five looks", || looks("user me.json") >= 5);
    assert_eq!((looks("goals"), looks("changes")), (1, 0), "all goals are asked for once");
    server.world.lock().goal("goal-3", 1, FAR - 5);
    until("the change is seen", || running.get("/api/v1/goals").json()["goals"][0]["risk"] == "WARNING");
    server.world.lock().delete_goal("goal-4");
    until("the end is seen", || running.get("/api/v1/goals").json()["goals"].as_array().unwrap().len() == 19);
    assert_eq!((looks("goals"), looks("changes")), (1, 2), "a change costs what changed");
    assert_eq!(told(&running, &["goal-observed", "goal-gone"]).len(), 22, "an event for what changed only");
    assert_eq!(running.stop(), 0);
}

#[tokio::test]
async fn datapoints_are_listed_changed_and_deleted() {
    let server = Beeminder::start();
    let line = Line { per_day: 2.0, safebuf: 1, losedate: FAR };
    server.world.lock().do_more("read", line);
    let settings = config::Beeminder {
        api_base: BaseUrl::parse(&server.base()).unwrap(),
        ..config::Beeminder::default()
    };
    let token = Secret::new(beeminder::TOKEN);
    let client = Client::new(&settings, &token, Policy::default(), std::sync::Arc::new(|_, _| {})).unwrap();
    let since = client.user().await.unwrap().0.updated_at;
    assert_eq!(client.changes_since(since).await.unwrap().goals, []);
    let new = NewDatapoint {
        value: "4".into(),
        daystamp: "20261123".into(),
        comment: "two days' worth".into(),
        request_id: "r1".into(),
    };
    let point = client.write("read", &new).await.unwrap();
    let goal = client.changes_since(since).await.unwrap().goals.remove(0);
    assert_eq!((goal.safebuf, goal.losedate), (Some(3), Some(FAR + 2 * 86_400)));
    assert_eq!(client.update("read", &point.id, "2.5", "less").await.unwrap().comment, "less");
    assert_eq!(client.goal("read").await.unwrap().safebuf, Some(2));
    for _ in 0..2 {
        client.delete("read", &point.id).await.unwrap();
    }
    assert_eq!(client.datapoints("read", 5).await.unwrap(), []);
    assert_eq!(client.update("read", &point.id, "1", "").await.unwrap_err().kind(), "not-found");
    assert!(client.changes_since(1).await.is_err(), "before there was an account");
}
