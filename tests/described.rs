//! The API's description is true: asked of the program itself, for every operation, from the document that it serves.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::support::program::{Answer, Home, Running};

/// An operation of the document.
pub struct Operation {
    pub method: String,
    pub path: String,
    pub told: Value,
}

pub struct Api {
    _home: Home,
    pub running: Running,
    document: Value,
}

impl Api {
    fn start() -> Self {
        let home = Home::new();
        let running = home.start(&[]);
        Self::of(home, running)
    }

    pub fn of(home: Home, running: Running) -> Self {
        let answer = running.get("/api/v1/openapi.json");
        assert_eq!(answer.status, 200, "{answer:?}");
        let document = answer.json();
        Self { _home: home, running, document }
    }

    pub fn operations(&self) -> Vec<Operation> {
        let mut all = Vec::new();
        for (path, item) in self.document["paths"].as_object().unwrap() {
            for (method, told) in item.as_object().unwrap() {
                all.push(Operation { method: method.to_uppercase(), path: path.clone(), told: told.clone() });
            }
        }
        assert!(all.len() > 80, "{}", all.len());
        all
    }

    pub fn send(&self, method: &str, path: &str, body: Option<&str>) -> Answer {
        let bearer = format!("Bearer {}", self.running.token);
        self.running.send(method, path, &[("authorization", &bearer)], body)
    }

    fn followed<'a>(&'a self, schema: &'a Value) -> &'a Value {
        // What may be absent is null, or what is meant.
        let meant = schema["oneOf"].as_array().and_then(|all| all.iter().find(|own| own["type"] != "null"));
        let schema = meant.unwrap_or(schema);
        match schema["$ref"].as_str() {
            Some(target) => self.document.pointer(target.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }

    /// A value that a schema allows.
    fn allowed(&self, schema: &Value) -> Value {
        let schema = self.followed(schema);
        let first = |key: &str| schema[key].as_array().and_then(|list| list.first().cloned());
        if let Some(found) =
            first("examples").or_else(|| first("enum")).or_else(|| schema.get("example").cloned())
        {
            return found;
        }
        let types = match &schema["type"] {
            Value::Array(types) => types.iter().find(|name| **name != "null").cloned().unwrap(),
            name => name.clone(),
        };
        match (types.as_str().unwrap(), schema["format"].as_str()) {
            ("string", Some("date")) => json!("2026-11-01"),
            ("string", Some("date-time")) => json!("2026-11-01T12:00:00Z"),
            ("string", _) => json!("x"),
            ("integer" | "number", _) => schema.get("minimum").cloned().unwrap_or(json!(1)),
            ("boolean", _) => json!(false),
            ("object", _) => self.body(schema),
            (name, _) => panic!("no value of the type {name}"),
        }
    }

    /// A body with what is required.
    pub fn body(&self, schema: &Value) -> Value {
        let schema = self.followed(schema);
        let required = schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap());
        required
            .map(|name| (name.to_owned(), self.allowed(&schema["properties"][name])))
            .collect::<Map<_, _>>()
            .into()
    }

    /// A path with its parameters filled in.
    pub fn path(&self, operation: &Operation) -> String {
        let mut path = operation.path.clone();
        for parameter in parameters(operation, "path") {
            let name = format!("{{{}}}", parameter["name"].as_str().unwrap());
            path = path.replace(&name, &text(&self.allowed(&parameter["schema"])));
        }
        path
    }

    /// The parameters that must be there, as a query.
    pub fn query(&self, operation: &Operation) -> Vec<(String, String)> {
        let required =
            parameters(operation, "query").into_iter().filter(|parameter| parameter["required"] == true);
        required
            .map(|parameter| {
                (parameter["name"].as_str().unwrap().to_owned(), text(&self.allowed(&parameter["schema"])))
            })
            .collect()
    }
}

fn parameters(operation: &Operation, place: &str) -> Vec<Value> {
    let all = operation.told["parameters"].as_array().into_iter().flatten();
    all.filter(|parameter| parameter["in"] == place).cloned().collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub fn with_query(path: &str, query: &[(String, String)]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let mut url = reqwest::Url::parse("http://x").unwrap();
    url.query_pairs_mut().extend_pairs(query);
    format!("{path}?{}", url.query().unwrap())
}

fn is_problem(answer: &Answer, status: u16, what: &str) {
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (status, "application/problem+json"),
        "{what}: {answer:?}"
    );
    let problem = answer.json();
    assert_eq!(problem["status"], status, "{what}");
    assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{what}");
}

/// Values that a schema forbids, each of another kind.
fn forbidden(schema: &Value) -> Vec<Value> {
    let types = &schema["type"];
    let is = |name: &str| *types == name || types.as_array().is_some_and(|all| all.contains(&json!(name)));
    let mut bad = Vec::new();
    if !is("object") {
        bad.push(json!({}));
    }
    if !is("null") && schema["oneOf"].is_null() {
        bad.push(Value::Null);
    }
    if is("string") {
        bad.push(json!(7));
        if schema["pattern"].is_string() || schema["enum"].is_array() || schema["format"].is_string() {
            bad.push(json!("\u{7}"));
        }
        if let Some(most) = schema["maxLength"].as_u64() {
            bad.push(json!("a".repeat(usize::try_from(most).unwrap() + 1)));
        }
        if schema["minLength"].as_u64().is_some_and(|least| least > 0) {
            bad.push(json!(""));
        }
    }
    if is("integer") || is("number") {
        bad.push(json!("seven"));
        if let Some(least) = schema["minimum"].as_i64() {
            bad.push(json!(least - 1));
        }
        if let Some(most) = schema["maximum"].as_u64() {
            bad.push(json!(most + 1));
        }
    }
    if is("boolean") {
        bad.push(json!("perhaps"));
    }
    bad
}

#[test]
fn a_path_has_the_methods_that_are_described_and_says_so() {
    let api = Api::start();
    let paths: BTreeSet<String> = api.operations().into_iter().map(|operation| operation.path).collect();
    for path in &paths {
        let item = api.document["paths"][path].as_object().unwrap();
        let own: Vec<Operation> =
            api.operations().into_iter().filter(|operation| operation.path == *path).collect();
        let filled = api.path(&own[0]);
        let mut described: BTreeSet<String> = item.keys().map(|method| method.to_uppercase()).collect();
        if described.contains("GET") {
            described.insert("HEAD".into());
        }
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY"] {
            if described.contains(method) {
                continue;
            }
            let answer = api.send(method, &filled, None);
            let allowed: BTreeSet<String> = answer
                .headers
                .get("allow")
                .unwrap_or_else(|| panic!("{method} {path}: {answer:?}"))
                .to_str()
                .unwrap()
                .split(',')
                .map(|name| name.trim().to_owned())
                .collect();
            assert_eq!(allowed, described, "{method} {path}");
            if method == "HEAD" {
                assert_eq!(answer.status, 405, "{path}");
            } else {
                is_problem(&answer, 405, &format!("{method} {path}"));
            }
        }
    }
}

