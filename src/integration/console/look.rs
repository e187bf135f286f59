//! One look at a page: which of its signs and elements are there.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cdp::Page;
use super::recipe::{Recipe, Sign, is_like};
use super::responses::Heard;

/// What is looked for; the order is the recipe's.
#[derive(Debug, Serialize)]
struct Asked<'a> {
    signs: Vec<&'a str>,
    elements: Vec<&'a str>,
}

/// What is there.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Look {
    url: String,
    title: String,
    /// Whether all of the page has come.
    pub is_loaded: bool,
    signs: Vec<bool>,
    /// The text of each way's element; none where it is not there, or where several differ.
    pub texts: Vec<Option<String>>,
}

/// Only reads. A selector that is none matches nothing.
const SCRIPT: &str = r"((asked) => {
  const all = (selector) => { try { return [...document.querySelectorAll(selector)] } catch { return [] } };
  const text = (selector) => {
    if (!selector) return null;
    const texts = new Set(all(selector).map((element) => (element.innerText || '').trim().slice(0, 200)));
    return texts.size === 1 ? [...texts][0] : null;
  };
  return {
    url: location.href.slice(0, 2000), title: (document.title || '').slice(0, 200),
    is_loaded: document.readyState === 'complete',
    signs: asked.signs.map((selector) => all(selector).length > 0), texts: asked.elements.map(text),
  };
})";

/// A look at a page that answers takes a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// Looks; none while the page is between two documents.
pub async fn look(page: &Page, recipe: &Recipe) -> Option<Look> {
    let signs = recipe.challenge.iter().chain(&recipe.logged_out);
    let signs = signs.map(|sign| sign.selector.as_deref().unwrap_or_default()).collect();
    let elements = recipe.amounts.iter().map(|way| way.selector.as_deref().unwrap_or_default()).collect();
    let asked = serde_json::to_string(&Asked { signs, elements }).ok()?;
    page.evaluate(&format!("{SCRIPT}({asked})"), PATIENCE).await
}

impl Look {
    /// Whether it is a challenge page.
    pub fn is_challenge(&self, recipe: &Recipe, heard: &Heard) -> bool {
        heard.is_challenge || self.has_any(&recipe.challenge, 0, heard)
    }

    /// Whether nobody is logged in.
    pub fn is_logged_out(&self, recipe: &Recipe, heard: &Heard) -> bool {
        self.has_any(&recipe.logged_out, recipe.challenge.len(), heard)
    }

    /// Whether the browser shows a page of its own: the connection was refused, or the name is not known.
    pub fn is_browser_error(&self) -> bool {
        self.url.starts_with("chrome-error:")
    }

    fn has_any(&self, signs: &[Sign], first: usize, heard: &Heard) -> bool {
        signs.iter().enumerate().any(|(n, sign)| {
            let is = |pattern: &Option<String>, text: &str| {
                pattern.as_ref().is_none_or(|pattern| is_like(pattern, text))
            };
            let is_there = sign.selector.is_none() || self.signs.get(first + n).copied().unwrap_or_default();
            let is_refused = sign
                .refused_url
                .as_ref()
                .is_none_or(|pattern| heard.refused.iter().any(|url| is_like(pattern, url)));
            is(&sign.url, &self.url) && is(&sign.title, &self.title) && is_there && is_refused
        })
    }
}
