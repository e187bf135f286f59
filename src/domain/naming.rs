//! What a model's name says: which model it is, whose, by which route it was reached, and whether in one region.
//!
//! The same model is written in many ways: by the provider itself, by Bedrock, by Vertex, by gateways, with a date, with
//! the size of its context. [`resolve`] reads them by rules and a list of aliases, never by substring: a name that the
//! rules do not know stays as it is, and has no price. Transcripts, telemetry and reports all come through here, and the
//! log keeps every name as it was written.
//!
//! | written | route | model |
//! |---|---|---|
//! | `claude-sonnet-4-5[1m]` | – | `claude-sonnet-4-5` |
//! | `anthropic/claude-4.5-sonnet-20250929` | – | `claude-sonnet-4-5` |
//! | `us.anthropic.claude-sonnet-4-5-20250929-v1:0` | Bedrock, one region | the same |
//! | `global.anthropic.…`, `anthropic.…` | Bedrock | the same |
//! | `claude-sonnet-4-5@20250929` | Vertex | the same |
//! | `openrouter/openai/gpt-5` | OpenRouter | `gpt-5` |

mod names;

use std::borrow::Cow;

use names::{ALIASES, KNOWN, PROVIDERS};

/// Bedrock's prefixes of inference profiles that stay within a part of the world: they cost a tenth more where the price
/// list says so (<https://platform.claude.com/docs/en/about-claude/pricing>, "third-party platforms").
const REGIONS: [&str; 10] = ["us", "eu", "apac", "jp", "au", "ca", "sa", "af", "me", "us-gov"];

/// Suffixes that say how hard the model thinks, not which it is.
const EFFORTS: [&str; 7] = ["-thinking", "-xhigh", "-high", "-medium", "-low", "-minimal", "-max"];

/// Names are no longer than this, in bytes; a longer one is left as it is.
const NAME_MAX: usize = 300;

/// What a name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name<'a> {
    /// Who is paid: the provider, or whoever resells it.
    pub provider: Cow<'a, str>,
    /// Whose price list holds where whoever is paid has none of its own; the provider itself, or the model's maker.
    pub maker: Cow<'a, str>,
    /// The model, by the name that all its names share.
    pub model: Cow<'a, str>,
    /// Whether the call was kept within one region by the route, which may cost more.
    pub is_regional: bool,
}

/// The provider that a word means; the word itself where no list has it.
#[must_use]
pub fn provider(word: &str) -> Cow<'_, str> {
    let lower = word.to_ascii_lowercase();
    match PROVIDERS.iter().find(|(alias, _)| *alias == lower) {
        Some((_, name)) => Cow::Borrowed(name),
        None => Cow::Borrowed(word),
    }
}

/// What a model's name says, where `told_provider` is who is paid as far as the telling knows.
#[must_use]
pub fn resolve<'a>(told_provider: &'a str, written: &'a str) -> Name<'a> {
    let paid = provider(told_provider);
    let plain = |model| Name { provider: paid.clone(), maker: paid.clone(), model, is_regional: false };
    if written.len() > NAME_MAX {
        return plain(Cow::Borrowed(written));
    }
    let mut name = plain(Cow::Borrowed(""));
    // `[1m]`: the size of its context.
    let mut rest = written.trim();
    if let Some((plain, size)) = rest.rsplit_once('[')
        && size.ends_with(']')
        && !plain.is_empty()
    {
        rest = plain.trim_end();
    }
    if let Some(arn) =
        rest.strip_prefix("arn:aws:bedrock:").or_else(|| rest.strip_prefix("arn:aws-us-gov:bedrock:"))
    {
        // An application's own profile names no model: what follows the slash stays, and has no price.
        rest = arn.rsplit('/').next().unwrap_or(arn);
        name.provider = Cow::Borrowed("bedrock");
    }
    if let Some(path) = rest.strip_prefix("publishers/") {
        rest = path.rsplit('/').next().unwrap_or(path);
        name.provider = Cow::Borrowed("vertex");
    }
    rest = route(rest, &mut name);
    rest = bedrock(rest, &mut name);
    if let Some((model, date)) = rest.split_once('@')
        && !date.contains('@')
    {
        name.provider = Cow::Borrowed("vertex");
        name.maker = Cow::Borrowed(if model.starts_with("claude") { "anthropic" } else { "gemini" });
        name.model =
            canonical(Cow::Owned(if is_date(date) { format!("{model}-{date}") } else { model.to_owned() }));
        return name;
    }
    if matches!(&*name.maker, "bedrock" | "vertex") && rest.starts_with("claude") {
        name.maker = Cow::Borrowed("anthropic");
    }
    name.model = canonical(Cow::Borrowed(rest));
    // Claude Code behind a gateway writes names of other makers: whose they are is in the name.
    if name.provider == "anthropic"
        && !name.model.starts_with("claude")
        && let Some(maker) = names::maker(&name.model)
    {
        name.provider = Cow::Borrowed(maker);
        name.maker = Cow::Borrowed(maker);
    }
    name
}

