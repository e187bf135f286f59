//! Beeminder's API: a user, goals, and datapoints that are upserts by their request id.

use std::collections::BTreeMap;

use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{Front, Shared, serve};

/// The token that is known.
pub const TOKEN: &str = "marked-secret-beeminder";

type Fields = BTreeMap<String, String>;

/// What the server knows.
#[derive(Debug)]
pub struct World {
    pub updated_at: i64,
    pub timezone: String,
    /// By slug.
    pub goals: BTreeMap<String, Value>,
    /// By slug, the oldest first.
    pub datapoints: BTreeMap<String, Vec<Value>>,
    /// Whether an identical datapoint is answered with 422.
    pub duplicates_are_errors: bool,
    pub asked: Vec<String>,
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
        });
        let router = Router::new()
            .route("/api/v1/users/{user}", get(user))
            .route("/api/v1/users/{user}/goals.json", get(goals))
            .route("/api/v1/users/{user}/goals/{goal}", get(goal))
            .route("/api/v1/users/{user}/goals/{goal}/datapoints.json", get(datapoints).post(write))
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
    world.asked.push(format!("user {user}"));
    Ok(Json(json!({
        "username": "alice", "timezone": world.timezone, "goals": world.goals.keys().collect::<Vec<_>>(),
        "created_at": 1_500_000_000, "updated_at": world.updated_at, "urgency_load": 12, "deadbeat": false,
    })))
}

async fn goals(
    State(world): State<Shared<World>>,
    Path(_): Path<String>,
    Query(query): Query<Fields>,
) -> Result<Json<Value>, Response> {
    check(&query)?;
    let mut world = world.lock();
    world.asked.push("goals".into());
    let mut goals: Vec<Value> = world.goals.values().cloned().collect();
    goals.sort_by_key(|goal| goal["urgencykey"].as_str().unwrap().to_owned());
    Ok(Json(Value::Array(goals)))
}

async fn goal(
    State(world): State<Shared<World>>,
    Path((_, slug)): Path<(String, String)>,
    Query(query): Query<Fields>,
) -> Result<Json<Value>, Response> {
    check(&query)?;
    let mut world = world.lock();
    world.asked.push(format!("goal {slug}"));
    world.goals.get(slug.trim_end_matches(".json")).cloned().map(Json).ok_or_else(not_found)
}

async fn datapoints(
    State(world): State<Shared<World>>,
    Path((_, slug)): Path<(String, String)>,
    Query(query): Query<Fields>,
) -> Result<Json<Value>, Response> {
    check(&query)?;
    let count = query.get("count").map_or(usize::MAX, |count| count.parse().unwrap());
    let world = world.lock();
    let known = world.datapoints.get(&slug).map_or(&[][..], Vec::as_slice);
    Ok(Json(known.iter().rev().take(count).cloned().collect()))
}

async fn write(
    State(world): State<Shared<World>>,
    Path((_, slug)): Path<(String, String)>,
    Form(form): Form<Fields>,
) -> Result<Json<Value>, Response> {
    check(&form)?;
    let known = ["auth_token", "value", "timestamp", "daystamp", "comment", "requestid"];
    assert!(form.keys().all(|field| known.contains(&field.as_str())), "{form:?}");
    let mut world = world.lock();
    if !world.goals.contains_key(&slug) {
        return Err(not_found());
    }
    let Some(value) = form.get("value").and_then(|value| value.parse::<f64>().ok()) else {
        return Err(refuse(&json!({"value": ["can't be blank", "is not a number"]})));
    };
    world.updated_at += 1;
    let (updated_at, strict) = (world.updated_at, world.duplicates_are_errors);
    let points = world.datapoints.entry(slug).or_default();
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let (daystamp, comment, requestid) = (field("daystamp"), field("comment"), field("requestid"));
    let same =
        points.iter_mut().find(|point| !requestid.is_empty() && point["requestid"] == requestid.as_str());
    let mut point = json!({"timestamp": 1_788_062_400, "daystamp": daystamp, "value": value, "comment": comment,
        "requestid": requestid, "updated_at": updated_at, "origin": "api"});
    if let Some(same) = same {
        if strict && same["value"] == value && same["comment"] == comment.as_str() {
            return Err(refuse(&json!("Duplicate datapoint")));
        }
        point["id"] = same["id"].clone();
        *same = point.clone();
        point["status"] = "updated".into();
    } else {
        point["id"] = format!("66b0c0ffee{:014x}", points.len() + 1).into();
        points.push(point.clone());
        point["status"] = "created".into();
    }
    Ok(Json(point))
}
