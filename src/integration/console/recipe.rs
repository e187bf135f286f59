//! A recipe: where on a provider's page the balance stands. Data, so that a changed page is a changed file.

use serde::{Deserialize, Serialize};

use crate::domain::balance::is_provider;
use crate::domain::console::{Bounds, Locale};
use crate::domain::money::Picodollars;
use crate::files::text;

/// The recipes that come with the program, by provider.
const BUNDLED: &[(&str, &str)] = &[("anthropic", include_str!("../../../data/consoles/anthropic.toml"))];

/// Where a provider shows what is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Who is paid, as usage names it.
    pub provider: String,
    /// Scheme, host and port of the site.
    pub home: String,
    /// The path of the page with the balance.
    pub page: String,
    /// The path of the page to log in at; the page with the balance where absent.
    #[serde(default)]
    pub login: Option<String>,
    /// Cookies of these domains, and those below them, are taken from a cookie file.
    pub cookie_domains: Vec<String>,
    /// Where given, the browser reaches these hosts only, in patterns of Chromium's `--host-resolver-rules`.
    #[serde(default)]
    pub only_hosts: Vec<String>,
    /// Signs that nobody is logged in.
    #[serde(default)]
    pub logged_out: Vec<Sign>,
    /// Signs of a challenge page.
    #[serde(default)]
    pub challenge: Vec<Sign>,
    /// The ways to the balance.
    pub amounts: Vec<Way>,
    /// What no balance is outside of.
    pub bounds: StatedBounds,
}

/// A sign of a page's state: all that is given must hold. `*` stands for any text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    /// Of its address.
    #[serde(default)]
    pub url: Option<String>,
    /// Of its title.
    #[serde(default)]
    pub title: Option<String>,
    /// An element that is there.
    #[serde(default)]
    pub selector: Option<String>,
    /// The address of a response of which the status is 401 or 403.
    #[serde(default)]
    pub refused_url: Option<String>,
}

/// A way to an amount: a JSON response (`url` and `pointer`) or an element (`selector`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// Its name, which is kept with the reading.
    pub way: String,
    /// The address of a JSON response that the page asks for.
    #[serde(default)]
    pub url: Option<String>,
    /// Where in it the amount stands (RFC 6901).
    #[serde(default)]
    pub pointer: Option<String>,
    /// Where in it the currency stands; what stands there must be USD.
    #[serde(default)]
    pub currency_pointer: Option<String>,
    /// What stands here where the response is an error in spite of its status.
    #[serde(default)]
    pub error_pointer: Option<String>,
    /// Where it says of when the amount is (RFC 3339).
    #[serde(default)]
    pub as_of_pointer: Option<String>,
    /// An amount older than this is not taken, in hours.
    #[serde(default)]
    pub max_age_hours: Option<u32>,
    /// The element whose text the amount is.
    #[serde(default)]
    pub selector: Option<String>,
    /// In what the amount is given: `cents` in JSON, or `dollars`.
    pub unit: Unit,
    /// How the page writes decimals; what can be read in two ways is refused where this is absent.
    #[serde(default)]
    pub locale: Option<Locale>,
}

/// In what an amount is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Hundredths of a dollar.
    Cents,
    /// Dollars.
    Dollars,
}

/// The bounds as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatedBounds {
    /// The least balance, in USD.
    pub min_usd: Picodollars,
    /// The most, in USD.
    pub max_usd: Picodollars,
}

/// Why a file is not a recipe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// There is none for this provider.
    #[error(
        "there is no recipe for {0}; write one as {0}.toml into the directory that console.recipes names (docs/console.md)"
    )]
    Unknown(String),
    /// It cannot be read.
    #[error("{file}: {detail}")]
    File {
        /// Which file.
        file: String,
        /// What the system said.
        detail: String,
    },
    /// It is not such a TOML.
    #[error("{file}: {detail}; see data/consoles/anthropic.toml for every key")]
    Form {
        /// Which file.
        file: String,
        /// What is wrong, with its line.
        detail: String,
    },
    /// A value makes no sense.
    #[error("{file}: {key}: {fix}")]
    Value {
        /// Which file.
        file: String,
        /// Which key.
        key: String,
        /// What is wanted.
        fix: &'static str,
    },
}

