//! What can be read by name and watched: the narrator's context, the budgets, and each goal.

use rmcp::model::{ErrorData, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde_json::{Value, json};

use super::answers::Answers;

/// The narrator's context.
const NARRATOR: &str = "mecris://narrator";
/// The budgets.
const BUDGET: &str = "mecris://budget";
/// Goals, each by its slug.
const GOALS: &str = "mecris://goals/";
const JSON: &str = "application/json";
/// What tells the time and nothing else: it differs at each look.
const VOLATILE: [&str; 6] = ["age_seconds", "seconds_left", "now", "as_of", "next_attempt", "last_success"];

/// The resources that are always there, and the goals that are followed now.
pub async fn list(answers: &impl Answers) -> Vec<Resource> {
    let narrator = Resource::new(NARRATOR, "narrator")
        .with_title("The narrator's context")
        .with_description("What is at stake now: money, goals, tasks, and what to recommend.");
    let budget =
        Resource::new(BUDGET, "budget").with_title("The budgets").with_description("How they stand.");
    let goals = slugs(answers).await.into_iter().map(|slug| {
        Resource::new(format!("{GOALS}{slug}"), slug).with_description("A goal and how it stands.")
    });
    [narrator, budget].into_iter().chain(goals).map(|resource| resource.with_mime_type(JSON)).collect()
}

/// What can be named beyond those.
#[must_use]
pub fn templates() -> Vec<ResourceTemplate> {
    let goal = ResourceTemplate::new(format!("{GOALS}{{slug}}"), "goal");
    vec![goal.with_title("A goal").with_description("A goal and how it stands.").with_mime_type(JSON)]
}

/// The goals that begin so.
pub async fn slugs(answers: &impl Answers) -> Vec<String> {
    let Ok(answer) = answers.call("get_beeminder_status", json!({ "detail": true })).await else {
        return Vec::new();
    };
    let goals = answer["goals"].as_array().cloned().unwrap_or_default();
    goals.iter().filter_map(|goal| goal["slug"].as_str().map(str::to_owned)).collect()
}

/// Reads one.
///
/// # Errors
/// There is none of this name, or it cannot be told now.
pub async fn read(answers: &impl Answers, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let value = value(answers, uri).await?;
    let contents = ResourceContents::text(value.to_string(), uri).with_mime_type(JSON);
    Ok(ReadResourceResult::new(vec![contents]))
}

async fn value(answers: &impl Answers, uri: &str) -> Result<Value, ErrorData> {
    let failed = |reason| ErrorData::internal_error(reason, None);
    if let Some(slug) = uri.strip_prefix(GOALS) {
        let answer = answers.call("get_beeminder_status", json!({ "detail": true })).await.map_err(failed)?;
        let goals = answer["goals"].as_array().into_iter().flatten();
        let goal = goals.into_iter().find(|goal| goal["slug"] == slug).ok_or_else(|| unknown(uri))?;
        return Ok(json!({ "goal": goal, "source": answer["source"] }));
    }
    let tool = match uri {
        NARRATOR => "get_narrator_context",
        BUDGET => "get_budget_status",
        _ => return Err(unknown(uri)),
    };
    answers.call(tool, json!({})).await.map_err(failed)
}

fn unknown(uri: &str) -> ErrorData {
    let fix = "there is no such resource; resources/list names those there are";
    ErrorData::resource_not_found(fix, Some(json!({ "uri": uri })))
}

/// Whether a resource of this name can be watched: a goal that is not there yet may come.
#[must_use]
pub fn can_be_watched(uri: &str) -> bool {
    matches!(uri, NARRATOR | BUDGET) || uri.strip_prefix(GOALS).is_some_and(|slug| !slug.is_empty())
}

/// What a resource says beside the time; none where it is not there.
pub async fn substance(answers: &impl Answers, uri: &str) -> Option<Value> {
    let mut value = value(answers, uri).await.ok()?;
    drop_volatile(&mut value);
    Some(value)
}

fn drop_volatile(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|key, _| !VOLATILE.contains(&key.as_str()));
            object.values_mut().for_each(drop_volatile);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_volatile),
        _ => {}
    }
}
