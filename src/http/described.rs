//! The API's description, and that the API keeps to it.
//!
//! ```text
//!   utoipa::path of each handler ─▶ document ─▶ + what the layers around the handlers answer ─▶ /api/v1/openapi.json
//!                                                        └─▶ Operations ─▶ `check`: what is asked is held against it
//! ```
//!
//! What stands at a handler is what that handler alone answers. What the layers answer to every request (no token, a scope
//! that is not held, too much at once, too long a body, a request that is not of the form that is described) is added here,
//! in one place, from what an operation is: whether it is guarded, whether it has a body, what it asks for.
//!
//! The other way round the same document is the rule for what is let in ([`check`]): a query parameter, a segment of the
//! path or a body that the document forbids is refused with 400, whatever the handler would make of it. So there is no
//! second list of what is allowed, and none that could differ.

pub mod check;
pub mod document;
pub mod rule;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::domain::code::Code;
use crate::service::runtime::forms;

use super::{api_routes, health_routes, metrics_routes};

/// An answer that layers give: its status, its name among the document's components, what it means, and a header of it.
struct Refusal {
    status: &'static str,
    name: &'static str,
    text: &'static str,
    header: Option<(&'static str, &'static str)>,
}

/// Whether an operation can answer so.
type Applies = fn(&Asked) -> bool;

const REFUSALS: &[(Refusal, Applies)] = &[
    (
        Refusal {
            status: "400",
            name: "BadRequest",
            text: "The request is not of the form that this description gives: its JSON, a type, a bound, a pattern, an \
                unknown field or query parameter.",
            header: None,
        },
        |_| true,
    ),
    (
        Refusal {
            status: "401",
            name: "Unauthorized",
            text: "There is no token, or it is not good.",
            header: Some(("WWW-Authenticate", "The scheme: `Bearer`.")),
        },
        |asked| asked.is_guarded,
    ),
    (
        Refusal {
            status: "403",
            name: "Forbidden",
            text: "The token is for other things, or the request comes from where it must not: another host's name, a page \
                of another origin.",
            header: None,
        },
        |_| true,
    ),
    // These two are the handlers' own: which of them answer so stands there.
    (Refusal { status: "404", name: "NotFound", text: "What is named is not there.", header: None }, |_| {
        false
    }),
    (
        Refusal {
            status: "409",
            name: "Conflict",
            text: "Something that is there stands in the way.",
            header: None,
        },
        |_| false,
    ),
    (
        Refusal {
            status: "413",
            name: "TooLarge",
            text: "The body is longer than a request may be.",
            header: None,
        },
        |_| true,
    ),
    (
        Refusal {
            status: "415",
            name: "UnsupportedMediaType",
            text: "The body is not JSON by its Content-Type.",
            header: None,
        },
        |asked| asked.has_body,
    ),
    (
        Refusal {
            status: "422",
            name: "Refused",
            text: "The request is of the form that this description gives, and is refused for what it means: a last day \
                before the first, an instant to come, a name that is none.",
            header: None,
        },
        |asked| asked.has_body || asked.has_parameters,
    ),
    (
        Refusal {
            status: "429",
            name: "TooMany",
            text: "Too much is asked at once, or was asked in all.",
            header: Some((
                "Retry-After",
                "Seconds after which to try again; absent where that does not help.",
            )),
        },
        |asked| asked.is_guarded,
    ),
    (
        Refusal {
            status: "500",
            name: "Internal",
            text: "Something failed inside; the supervisor's log has the cause.",
            header: None,
        },
        |_| true,
    ),
    (
        Refusal {
            status: "503",
            name: "Unavailable",
            text: "A part that this needs does not answer, or the log takes no events.",
            header: Some(("Retry-After", "Seconds after which to try again.")),
        },
        |asked| asked.is_guarded,
    ),
];

/// What an operation is, as far as its answers depend on it.
struct Asked {
    is_guarded: bool,
    has_body: bool,
    has_parameters: bool,
}