impl Recipe {
    /// The recipe for a provider: the person's own, or else the one that comes with the program.
    ///
    /// # Errors
    /// [`RecipeError`].
    pub fn find(provider: &str, dir: Option<&std::path::Path>) -> Result<Self, RecipeError> {
        if !is_provider(provider) {
            return Err(RecipeError::Unknown(provider.to_owned()));
        }
        if let Some(dir) = dir {
            let path = dir.join(format!("{provider}.toml"));
            match text::read(&path) {
                Ok(text) => return Self::parse(&text, &path.display().to_string()),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    let (file, detail) = (path.display().to_string(), error.to_string());
                    return Err(RecipeError::File { file, detail });
                }
            }
        }
        let bundled = BUNDLED.iter().find(|(name, _)| *name == provider);
        let (name, text) = bundled.ok_or_else(|| RecipeError::Unknown(provider.to_owned()))?;
        Self::parse(text, &format!("{name}.toml"))
    }

    /// Reads a recipe. `file` is its name in errors.
    ///
    /// # Errors
    /// [`RecipeError`].
    pub fn parse(text: &str, file: &str) -> Result<Self, RecipeError> {
        let form = |error: toml::de::Error| RecipeError::Form {
            file: file.to_owned(),
            detail: error.to_string().trim().replace('\n', " "),
        };
        let recipe: Self = toml::from_str(text).map_err(form)?;
        match recipe.fault() {
            None => Ok(recipe),
            Some((key, fix)) => Err(RecipeError::Value { file: file.to_owned(), key, fix }),
        }
    }

    fn fault(&self) -> Option<(String, &'static str)> {
        let fault = |key: &str, fix| Some((key.to_owned(), fix));
        if !is_provider(&self.provider) {
            return fault("provider", "use a name like anthropic, of a-z, 0-9, '-', '_' and '.'");
        }
        let is_local = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
        let is_local = is_local.iter().any(|start| self.home.starts_with(start));
        if !(self.home.starts_with("https://") || is_local) || self.home.ends_with('/') {
            return fault("home", "use https:// and the host, without a slash at the end");
        }
        let paths = [Some(&self.page), self.login.as_ref()];
        if !paths.into_iter().flatten().all(|path| path.starts_with('/')) {
            return fault("page", "paths begin with a slash");
        }
        for (key, signs) in [("logged_out", &self.logged_out), ("challenge", &self.challenge)] {
            if signs.iter().any(Sign::is_empty) {
                return fault(key, "each sign needs a url, a title, a selector or a refused_url");
            }
        }
        if self.bounds.min_usd > self.bounds.max_usd {
            return fault("bounds", "min_usd is above max_usd");
        }
        if self.amounts.is_empty() {
            return fault("amounts", "at least one way to the balance is needed");
        }
        self.amounts.iter().find_map(|way| way.fault().map(|fix| (format!("amounts, way {}", way.way), fix)))
    }

    /// The bounds.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        Bounds { min: self.bounds.min_usd, max: self.bounds.max_usd }
    }

    /// The address of the page with the balance.
    #[must_use]
    pub fn page_url(&self) -> String {
        format!("{}{}", self.home, self.page)
    }

    /// The address of the page to log in at.
    #[must_use]
    pub fn login_url(&self) -> String {
        format!("{}{}", self.home, self.login.as_ref().unwrap_or(&self.page))
    }
}

impl Sign {
    fn is_empty(&self) -> bool {
        [&self.url, &self.title, &self.selector, &self.refused_url].into_iter().all(Option::is_none)
    }
}

impl Way {
    fn fault(&self) -> Option<&'static str> {
        if !is_provider(&self.way) {
            return Some("a way's name is of a-z, 0-9, '-', '_' and '.'");
        }
        let pointers = [&self.pointer, &self.currency_pointer, &self.error_pointer, &self.as_of_pointer];
        match (&self.url, &self.pointer, &self.selector) {
            (Some(_), Some(_), None) | (None, None, Some(_)) => {}
            _ => return Some("give either url and pointer, or a selector"),
        }
        if pointers.into_iter().flatten().any(|pointer| !pointer.starts_with('/')) {
            return Some("pointers begin with a slash, as in /data/amount");
        }
        if self.selector.is_some() && (self.unit == Unit::Cents || pointers[1..].iter().any(|p| p.is_some()))
        {
            return Some("an element shows dollars, and has no pointers");
        }
        (self.as_of_pointer.is_some() != self.max_age_hours.is_some())
            .then_some("as_of_pointer and max_age_hours belong together")
    }
}

/// Whether a text is of this pattern, in which `*` stands for any text.
#[must_use]
pub fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_recipes_are_recipes() {
        for (provider, _) in BUNDLED {
            assert_eq!(&Recipe::find(provider, None).unwrap().provider, provider);
        }
        assert!(matches!(Recipe::find("../anthropic", None), Err(RecipeError::Unknown(_))));
        assert!(matches!(Recipe::find("nobody", None), Err(RecipeError::Unknown(_))));
    }

    #[test]
    fn a_file_that_is_no_recipe_is_told_with_its_key() {
        let (_, good) = BUNDLED[0];
        for (from, to, told) in [
            ("home = \"https://platform.claude.com\"", "home = \"http://platform.claude.com\"", "home"),
            ("page = \"/settings", "page = \"settings", "page"),
            ("url = \"*/oauth*\"", "", "logged_out"),
            ("pointer = \"/amount\"", "pointer = \"amount\"", "pointers begin"),
            ("pointer = \"/amount\"", "", "either url and pointer"),
            ("unit = \"cents\"", "unit = \"pence\"", "pence"),
            ("min_usd = \"0\"", "min_usd = \"20000\"", "min_usd"),
            ("provider =", "provder =", "provder"),
            ("[bounds]", "[[bounds]]", "bounds"),
        ] {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "{from}");
            let said = Recipe::parse(&text, "mine.toml").unwrap_err().to_string();
            assert!(said.contains("mine.toml") && said.contains(told), "{said}");
        }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, is) in [
            ("*/login*", "https://a.b/login?next=1", true),
            ("*/login*", "https://a.b/logout", false),
            ("Just a moment*", "Just a moment...", true),
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("*/a/*/c", "x/a/b/c", true),
            ("*/a/*/c", "x/a/c", false),
            ("*aa", "aa", true),
            ("a*a", "a", false),
            ("*", "", true),
        ] {
            assert_eq!(is_like(pattern, text), is, "{pattern} {text}");
        }
    }
}