#[test]
fn head_is_answered_where_get_is_and_has_no_body() {
    let api = Api::start();
    for operation in api.operations().into_iter().filter(|operation| operation.method == "GET") {
        let path = with_query(&api.path(&operation), &api.query(&operation));
        let (got, head) = (api.send("GET", &path, None), api.send("HEAD", &path, None));
        assert_eq!((head.status, head.body.as_str()), (got.status, ""), "{path}");
        assert_eq!(head.content_type, got.content_type, "{path}");
    }
}

#[test]
fn a_query_parameter_that_is_not_described_is_refused_everywhere() {
    let api = Api::start();
    let before = api.running.get("/api/v1/head").json()["position"].clone();
    for operation in api.operations() {
        let mut query = api.query(&operation);
        query.push(("nobody_knows_this".into(), "1".into()));
        let path = with_query(&api.path(&operation), &query);
        let has_body = operation.told["requestBody"].is_object();
        let body = has_body.then(|| {
            api.body(&operation.told["requestBody"]["content"]["application/json"]["schema"]).to_string()
        });
        let answer = api.send(&operation.method, &path, body.as_deref());
        is_problem(&answer, 400, &format!("{} {path}", operation.method));
    }
    assert_eq!(api.running.get("/api/v1/head").json()["position"], before, "nothing was done");
}

