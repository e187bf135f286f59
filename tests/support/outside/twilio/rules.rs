//! What Twilio refuses, and in how many parts it sends a text.

use std::collections::BTreeMap;

use axum::http::StatusCode;

use super::{FROM, Fields, SERVICE, World};

/// Looks at a request to send, in the order in which Twilio does.
pub fn check(world: &mut World, form: &Fields) -> Result<(), (StatusCode, u32)> {
    let bad = |code| Err((StatusCode::BAD_REQUEST, code));
    if world.busy > 0 {
        world.busy -= 1;
        return Err((StatusCode::TOO_MANY_REQUESTS, 20429));
    }
    let Some(to) = form.get("To") else { return bad(21604) };
    if let Some(code) = world.refuses_with {
        return bad(code);
    }
    if let Some(seconds) = form.get("ValidityPeriod")
        && !seconds.parse().is_ok_and(|seconds: u32| (1..=36_000).contains(&seconds))
    {
        return bad(21624);
    }
    let body = match (form.get("Body"), form.get("ContentSid")) {
        (None, Some(sid)) if !world.templates.contains_key(sid) => return bad(21655),
        (None, Some(_)) => match rendered(world, form) {
            Some(text) => text,
            None => return bad(21656),
        },
        (Some(body), None) if !body.is_empty() => body.clone(),
        _ => return bad(21602),
    };
    // Twilio's own magic numbers.
    match to.as_str() {
        "+15005550001" => return bad(21211),
        "+15005550002" => return bad(21612),
        "+15005550003" => return Err((StatusCode::FORBIDDEN, 21408)),
        "+15005550004" => return bad(21610),
        "+15005550009" => return bad(21614),
        to if !is_e164(to) => return bad(21211),
        _ => {}
    }
    if let Some(code) = named(&body).filter(|code| world.obeys_texts && *code < 30_000) {
        return bad(code);
    }
    let (from, service) = (form.get("From"), form.get("MessagingServiceSid"));
    match (from.map(String::as_str), service.map(String::as_str)) {
        (None, None) => return bad(21603),
        (Some("+15005550001"), _) => return bad(21212),
        (Some("+15005550008"), _) => return Err((StatusCode::TOO_MANY_REQUESTS, 21611)),
        (Some(FROM | "whatsapp:+15005550006"), _) | (None, Some(SERVICE)) => {}
        (None, Some(_)) => return bad(21701),
        (Some(_), _) => return bad(21606),
    }
    let is_whatsapp = |number: &String| number.starts_with("whatsapp:");
    if from.is_some_and(|from| is_whatsapp(from) != is_whatsapp(to)) {
        return bad(21910);
    }
    if body.chars().count() > 1600 {
        return bad(21617);
    }
    if form.get("StatusCallback").is_some_and(|url| reqwest::Url::parse(url).is_err()) {
        return bad(21609);
    }
    if world.opted_out.contains(to) {
        return bad(21610);
    }
    if world.is_trial && world.unverified.contains(to) {
        return bad(21608);
    }
    if world.per_day.is_some_and(|limit| world.messages.len() >= limit) {
        return Err((StatusCode::TOO_MANY_REQUESTS, 63038));
    }
    Ok(())
}

/// The code that a text names, as `code-30034`.
pub fn named(text: &str) -> Option<u32> {
    let rest = text.split("code-").nth(1)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The text of a template with its variables, each of which WhatsApp takes on one line; none where they do not fit.
pub fn rendered(world: &World, form: &Fields) -> Option<String> {
    let mut text = world.templates.get(form.get("ContentSid")?)?.clone();
    let variables: BTreeMap<String, String> = serde_json::from_str(form.get("ContentVariables")?).ok()?;
    for (name, value) in variables {
        let place = format!("{{{{{name}}}}}");
        let is_plain = !value.is_empty() && !value.contains(['\n', '\t']) && !value.contains("     ");
        if !is_plain || !text.contains(&place) {
            return None;
        }
        text = text.replace(&place, &value);
    }
    (!text.contains("{{")).then_some(text)
}

fn is_e164(number: &str) -> bool {
    let number = number.strip_prefix("whatsapp:").unwrap_or(number);
    number
        .strip_prefix('+')
        .is_some_and(|digits| digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// The letters of GSM 03.38 that are not ASCII, and those that count twice.
const BASIC: &str = "£¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà\n\r";
const EXTENDED: &str = "^{}\\[~]|€\u{c}";

/// In how many parts a text is sent, each of which is billed.
pub fn segments(text: &str) -> usize {
    let septets = |c: char| match c {
        c if EXTENDED.contains(c) => Some(2),
        c if (c.is_ascii_graphic() || c == ' ') && c != '`' => Some(1),
        c if BASIC.contains(c) => Some(1),
        _ => None,
    };
    // One letter of another alphabet makes all of them two bytes wide.
    let (length, single, part) = match text.chars().map(septets).sum::<Option<usize>>() {
        Some(length) => (length, 160, 153),
        None => (text.encode_utf16().count(), 70, 67),
    };
    if length <= single { 1 } else { length.div_ceil(part) }
}
