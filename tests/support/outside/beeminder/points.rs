//! Datapoints.

use axum::Json;
use axum::extract::{Form, Path, Query, State};
use axum::response::Response;
use jiff::civil::Date;
use jiff::{ToSpan, tz::TimeZone};
use serde_json::{Value, json};

use super::{Fields, HoldReason, Shared, World, check, not_found, refuse};

/// Words that are obeyed after `#` or `@`.
const WORDS: [&str; 6] = ["DERAIL", "SELFDESTRUCT", "THISWILLSELFDESTRUCT", "RESTART", "TARE", "ARCHIVE"];

pub async fn list(
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

pub async fn write(
    State(world): State<Shared<World>>,
    Path((_, slug)): Path<(String, String)>,
    Form(form): Form<Fields>,
) -> Result<Json<Value>, Response> {
    check(&form)?;
    let known = ["auth_token", "value", "timestamp", "daystamp", "comment", "requestid"];
    assert!(form.keys().all(|field| known.contains(&field.as_str())), "{form:?}");
    hold(&world, HoldReason::Before).await;
    let answer = upsert(&mut world.lock(), &slug, &form);
    hold(&world, HoldReason::After).await;
    answer
}

/// Waits for ever where this is asked for.
async fn hold(world: &Shared<World>, moment: HoldReason) {
    let is_held = {
        let mut world = world.lock();
        world.writes += usize::from(moment == HoldReason::Before);
        let is_held = world.hold == Some(moment);
        world.held += usize::from(is_held);
        is_held
    };
    if is_held {
        std::future::pending::<()>().await;
    }
}

fn upsert(world: &mut World, slug: &str, form: &Fields) -> Result<Json<Value>, Response> {
    let Some(goal) = world.goals.get(slug) else { return Err(not_found()) };
    if goal["frozen"] == true {
        return Err(refuse(&json!({"base": ["the goal is frozen"]})));
    }
    let Some(value) = form.get("value").and_then(|value| value.parse::<f64>().ok()) else {
        return Err(refuse(&json!({"value": ["can't be blank", "is not a number"]})));
    };
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let (daystamp, comment, requestid) = (field("daystamp"), field("comment"), field("requestid"));
    let Ok(day) = Date::strptime("%Y%m%d", &daystamp) else {
        return Err(refuse(&json!({"daystamp": ["is invalid"]})));
    };
    obey(world, &comment);
    // Only a day is given: the datapoint is of its last second.
    let zone = TimeZone::get(&world.timezone).unwrap_or(TimeZone::UTC);
    let timestamp = day.tomorrow().unwrap().to_zoned(zone).unwrap().timestamp() - 1.second();
    let (updated_at, strict) = (world.updated_at + 1, world.duplicates_are_errors);
    let points = world.datapoints.entry(slug.to_owned()).or_default();
    let same =
        points.iter_mut().find(|point| !requestid.is_empty() && point["requestid"] == requestid.as_str());
    let mut point = json!({"timestamp": timestamp.as_second(), "daystamp": daystamp, "value": value,
        "comment": comment, "requestid": requestid, "updated_at": updated_at, "origin": "api"});
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
    world.recompute(slug);
    Ok(Json(point))
}

fn obey(world: &mut World, comment: &str) {
    let words = comment.split_whitespace().filter_map(|word| word.strip_prefix(['#', '@']));
    world.obeyed.extend(words.filter(|word| WORDS.contains(word)).map(str::to_owned));
}

fn find<'a>(world: &'a mut World, slug: &str, point: &str) -> Option<&'a mut Value> {
    let id = point.trim_end_matches(".json");
    world.datapoints.get_mut(slug)?.iter_mut().find(|point| point["id"] == id)
}

pub async fn update(
    State(world): State<Shared<World>>,
    Path((_, slug, point)): Path<(String, String, String)>,
    Form(form): Form<Fields>,
) -> Result<Json<Value>, Response> {
    check(&form)?;
    let mut world = world.lock();
    let Some(found) = find(&mut world, &slug, &point) else { return Err(not_found()) };
    if let Some(value) = form.get("value") {
        let Ok(value) = value.parse::<f64>() else {
            return Err(refuse(&json!({"value": ["is not a number"]})));
        };
        found["value"] = value.into();
    }
    if let Some(comment) = form.get("comment") {
        found["comment"] = comment.as_str().into();
    }
    let told = found.clone();
    world.recompute(&slug);
    Ok(Json(told))
}

pub async fn delete(
    State(world): State<Shared<World>>,
    Path((_, slug, point)): Path<(String, String, String)>,
    Query(query): Query<Fields>,
) -> Result<Json<Value>, Response> {
    check(&query)?;
    let mut world = world.lock();
    let told = find(&mut world, &slug, &point).map(|point| point.clone()).ok_or_else(not_found)?;
    world.datapoints.get_mut(&slug).unwrap().retain(|point| *point != told);
    world.recompute(&slug);
    Ok(Json(told))
}