#[test]
fn what_is_described_of_a_request_holds_and_the_contrary_is_refused() {
    let api = Api::start();
    for operation in api.operations() {
        let name = format!("{} {}", operation.method, operation.path);
        let (path, query) = (api.path(&operation), api.query(&operation));
        let schema = &operation.told["requestBody"]["content"]["application/json"]["schema"];
        let body = schema.is_object().then(|| api.body(schema));
        let send = |query: &[(String, String)], body: Option<&Value>| {
            let body = body.map(Value::to_string);
            api.send(&operation.method, &with_query(&path, query), body.as_deref())
        };
        // What would take the process down, or long, is asked by its own tests.
        let is_heavy = ["/api/v1/drill", "/api/v1/reload"].contains(&operation.path.as_str());
        if !is_heavy {
            let answer = send(&query, body.as_ref());
            let told = operation.told["responses"].as_object().unwrap();
            assert!(told.contains_key(&answer.status.to_string()), "{name}: {answer:?}");
            assert_ne!(answer.status, 400, "{name}: {answer:?}");
        }
        for parameter in parameters(&operation, "query") {
            let own = parameter["name"].as_str().unwrap();
            let others = || query.iter().filter(|(name, _)| name != own).cloned();
            let schema = api.followed(&parameter["schema"]);
            for bad in forbidden(schema).into_iter().filter(|bad| !bad.is_null()) {
                // A number and an object are texts here too.
                if schema["type"] == "string" && !bad.is_string() {
                    continue;
                }
                let query: Vec<_> = others().chain([(own.to_owned(), text(&bad))]).collect();
                is_problem(&send(&query, body.as_ref()), 400, &format!("{name}: {own} = {bad}"));
            }
        }
        for parameter in parameters(&operation, "path") {
            let own = format!("{{{}}}", parameter["name"].as_str().unwrap());
            // A control character is in no form of a name, and is no number.
            let path = operation.path.replace(&own, "%07");
            let answer = api.send(&operation.method, &path, body.as_ref().map(Value::to_string).as_deref());
            is_problem(&answer, 400, &format!("{name}: {own}"));
        }
        let Some(Value::Object(body)) = &body else { continue };
        let resolved = api.followed(schema);
        for bad in [json!([]), json!(7), json!("x"), Value::Null] {
            is_problem(&send(&query, Some(&bad)), 400, &format!("{name}: {bad}"));
        }
        for required in resolved["required"].as_array().into_iter().flatten() {
            let mut less = body.clone();
            less.remove(required.as_str().unwrap());
            is_problem(&send(&query, Some(&less.into())), 400, &format!("{name} without {required}"));
        }
        if resolved["additionalProperties"] == false {
            let mut more = body.clone();
            more.insert("nobody_knows_this".into(), json!(1));
            is_problem(&send(&query, Some(&more.into())), 400, &format!("{name} with more"));
        }
        for (property, schema) in resolved["properties"].as_object().unwrap() {
            let is_optional = schema["oneOf"].is_array();
            let bad =
                forbidden(api.followed(schema)).into_iter().filter(|bad| !(is_optional && bad.is_null()));
            for bad in bad.filter(|bad| *bad != json!({}) || api.followed(schema)["type"] != "object") {
                let mut other = body.clone();
                other.insert(property.clone(), bad.clone());
                is_problem(&send(&query, Some(&other.into())), 400, &format!("{name}: {property} = {bad}"));
            }
        }
        let answer = api.running.send(
            &operation.method,
            &with_query(&path, &query),
            &[("authorization", &format!("Bearer {}", api.running.token)), ("content-type", "text/plain")],
            None,
        );
        is_problem(&answer, 415, &name);
    }
}

#[test]
fn the_description_has_a_tag_and_is_not_sent_to_who_has_it() {
    let api = Api::start();
    let first = api.running.get("/api/v1/openapi.json");
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    let bearer = format!("Bearer {}", api.running.token);
    let ask = |tag: &str| {
        let headers = [("authorization", bearer.as_str()), ("if-none-match", tag)];
        api.running.send("GET", "/api/v1/openapi.json", &headers, None)
    };
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".into()] {
        let again = ask(&known);
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{known}");
        assert_eq!(again.headers["etag"], tag);
    }
    let other = ask("\"other\"");
    assert_eq!((other.status, other.body), (200, first.body));
    assert_eq!(api.running.send("GET", "/api/v1/openapi.json", &[], None).status, 401);
}
