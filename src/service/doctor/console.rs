//! What reading a provider's own page needs: a browser, recipes, a session.

use std::path::Path;

use crate::config::Config;
use crate::integration::console::{Recipe, RecipeError, browser};

use super::Check;

/// Checks all of it. If pages are not read, only problems are reported.
pub fn checks(config: &Config, data_dir: Option<&Path>) -> Vec<Check> {
    let mut checks = vec![the_browser(config)];
    checks.extend(as_root(config, browser::is_root()));
    checks.extend(recipes(config));
    checks.push(providers(config));
    if config.console.enabled {
        checks.extend(data_dir.map(|dir| sessions(config, dir)));
    }
    checks
}

fn the_browser(config: &Config) -> Check {
    const NAME: &str = "console.browser";
    let named = config.console.browser.as_deref();
    match (browser::find(named), named) {
        (Some(path), _) => Check::ok(NAME, path.display().to_string()),
        (None, Some(path)) => Check::problem(
            NAME,
            format!("{} is not a program", path.display()),
            "name a Chromium or Chrome, or remove the key to have one looked for",
        ),
        (None, None) if config.console.enabled => Check::problem(
            NAME,
            "no Chromium or Chrome in PATH",
            "install one (apt-get install chromium), or name it in console.browser",
        ),
        (None, None) => {
            Check::skipped(NAME, "no Chromium or Chrome in PATH; only balance pages would need one")
        }
    }
}

/// Root's browser runs without a sandbox. Reported if that is so, or if it keeps pages from being read.
fn as_root(config: &Config, is_root: bool) -> Option<Check> {
    const NAME: &str = "console.as_root";
    if config.console.as_root {
        return Some(Check::warning(
            NAME,
            "root may start the browser, which then has no sandbox against the pages it shows",
            "run mecris as an ordinary user, and remove the key",
        ));
    }
    (config.console.enabled && is_root).then(|| {
        Check::problem(
            NAME,
            "root runs mecris, and starts no browser: it would have no sandbox",
            "run mecris as an ordinary user, or take the risk: console.as_root = true",
        )
    })
}

fn recipes(config: &Config) -> Option<Check> {
    const NAME: &str = "console.recipes";
    let dir = config.console.recipes.as_ref()?;
    Some(match std::fs::read_dir(dir) {
        Ok(_) => Check::ok(NAME, dir.display().to_string()),
        Err(error) => {
            let detail = format!("{}: {error}", dir.display());
            Check::problem(NAME, detail, "name a directory with recipes, or remove the key")
        }
    })
}

fn providers(config: &Config) -> Check {
    const NAME: &str = "console.providers";
    let read = |provider: &String| Recipe::find(provider, config.console.recipes.as_deref());
    match config.console.providers.iter().map(read).collect::<Result<Vec<_>, _>>() {
        Err(error @ RecipeError::Unknown(_)) => {
            Check::problem(NAME, error.to_string(), "name providers for which there is a recipe")
        }
        Err(error) => Check::problem(NAME, error.to_string(), "fix the recipe: mecris console check FILE"),
        Ok(_) if !config.console.enabled => {
            Check::skipped(NAME, "off; read docs/console.md, then set console.enabled = true")
        }
        Ok(recipes) => {
            let names: Vec<&str> = recipes.iter().map(|recipe| recipe.provider.as_str()).collect();
            Check::ok(NAME, names.join(", "))
        }
    }
}

/// Whether there was a login; whether it is still valid only the page can tell.
fn sessions(config: &Config, dir: &Path) -> Check {
    const NAME: &str = "console.session";
    let has_none = |provider: &&String| !dir.join("console").join(provider).join("profile").is_dir();
    match config.console.providers.iter().find(has_none) {
        Some(provider) => Check::warning(
            NAME,
            format!("no login at {provider} yet"),
            format!("log in once: mecris login {provider}"),
        ),
        None => Check::ok(NAME, "there was a login; `mecris sources` says whether it is still valid"),
    }
}
