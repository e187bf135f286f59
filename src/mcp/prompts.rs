//! Prompts: how to begin a day, what to ask before a costly task, how to end a session.

use rmcp::model::{
    ErrorData, GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, ResourceContents, Role,
};
use serde_json::{Value, json};

use super::answers::Answers;
use super::ask::said;

const MORNING: &str = "morning_brief";
const COSTLY: &str = "before_costly_task";
const END: &str = "end_of_session";
/// What a person types is no longer, in characters.
const TEXT_MAX: usize = 2_000;

/// All of them.
#[must_use]
pub fn list() -> Vec<Prompt> {
    let argument = |name: &str, description: &str, required| {
        PromptArgument::new(name).with_description(description).with_required(required)
    };
    vec![
        Prompt::new(MORNING, Some("What matters today: goals, money, tasks, in a few sentences."), None),
        Prompt::new(
            COSTLY,
            Some("Whether a costly task can be afforded, and what it puts at risk."),
            Some(vec![
                argument("task", "What is to be done.", true),
                argument("usd", "What it may cost, in USD, such as 4.50.", false),
            ]),
        ),
        Prompt::new(
            END,
            Some("What this session cost, what it moved, and a line for the daily note."),
            Some(vec![argument("summary", "What was done, in one sentence.", false)]),
        ),
    ]
}

/// One of them, with how things stand now.
///
/// # Errors
/// There is none of this name, or an argument is wrong.
pub async fn get(
    answers: &impl Answers,
    name: &str,
    arguments: Option<JsonObject>,
) -> Result<GetPromptResult, ErrorData> {
    let arguments = arguments.unwrap_or_default();
    let text = |key: &str| -> Result<Option<String>, ErrorData> {
        match arguments.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(Value::String(text)) if text.chars().count() <= TEXT_MAX => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => {
                Err(invalid(format!("the argument {key} must be a text of at most {TEXT_MAX} characters")))
            }
        }
    };
    let mut attached = vec![("mecris://narrator", "get_narrator_context", json!({}))];
    let request = match name {
        MORNING => "This is how things stand with my money, goals and tasks. Brief me in at most six sentences: what \
            is lost first if I do nothing, what the money allows today, and what to begin with. Say so where a number \
            is old or its source does not answer."
            .to_owned(),
        COSTLY => {
            let task = text("task")?.ok_or_else(|| invalid("the argument task is missing".to_owned()))?;
            let usd = text("usd")?;
            if let Some(usd) = &usd {
                attached.push(("mecris://can-afford", "can_afford", json!({ "usd": usd })));
            }
            let cost = usd.map_or_else(
                || "I do not know what it will cost: estimate it first, then ask can_afford.".to_owned(),
                |usd| format!("It may cost {usd} USD; whether that can be afforded is attached."),
            );
            format!("I am about to begin this task: {task}\n{cost} Tell me whether to go on, which limit is nearest, \
                and a cheaper way if there is one.")
        }
        END => {
            attached.push(("mecris://budget", "get_budget_status", json!({})));
            let done = text("summary")?.map_or_else(String::new, |summary| format!(" What was done: {summary}"));
            format!("This session ends.{done} Tell me what was spent today and how the budgets stand now, which goals \
                still need something today, and propose one line for my daily note; write it with log_session \
                once I agree.")
        }
        _ => return Err(invalid("there is no prompt of this name; prompts/list names those there are".to_owned())),
    };
    let mut messages = vec![PromptMessage::new_text(Role::User, request)];
    for (uri, tool, arguments) in attached {
        let shown = answers.call(tool, arguments).await.map_err(|error| invalid(said(error)))?;
        let contents = ResourceContents::text(shown.to_string(), uri).with_mime_type("application/json");
        messages.push(PromptMessage::new(Role::User, rmcp::model::ContentBlock::resource(contents)));
    }
    Ok(GetPromptResult::new(messages))
}

fn invalid(fix: String) -> ErrorData {
    ErrorData::invalid_params(fix, None)
}