impl Asked {
    fn of(operation: &Value) -> Self {
        let has_any = |key: &str| operation[key].as_array().is_some_and(|list| !list.is_empty());
        Self {
            is_guarded: has_any("security"),
            has_body: operation["requestBody"].is_object(),
            has_parameters: has_any("parameters"),
        }
    }
}

/// What the description itself says, for those who read no other page.
const TEXT: &str = "What LLMs cost, and how the budgets stand; every number traced to its events.\n\n\
    Every error is `application/problem+json` (RFC 9457), whose `type` names its kind. A method that a path does not have is answered 405, and `Allow` \
    names those that it has; `HEAD` is answered where `GET` is. What is of another form than described here is refused with \
    400, what is refused for its meaning with 422 or 409.";

/// The API's description, also for `schemas/openapi.json`.
#[must_use]
pub fn openapi() -> Value {
    let mut document = api_routes().into_openapi();
    document.merge(health_routes().into_openapi());
    document.merge(metrics_routes().into_openapi());
    complete(serde_json::to_value(document).unwrap_or_default())
}

fn complete(mut document: Value) -> Value {
    document["info"] = json!({
        "title": "Mecris",
        "description": TEXT,
        "license": { "name": "MIT OR Apache-2.0" },
        "version": env!("CARGO_PKG_VERSION"),
    });
    let components = &mut document["components"];
    components["securitySchemes"] = json!({ "token": { "type": "http", "scheme": "bearer" } });
    components["responses"] =
        REFUSALS.iter().map(|(refusal, _)| response(refusal)).collect::<Map<_, _>>().into();
    let kinds: Vec<String> = Code::ALL.iter().map(|code| code.urn()).collect();
    components["schemas"]["Problem"]["properties"]["type"]["enum"] = kinds.into();
    for form in forms::ALL {
        components["schemas"][form.name] = serde_json::to_value(form.schema()).unwrap_or_default();
    }
    let operations = document["paths"].as_object_mut().into_iter().flatten();
    for operation in operations.filter_map(|(_, item)| item.as_object_mut()).flatten() {
        add_refusals(operation.1);
    }
    sorted(&mut document["components"]["schemas"]);
    document
}

fn response(refusal: &Refusal) -> (String, Value) {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    let kinds = Code::ALL.iter().filter(|code| code.status().to_string() == refusal.status);
    let kinds: Vec<String> = kinds.map(|code| format!("`{code}`: {}", code.says())).collect();
    let text = format!("{}\n\n{}", refusal.text, kinds.join("\n\n"));
    let mut response =
        json!({ "description": text, "content": { "application/problem+json": { "schema": schema } } });
    if let Some((name, text)) = refusal.header {
        response["headers"] = json!({ name: { "description": text, "schema": { "type": "string" } } });
    }
    (refusal.name.to_owned(), response)
}

fn reference(refusal: &Refusal) -> Value {
    json!({ "$ref": format!("#/components/responses/{}", refusal.name) })
}

/// Adds what the layers answer, and says of every problem that it is one.
fn add_refusals(operation: &mut Value) {
    let asked = Asked::of(operation);
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, response) in responses.iter_mut() {
        let is_untold = response.get("description").is_none_or(|text| text == "");
        if is_untold {
            response["description"] = "What was asked for.".into();
        }
        let Some(content) = response.get_mut("content").and_then(Value::as_object_mut) else { continue };
        let is_problem = |media: &Value| media["schema"]["$ref"] == "#/components/schemas/Problem";
        if !content.get("application/json").is_some_and(is_problem) {
            continue;
        }
        if let Some(media) = content.remove("application/json") {
            content.insert("application/problem+json".into(), media);
        }
        // What a handler says no more of is told once.
        let told = REFUSALS.iter().find(|(refusal, _)| refusal.status == status);
        if let Some((refusal, _)) = told.filter(|_| is_untold) {
            *response = reference(refusal);
        }
    }
    for (refusal, applies) in REFUSALS {
        if applies(&asked) && !responses.contains_key(refusal.status) {
            responses.insert(refusal.status.into(), reference(refusal));
        }
    }
    responses.sort_keys();
}

fn sorted(value: &mut Value) {
    if let Some(object) = value.as_object_mut() {
        object.sort_keys();
    }
}
