//! What can be read by name and watched: the narrator's context, the budgets, and each goal.

use rmcp::model::{ErrorData, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde_json::{Value, json};

use super::answers::Answers;
use super::rows::mark;

/// The narrator's context.
const NARRATOR: &str = "mecris://narrator";
/// The budgets.
const BUDGET: &str = "mecris://budget";
/// Goals, each by its slug.
const GOALS: &str = "mecris://goals/";
/// The tool that tells of goals.
const ALL_GOALS: &str = "get_beeminder_status";
const JSON: &str = "application/json";
/// A page lists no more goals: the names of so many are within what clients take.
const LISTED_MAX: usize = 200;
/// A list of goals that changes while it is read is begun no more often.
const READINGS_MAX: usize = 3;
/// What tells the time and nothing else: it differs at each look.
const VOLATILE: [&str; 6] = ["age_seconds", "seconds_left", "now", "as_of", "next_attempt", "last_success"];

/// The resources that are always there, and the goals that are followed now: a page of them by name, and the cursor of the
/// next one. A cursor is the last goal's name behind a mark, so that every goal that stays is on one page.
///
/// # Errors
/// The cursor is stale, or none that was given here.
pub async fn list(
    answers: &impl Answers,
    cursor: Option<&str>,
) -> Result<(Vec<Resource>, Option<String>), ErrorData> {
    let refused = |fix: &str| ErrorData::invalid_params(fix.to_owned(), None);
    let mut slugs = slugs(answers).await;
    slugs.sort_unstable();
    if let Some(cursor) = cursor {
        let last = cursor.split_once('-').map(|(_, slug)| slug).filter(|slug| after(slug) == cursor);
        let last = last.ok_or_else(|| refused("cursor is not one that was given here; ask without one"))?;
        let at = slugs.iter().position(|slug| slug == last);
        let at = at.ok_or_else(|| refused("cursor is stale: its goal is gone; ask again without one"))?;
        slugs.drain(..=at);
    }
    let is_more = slugs.len() > LISTED_MAX;
    slugs.truncate(LISTED_MAX);
    let next = slugs.last().filter(|_| is_more).map(|slug| after(slug));
    let narrator = Resource::new(NARRATOR, "narrator")
        .with_title("The narrator's context")
        .with_description("What is at stake now: money, goals, tasks, and what to recommend.");
    let budget =
        Resource::new(BUDGET, "budget").with_title("The budgets").with_description("How they stand.");
    let goals = slugs.into_iter().map(|slug| {
        Resource::new(format!("{GOALS}{slug}"), slug).with_description("A goal and how it stands.")
    });
    let fixed = [narrator, budget].into_iter().filter(|_| cursor.is_none());
    Ok((fixed.chain(goals).map(|resource| resource.with_mime_type(JSON)).collect(), next))
}

/// The cursor behind a goal.
fn after(slug: &str) -> String {
    format!("{:08x}-{slug}", mark(slug.as_bytes()) >> 32)
}

/// What can be named beyond those.
#[must_use]
pub fn templates() -> Vec<ResourceTemplate> {
    let goal = ResourceTemplate::new(format!("{GOALS}{{slug}}"), "goal");
    vec![goal.with_title("A goal").with_description("A goal and how it stands.").with_mime_type(JSON)]
}

/// The names of all goals, by page after page. None where they cannot be told now.
pub async fn slugs(answers: &impl Answers) -> Vec<String> {
    // A list that changes meanwhile is read anew, and not for ever.
    for _ in 0..READINGS_MAX {
        let (mut slugs, mut arguments) = (Vec::new(), json!({ "detail": true }));
        while let Ok(answer) = answers.call(ALL_GOALS, arguments).await {
            let goals = answer["goals"].as_array().into_iter().flatten();
            slugs.extend(goals.filter_map(|goal| goal["slug"].as_str().map(str::to_owned)));
            let Some(next) = answer["next_cursor"].as_str() else { return slugs };
            arguments = json!({ "cursor": next });
        }
    }
    Vec::new()
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
        let answer = answers.call(ALL_GOALS, json!({ "slug": slug })).await.map_err(failed)?;
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

/// Drops what tells the time and nothing else, wherever it stands.
fn drop_volatile(value: &mut Value) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(object) => {
                object.retain(|key, _| !VOLATILE.contains(&key.as_str()));
                open.extend(object.values_mut());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
}
