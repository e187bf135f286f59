//! Files that a person or another program writes: notes and settings of a vault, settings, prices, recipes, cookies.

use std::sync::LazyLock;

use jiff::civil::date;
use mecris::config::prices::price_table;
use mecris::config::{self, Config};
use mecris::domain::money::Picodollars;
use mecris::domain::pricing::PriceTable;
use mecris::domain::tokens::{MAX_COUNT, Tokens};
use mecris::domain::usage::{ServiceTier, Speed, Usage};
use mecris::domain::vault::Note;
use mecris::domain::vault::moment::{Weeks, format};
use mecris::domain::vault::periodic::{Pattern, Period, fill};
use mecris::domain::vault::write::append;
use mecris::fuzzing::{self, NOW};
use mecris::integration::console::{Recipe, cookies};

/// No setting is longer.
const LINE_MAX: usize = 4_096;

/// A note: its tasks are on existing lines, and adding a line changes nothing else and happens once.
pub fn note(data: &[u8]) {
    let text = super::text(data);
    let note = Note::parse(&text);
    let lines = text.lines().count() as u32;
    assert!(note.tasks.iter().all(|task| (1..=lines).contains(&task.line)));
    assert!(note.headings.iter().all(|heading| (1..=6).contains(&heading.level) && heading.line <= lines));
    assert!(
        note.tags.iter().all(|tag| !tag.is_empty() && !tag.contains(char::is_whitespace)),
        "{:?}",
        note.tags
    );
    if let Some(once) = append(&text, "Log", "- new") {
        let before = text.bytes().zip(once.bytes()).take_while(|(a, b)| a == b).count();
        let rest = &text.as_bytes()[before..];
        assert!(once.as_bytes().ends_with(rest), "something else was changed");
        assert!(once.contains("- new"));
        assert_eq!(append(&once, "Log", "- new"), None, "a line is added once");
    }
    let moment = date(2026, 11, 20).at(9, 5, 0, 0);
    drop(fill(&text, "a day", moment, Weeks::Sunday));
    // Formats are lines of settings.
    let line = text.lines().next().unwrap_or_default();
    let line = &line[..line.floor_char_boundary(LINE_MAX)];
    drop(format(moment, line, Weeks::Iso));
    is_inside(&Pattern { folder: line.to_owned(), format: line.to_owned(), template: Some(line.to_owned()) });
}

fn is_inside(pattern: &Pattern) {
    for path in
        [pattern.path(date(2026, 11, 20), Weeks::Sunday), pattern.template_path()].into_iter().flatten()
    {
        assert!(!path.starts_with('/') && !path.split('/').any(|part| part == ".."), "{path:?}");
    }
}

/// A vault's own settings: the paths of notes stay inside of it.
pub fn vault_settings(data: &[u8]) {
    let files = [
        "core-plugins.json",
        "daily-notes.json",
        "app.json",
        "plugins/calendar/data.json",
        "plugins/periodic-notes/data.json",
        "plugins/periodic-notes/manifest.json",
        "plugins/obsidian-tasks-plugin/data.json",
    ];
    for name in files {
        super::file(&format!("vault/.obsidian/{name}"), data);
    }
    let read = fuzzing::vault_settings(&super::scratch().join("vault"));
    let (settings, wrong) = read.expect("a directory that is there");
    // A file is wrong by itself, and what it says of each kind of note may be doubtful.
    assert!(wrong <= files.len() * (1 + Period::ALL.len()) + data.len());
    Period::ALL.into_iter().for_each(|period| is_inside(&settings.pattern(period)));
    let _ = settings.ignores("a/b.md");
    for (period, weeks) in Period::ALL.into_iter().zip([Weeks::Sunday, Weeks::Iso].into_iter().cycle()) {
        let path = settings.path(period, date(2026, 12, 31), weeks);
        assert!(path.is_none_or(|path| !path.starts_with(['/', '.']) && !path.contains("/.")));
    }
    let note = Note::parse_by("- [x] a 2026-12-31", settings.rules());
    for task in &note.tasks {
        let _ = (settings.state_of(task), settings.scheduled("2026-12-31.md", task));
    }
}

