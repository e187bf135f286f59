//! Resolves model names: which model, whose, by which route, and whether in one region.
//!
//! The same model has many spellings: by its provider, by Bedrock, by Vertex, by gateways, with a date, with
//! its context size. [`resolve`] parses them with rules and a list of aliases, never by substring: a name
//! that the rules do not know stays as it is, and has no price. Transcripts, telemetry and reports all use
//! it, and the log keeps every name as it was written.
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

/// Bedrock's prefixes for regional inference profiles. They cost a tenth more if the price list says so
/// (<https://platform.claude.com/docs/en/about-claude/pricing>, "third-party platforms").
const REGIONS: [&str; 10] = ["us", "eu", "apac", "jp", "au", "ca", "sa", "af", "me", "us-gov"];

/// Suffixes for the thinking effort, which do not identify a model.
const EFFORTS: [&str; 7] = ["-thinking", "-xhigh", "-high", "-medium", "-low", "-minimal", "-max"];

/// Maximum length of a name in bytes; longer names are left as they are.
const NAME_MAX: usize = 300;

/// A resolved name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name<'a> {
    /// Who is paid: the provider, or a reseller.
    pub provider: Cow<'a, str>,
    /// Whose price list applies if whoever is paid has none: the provider itself, or the model's maker.
    pub maker: Cow<'a, str>,
    /// The model's canonical name.
    pub model: Cow<'a, str>,
    /// Whether the route keeps the call within one region, which may cost more.
    pub is_regional: bool,
}

/// The provider for a word; the word itself if it is unknown.
#[must_use]
pub fn provider(word: &str) -> Cow<'_, str> {
    let lower = word.to_ascii_lowercase();
    match PROVIDERS.iter().find(|(alias, _)| *alias == lower) {
        Some((_, name)) => Cow::Borrowed(name),
        None => Cow::Borrowed(word),
    }
}

/// Resolves a model's name; `told_provider` is the provider named with it.
#[must_use]
pub fn resolve<'a>(told_provider: &'a str, written: &'a str) -> Name<'a> {
    let paid = provider(told_provider);
    let plain = |model| Name { provider: paid.clone(), maker: paid.clone(), model, is_regional: false };
    if written.len() > NAME_MAX {
        return plain(Cow::Borrowed(written));
    }
    let mut name = plain(Cow::Borrowed(""));
    // `[1m]`: the context size.
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
        // An application inference profile names no model: the part after the slash remains, and has no
        // price.
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
    // Claude Code behind a gateway writes names of other makers: the name says whose they are.
    if name.provider == "anthropic"
        && !name.model.starts_with("claude")
        && let Some(maker) = names::maker(&name.model)
    {
        name.provider = Cow::Borrowed(maker);
        name.maker = Cow::Borrowed(maker);
    }
    name
}

/// Removes prefixes such as `openrouter/` and `anthropic/`: the first names who is paid, the last the model's
/// maker.
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

/// Removes Bedrock's decoration: the prefix `us.anthropic.`, the suffix `-v1:0`.
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

/// The canonical name: without effort, and without a date if the model is known without one.
fn canonical(written: Cow<'_, str>) -> Cow<'_, str> {
    let plain = family_first(written);
    known_as(&plain).map_or(plain, Cow::Borrowed)
}

/// The list's name for a model, ignoring its date and suffixes; none if the list does not have it.
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

/// A name without its last suffix: effort, `-latest`, or a date. None if it has none.
fn shorter(name: &str) -> Option<&str> {
    EFFORTS
        .iter()
        .find_map(|effort| name.strip_suffix(effort))
        .or_else(|| name.strip_suffix("-latest"))
        .or_else(|| name.rsplit_once('-').filter(|(_, date)| is_date(date)).map(|(plain, _)| plain))
}

/// `claude-4.5-sonnet` and `claude-sonnet-4.5` become the maker's `claude-sonnet-4-5`; models of version 3
/// have the version first.
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

/// The names under which a price list may have a model, likeliest first: as written, the canonical name, and
/// what remains of it without suffixes and date. `list` says which ones it has.
pub fn price_names<'a>(name: &'a Name<'_>, written: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
    let shared = &*name.model;
    let plain = std::iter::successors(shorter(shared), |plain| shorter(plain)).map(Cow::Borrowed);
    let dated =
        ALIASES.iter().filter(move |(_, known)| *known == shared).map(|(alias, _)| Cow::Borrowed(*alias));
    [Cow::Borrowed(written), Cow::Borrowed(shared)].into_iter().chain(plain).chain(dated)
}

#[cfg(test)]
mod tests;
