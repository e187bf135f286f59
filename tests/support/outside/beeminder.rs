//! Beeminder's API: a user, goals, what changed since a moment, and datapoints that are upserts by their
//! request id.

#[path = "beeminder/points.rs"]
mod points;

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{Front, Shared, serve};

/// The token that is known.
pub const TOKEN: &str = "marked-secret-beeminder";
const CREATED_AT: i64 = 1_500_000_000;
const DAY_S: i64 = 86_400;

type Fields = BTreeMap<String, String>;

/// When a write is held for ever, so that its sender can be killed meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldReason {
    /// It has come, and nothing is done yet.
    Before,
    /// It is done, and not answered yet.
    After,
}

/// A do-more goal's line: how its numbers come from its data.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub per_day: f64,
    /// With no data at all.
    pub safebuf: i64,
    pub losedate: i64,
}

/// What the server knows.
#[derive(Debug)]
pub struct World {
    pub updated_at: i64,
    /// Empty: it says none.
    pub timezone: String,
    /// By slug.
    pub goals: BTreeMap<String, Value>,
    /// By slug, the oldest first.
    pub datapoints: BTreeMap<String, Vec<Value>>,
    /// Whether an identical datapoint is answered with 422.
    pub duplicates_are_errors: bool,
    pub asked: Vec<String>,
    /// By slug.
    pub lines: BTreeMap<String, Line>,
    /// For how many readings a goal is `queued`, with its old numbers, after a write.
    pub queued_for: u32,
    /// By slug: the readings that are left, and the numbers that come then.
    queued: BTreeMap<String, (u32, i64, i64)>,
    /// Ids of deleted goals, with the stamp of their end.
    deleted: Vec<(String, i64)>,
    /// Words in comments that were obeyed; a client must see to it that there are none.
    pub obeyed: Vec<String>,
    /// What to do with the next writes.
    pub hold: Option<HoldReason>,
    /// How many writes are held.
    pub held: usize,
    /// How many writes came.
    pub writes: usize,
}

impl World {
    /// Makes or replaces a goal with this many safe days, which derails at this instant.
    pub fn goal(&mut self, slug: &str, safebuf: i64, losedate: i64) -> &mut Value {
        self.updated_at += 1;
        let known = self.goals.get(slug).and_then(|goal| goal["id"].as_str().map(str::to_owned));
        let id = known.unwrap_or_else(|| format!("66b0c0ffee{:014}", self.goals.len() + 1));
        let goal = json!({
            "slug": slug, "title": "", "id": id, "goal_type": "hustler", "safebuf": safebuf, "losedate": losedate,
            "deadline": 0, "limsum": format!("+1 in {safebuf} days"), "baremin": "+1", "pledge": 5.0,
            "queued": false, "todayta": false, "frozen": false, "won": false, "lost": false, "autodata": null,
            "updated_at": self.updated_at, "urgencykey": format!("FROx;PPRx;DL{losedate};{slug}"), "rate": 1,
        });
        self.goals.entry(slug.to_owned()).insert_entry(goal).into_mut()
    }

    /// Makes a do-more goal whose numbers follow its data.
    pub fn do_more(&mut self, slug: &str, line: Line) {
        self.goal(slug, line.safebuf, line.losedate);
        self.lines.insert(slug.to_owned(), line);
    }

    /// Deletes a goal, which is told to those who ask what changed.
    pub fn delete_goal(&mut self, slug: &str) {
        let goal = self.goals.remove(slug).unwrap();
        self.updated_at += 1;
        self.deleted.push((goal["id"].as_str().unwrap().to_owned(), self.updated_at));
    }

    /// The data of a goal have changed: its numbers follow, at once or after some readings.
    fn recompute(&mut self, slug: &str) {
        self.updated_at += 1;
        let Some(goal) = self.goals.get_mut(slug) else { return };
        goal["updated_at"] = self.updated_at.into();
        goal["todayta"] = true.into();
        let Some(line) = self.lines.get(slug) else { return };
        let sum: f64 = self
            .datapoints
            .get(slug)
            .into_iter()
            .flatten()
            .map(|point| point["value"].as_f64().unwrap())
            .sum();
        let days = (sum / line.per_day).floor() as i64;
        let (safebuf, losedate) = (line.safebuf + days, line.losedate + days * DAY_S);
        if self.queued_for == 0 {
            (goal["safebuf"], goal["losedate"]) = (safebuf.into(), losedate.into());
        } else {
            goal["queued"] = true.into();
            self.queued.insert(slug.to_owned(), (self.queued_for, safebuf, losedate));
        }
    }