/// The settings file: every key is accepted or reported, and accepted settings can be written and read again.
pub fn settings(data: &[u8]) {
    let path = super::file("config.toml", data);
    let inspection = config::inspect_with(Some(&path), &[]);
    for (_, problem) in &inspection.problems {
        assert!(!problem.to_string().is_empty());
    }
    let config = &inspection.loaded.config;
    let written = serde_json::to_value(config).expect("settings are JSON");
    let mut read: Config =
        serde_json::from_value(written.clone()).expect("settings that were written are read");
    assert_eq!(serde_json::to_value(&read).ok(), Some(written));
    read.clone_from(config);
    drop(config::keys::wrong_forms(&read));
}

/// A price file: a call of any size with any of its models has a cost that is not negative.
pub fn prices(data: &[u8]) {
    static BUNDLED: LazyLock<PriceTable> = LazyLock::new(|| price_table(None).expect("the bundled table"));
    let Ok(text) = std::str::from_utf8(data) else { return };
    let own =
        PriceTable { models: Default::default(), aliases: Default::default(), version: "own".to_owned() };
    let Ok(table) = fuzzing::prices(own, text) else { return };
    assert!(
        fuzzing::prices(BUNDLED.clone(), text).is_ok(),
        "what stands alone stands over the bundled table"
    );
    let most = Tokens {
        input: MAX_COUNT,
        output: MAX_COUNT,
        cache_write_5m: MAX_COUNT,
        cache_write_1h: MAX_COUNT,
        cache_read: MAX_COUNT,
        web_searches: MAX_COUNT,
    };
    for (name, prices) in table.models.iter().take(20) {
        assert!(prices.check().is_ok());
        let (provider, model) = name.split_once('/').expect("a provider and a model");
        for speed in [Speed::Standard, Speed::Fast] {
            for tier in [ServiceTier::Standard, ServiceTier::Batch, ServiceTier::Priority, ServiceTier::Flex]
            {
                let usage = Usage {
                    provider: provider.into(),
                    model: model.into(),
                    inference_geo: prices.list.multipliers.keys().next().map_or("us", String::as_str).into(),
                    service_tier: tier,
                    speed: speed.clone(),
                    tokens: most,
                    occurred_at: NOW,
                    ..Usage::default()
                };
                assert!(table.price(&usage).cost.is_none_or(|cost| cost >= Picodollars::ZERO));
            }
        }
    }
    if let Some(dearest) = table.models.keys().next().and_then(|name| table.dearest(name.split('/').next()?))
    {
        assert!(dearest.bound(&most) >= Picodollars::ZERO);
    }
}

/// A recipe: a valid one can be written and read again, and leads to no other host.
pub fn recipe(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(recipe) = Recipe::parse(text, "mine.toml") else { return };
    let written = serde_json::to_value(&recipe).expect("a recipe is JSON");
    assert_eq!(serde_json::from_value::<Recipe>(written).ok().as_ref(), Some(&recipe));
    assert!(recipe.page_url().starts_with(&recipe.home) && recipe.login_url().starts_with(&recipe.home));
    for text in [text, "$13.92"] {
        let found = fuzzing::amounts(&recipe, br#"{"amount":1392,"currency":"USD"}"#, text);
        assert!(found.len() <= recipe.amounts.len());
    }
}

/// A cookie file: only unexpired cookies of the recipe's domains are accepted.
pub fn cookies(data: &[u8]) {
    static RECIPE: LazyLock<Recipe> =
        LazyLock::new(|| Recipe::find("anthropic", None).expect("the bundled recipe"));
    let Ok(taken) = cookies::parse(&super::text(data), &RECIPE, NOW) else { return };
    assert!(!taken.is_empty());
    for cookie in taken {
        let cookie = serde_json::to_value(&cookie).expect("a cookie is JSON");
        let domain = cookie["domain"].as_str().unwrap_or_default().to_ascii_lowercase();
        assert!(RECIPE.cookie_domains.iter().any(|known| domain.ends_with(known)), "{domain:?}");
        assert!(cookie["expires"].as_f64().is_some_and(|end| end > NOW.as_second() as f64));
    }
}

/// Messages of the browser: only those within the depth limit are accepted, and only accepted ones are events.
pub fn browser(data: &[u8]) {
    let is_event = fuzzing::browser(data);
    assert!(is_event.is_none() || serde_json::from_slice::<serde::de::IgnoredAny>(data).is_ok());
}