/// Takes prefixes such as `openrouter/` and `anthropic/`: the first names who is paid, the last whose model it is.
fn route<'a>(written: &'a str, name: &mut Name<'a>) -> &'a str {
    let mut rest = written;
    let mut is_first = true;
    while let Some((prefix, after)) = rest.split_once('/').or_else(|| vendor(rest)) {
        let known = provider(prefix);
        let is_provider = PROVIDERS.iter().any(|(_, name)| *name == known);
        if !is_provider || after.is_empty() {
            break;
        }
        if is_first {
            name.provider.clone_from(&known);
        }
        name.maker = known;
        is_first = false;
        rest = after;
    }
    rest
}

/// `openai:gpt-5`; not the `:0` of a version, nor `:free`.
fn vendor(written: &str) -> Option<(&str, &str)> {
    written.split_once(':').filter(|(prefix, _)| PROVIDERS.iter().any(|(alias, _)| alias == prefix))
}

/// Takes Bedrock's dress off: `us.anthropic.` before, `-v1:0` behind.
fn bedrock<'a>(written: &'a str, name: &mut Name<'a>) -> &'a str {
    let (region, rest) = match written.split_once('.') {
        Some((region, rest)) if region == "global" || REGIONS.contains(&region) => (Some(region), rest),
        _ => (None, written),
    };
    let Some((maker, model)) = rest.split_once('.') else { return written };
    let maker = match maker {
        "anthropic" | "mistral" | "deepseek" | "openai" | "qwen" => provider(maker),
        _ => return written,
    };
    name.provider = Cow::Borrowed("bedrock");
    name.maker = maker;
    name.is_regional = region.is_some_and(|region| region != "global");
    let model = model
        .rsplit_once(':')
        .map_or(model, |(model, version)| if is_number(version) { model } else { rest });
    match model.rsplit_once("-v") {
        Some((plain, version)) if is_number(version) => plain,
        _ => model,
    }
}

/// The name that all names of a model share: without effort, without a date where the
/// same model is known without one.
fn canonical(written: Cow<'_, str>) -> Cow<'_, str> {
    let plain = family_first(written);
    known_as(&plain).map_or(plain, Cow::Borrowed)
}

/// The list's name for a model, through its date and its suffixes; none where the list has it not.
fn known_as(name: &str) -> Option<&'static str> {
    let listed = |name: &str| {
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, known)| *known);
        alias.or_else(|| KNOWN.iter().find(|known| **known == name).copied())
    };
    let mut rest = name;
    loop {
        if let Some(known) = listed(rest) {
            return Some(known);
        }
        rest = shorter(rest)?;
    }
}

/// A name without the last of its suffixes: how hard the model thinks, `-latest`, or a date. None where it has none.
fn shorter(name: &str) -> Option<&str> {
    EFFORTS
        .iter()
        .find_map(|effort| name.strip_suffix(effort))
        .or_else(|| name.strip_suffix("-latest"))
        .or_else(|| name.rsplit_once('-').filter(|(_, date)| is_date(date)).map(|(plain, _)| plain))
}

/// `claude-4.5-sonnet` and `claude-sonnet-4.5` are written `claude-sonnet-4-5` by their maker; those of version 3 had the
/// version first.
fn family_first(written: Cow<'_, str>) -> Cow<'_, str> {
    let Some(rest) = written.strip_prefix("claude-") else { return written };
    let parts: Vec<&str> = rest.split(['-', '.']).collect();
    let version = parts.iter().take_while(|part| is_number(part)).count();
    let is_family = |part: &&str| matches!(*part, "opus" | "sonnet" | "haiku" | "fable" | "mythos");
    let is_turned = version > 0 && parts[0] != "3" && parts.get(version).is_some_and(is_family);
    if !is_turned && !rest.contains('.') {
        return written;
    }
    let (front, back) = if is_turned {
        (&parts[version..=version], &parts[version + 1..])
    } else {
        (&parts[..0], &parts[version..])
    };
    let in_order: Vec<&str> = front.iter().chain(&parts[..version]).chain(back).copied().collect();
    Cow::Owned(format!("claude-{}", in_order.join("-")))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `20250929`.
fn is_date(text: &str) -> bool {
    text.len() == 8 && text.starts_with("20") && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The names by which a price list may have a model, the likeliest first: as it was written, its shared name, and what
/// remains of it without suffixes and a date. `list` says which it has.
pub fn price_names<'a>(name: &'a Name<'_>, written: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
    let shared = &*name.model;
    let plain = std::iter::successors(shorter(shared), |plain| shorter(plain)).map(Cow::Borrowed);
    let dated =
        ALIASES.iter().filter(move |(_, known)| *known == shared).map(|(alias, _)| Cow::Borrowed(*alias));
    [Cow::Borrowed(written), Cow::Borrowed(shared)].into_iter().chain(plain).chain(dated)
}

#[cfg(test)]
mod tests;