    /// A goal as it is told now. The same number comes as an integer or as a float.
    fn told(&mut self, slug: &str) -> Option<Value> {
        if let Some((left, safebuf, losedate)) = self.queued.remove(slug) {
            let goal = self.goals.get_mut(slug)?;
            if left == 0 {
                goal["queued"] = false.into();
                (goal["safebuf"], goal["losedate"]) = (safebuf.into(), losedate.into());
                self.updated_at += 1;
                goal["updated_at"] = self.updated_at.into();
            } else {
                self.queued.insert(slug.to_owned(), (left - 1, safebuf, losedate));
            }
        }
        let mut goal = self.goals.get(slug)?.clone();
        if self.asked.len() % 2 == 1 {
            let losedate = goal["losedate"].as_i64();
            goal["losedate"] = losedate.map_or(Value::Null, |second| Value::from(second as f64));
        }
        Some(goal)
    }

    /// Goals as they are told, the most urgent first.
    fn all(&mut self, is_asked: impl Fn(&Value) -> bool) -> Vec<Value> {
        let slugs: Vec<String> = self.goals.keys().cloned().collect();
        let mut goals: Vec<Value> =
            slugs.iter().filter_map(|slug| self.told(slug)).filter(|goal| is_asked(goal)).collect();
        goals.sort_by_key(|goal| goal["urgencykey"].as_str().unwrap().to_owned());
        goals
    }
}

pub struct Beeminder {
    pub front: Front,
    pub world: Shared<World>,
}

impl Beeminder {
    pub fn start() -> Self {
        let world = Shared::new(World {
            updated_at: 1_788_150_000,
            timezone: "Europe/Berlin".into(),
            goals: BTreeMap::new(),
            datapoints: BTreeMap::new(),
            duplicates_are_errors: true,
            asked: Vec::new(),
            lines: BTreeMap::new(),
            queued_for: 0,
            queued: BTreeMap::new(),
            deleted: Vec::new(),
            obeyed: Vec::new(),
            hold: None,
            held: 0,
            writes: 0,
        });
        let router = Router::new()
            .route("/api/v1/users/{user}", get(user))
            .route("/api/v1/users/{user}/goals.json", get(goals))
            .route("/api/v1/users/{user}/goals/{goal}", get(goal))
            .route("/api/v1/users/{user}/goals/{goal}/datapoints.json", get(points::list).post(points::write))
            .route(
                "/api/v1/users/{user}/goals/{goal}/datapoints/{point}",
                put(points::update).delete(points::delete),
            )
            .fallback(|| async { not_found() })
            .with_state(world.clone());
        Self { front: serve(router), world }
    }

    /// What to set as its address.
    pub fn base(&self) -> String {
        format!("{}api/v1/", self.front.url())
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({"error": "The requested resource was not found."}))).into_response()
}

fn refuse(errors: &Value) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "errors": errors }))).into_response()
}

fn check(fields: &Fields) -> Result<(), Response> {
    if fields.get("auth_token").is_some_and(|token| token == TOKEN) {
        return Ok(());
    }
    let message = "No such auth_token found. (Did you mix up auth_token and access_token?)";
    let body = json!({"errors": {"auth_token": "bad_token", "message": message}});
    Err((StatusCode::UNAUTHORIZED, Json(body)).into_response())
}

async fn user(
    State(world): State<Shared<World>>,
    Path(user): Path<String>,
    Query(query): Query<Fields>,
) -> Result<Json<Value>, Response> {
    check(&query)?;
    let mut world = world.lock();
    let since = query.get("diff_since").map(|since| since.parse::<i64>().unwrap());
    world.asked.push(if since.is_some() { "changes".into() } else { format!("user {user}") });
    let goals = match since {
        None => world.goals.keys().cloned().map(Value::from).collect(),
        Some(..CREATED_AT) => return Err(refuse(&json!("diff_since is before the account was created"))),
        Some(since) => world.all(|goal| goal["updated_at"].as_i64().unwrap() > since),
    };
    let mut told = json!({
        "username": "alice", "timezone": Some(&world.timezone).filter(|name| !name.is_empty()), "goals": goals,
        "created_at": CREATED_AT, "updated_at": world.updated_at, "urgency_load": 12, "deadbeat": false,
    });
    if let Some(since) = since {
        let deleted = world.deleted.iter().filter(|(_, at)| *at > since);
        told["deleted_goals"] = deleted.map(|(id, _)| json!({ "id": id })).collect();
    }
    Ok(Json(told))
}

async fn goals(
    State(world): State<Shared<World>>,
    Path(_): Path<String>,
    Query(query): Query<Fields>,
) -> Result<Json<Value>, Response> {
    check(&query)?;
    let mut world = world.lock();
    world.asked.push("goals".into());
    Ok(Json(Value::Array(world.all(|_| true))))
}

async fn goal(
    State(world): State<Shared<World>>,
    Path((_, slug)): Path<(String, String)>,
    Query(query): Query<Fields>,
) -> Result<Json<Value>, Response> {
    check(&query)?;
    let mut world = world.lock();
    world.asked.push(format!("goal {slug}"));
    world.told(slug.trim_end_matches(".json")).map(Json).ok_or_else(not_found)
}
