//! A cookie file, for machines without a display: the session of a browser in which the person logged in.
//!
//! Two forms are read: Netscape's `cookies.txt` (<https://curl.se/docs/http-cookies.html>) and the JSON that cookie
//! extensions export. Only the recipe's domains are taken; no value reaches a log or an error.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::recipe::Recipe;

/// A cookie without an end lives as long as its browser: it is kept this long instead, in seconds.
const SESSION_S: f64 = 30.0 * 86_400.0;
/// Larger files are no cookie files, in bytes.
pub const FILE_MAX: u64 = 4 << 20;

/// Why a file gives no cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CookieError {
    /// Neither of the two forms.
    #[error(
        "this is neither a cookies.txt (seven columns, separated by tabs) nor a JSON list of cookies; line {line} is the first that is not understood"
    )]
    Form {
        /// The first line that is not understood.
        line: usize,
    },
    /// None of them is of the provider.
    #[error(
        "of {count} cookies none is of the provider's domains; export them on the provider's own page, logged in"
    )]
    None {
        /// How many there are.
        count: usize,
    },
    /// They are old.
    #[error("all of the provider's {count} cookies have expired; log in anew and export them again")]
    Expired {
        /// How many there are.
        count: usize,
    },
}

/// A cookie as extensions export it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Exported {
    name: String,
    value: String,
    domain: String,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    secure: bool,
    #[serde(default)]
    http_only: bool,
    #[serde(default, alias = "expires")]
    expiration_date: Option<f64>,
}

/// A cookie for the browser, the protocol's `Network.CookieParam`. It cannot be shown: its value is a session.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CookieParam {
    name: String,
    value: String,
    domain: String,
    path: String,
    secure: bool,
    http_only: bool,
    /// Its end, in seconds since 1970.
    expires: f64,
}

/// A cookie of the browser, the protocol's `Network.Cookie`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cookie {
    name: String,
    value: String,
    domain: String,
    path: String,
    secure: bool,
    http_only: bool,
    /// Whether it would die with the browser.
    session: bool,
}

/// Reads a cookie file.
///
/// # Errors
/// [`CookieError`].
pub fn parse(text: &str, recipe: &Recipe, now: Timestamp) -> Result<Vec<CookieParam>, CookieError> {
    let all = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|error| CookieError::Form { line: error.line() })?
    } else {
        netscape(text)?
    };
    let count = all.len();
    let mine: Vec<Exported> = all.into_iter().filter(|cookie| is_of(recipe, &cookie.domain)).collect();
    if mine.is_empty() {
        return Err(CookieError::None { count });
    }
    let (count, now_s) = (mine.len(), now.as_second() as f64);
    let live =
        mine.into_iter().filter(|cookie| cookie.expiration_date.is_none_or(|at| at <= 0.0 || at > now_s));
    let live: Vec<CookieParam> = live.map(|cookie| param(cookie, now_s)).collect();
    if live.is_empty() { Err(CookieError::Expired { count }) } else { Ok(live) }
}

fn netscape(text: &str) -> Result<Vec<Exported>, CookieError> {
    let mut cookies = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let (http_only, line) = match line.strip_prefix("#HttpOnly_") {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        if line.trim().is_empty() || (line.starts_with('#') && !http_only) {
            continue;
        }
        let columns: Vec<&str> = line.trim_end_matches(['\r', '\n']).split('\t').collect();
        let &[domain, _, path, secure, expires, name, value] = columns.as_slice() else {
            return Err(CookieError::Form { line: n + 1 });
        };
        let Ok(expires) = expires.parse::<f64>() else { return Err(CookieError::Form { line: n + 1 }) };
        cookies.push(Exported {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: domain.to_owned(),
            path: Some(path.to_owned()),
            secure: secure.eq_ignore_ascii_case("TRUE"),
            http_only,
            expiration_date: Some(expires),
        });
    }
    if cookies.is_empty() { Err(CookieError::Form { line: 1 }) } else { Ok(cookies) }
}

fn is_of(recipe: &Recipe, domain: &str) -> bool {
    let domain = domain.trim_start_matches('.').to_ascii_lowercase();
    recipe.cookie_domains.iter().any(|known| {
        domain == *known || domain.strip_suffix(known.as_str()).is_some_and(|rest| rest.ends_with('.'))
    })
}

fn param(cookie: Exported, now_s: f64) -> CookieParam {
    CookieParam {
        name: cookie.name,
        value: cookie.value,
        domain: cookie.domain,
        path: cookie.path.unwrap_or_else(|| "/".to_owned()),
        secure: cookie.secure,
        http_only: cookie.http_only,
        expires: cookie.expiration_date.filter(|at| *at > 0.0 && at.is_finite()).unwrap_or(now_s + SESSION_S),
    }
}

/// The cookies that would die with the browser, so that they live on in the profile.
pub fn lasting(cookies: Vec<Cookie>, recipe: &Recipe, now: Timestamp) -> Vec<CookieParam> {
    let of_session = cookies.into_iter().filter(|cookie| cookie.session && is_of(recipe, &cookie.domain));
    let to_exported = |cookie: Cookie| Exported {
        name: cookie.name,
        value: cookie.value,
        domain: cookie.domain,
        path: Some(cookie.path),
        secure: cookie.secure,
        http_only: cookie.http_only,
        expiration_date: None,
    };
    of_session.map(|cookie| param(to_exported(cookie), now.as_second() as f64)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> Recipe {
        Recipe::find("anthropic", None).unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    fn names(text: &str) -> Result<Vec<String>, CookieError> {
        Ok(parse(text, &recipe(), now())?.into_iter().map(|cookie| cookie.name).collect())
    }

    #[test]
    fn both_forms_are_read_and_only_the_provider_s_cookies_are_taken() {
        let text = "# Netscape HTTP Cookie File\n\n\
            #HttpOnly_.claude.com\tTRUE\t/\tTRUE\t1900000000\tsessionKey\tvalue\r\n\
            platform.claude.com\tFALSE\t/\tTRUE\t0\ttheme\tdark\n\
            .example.com\tTRUE\t/\tFALSE\t1900000000\tother\tx\n\
            .notclaude.com\tTRUE\t/\tFALSE\t1900000000\tother\tx\n";
        assert_eq!(names(text).unwrap(), ["sessionKey", "theme"]);
        let json = r#"[{"name":"sessionKey","value":"v","domain":".claude.com","path":"/","secure":true,
            "httpOnly":true,"expirationDate":1900000000.5,"sameSite":"lax","hostOnly":false},
            {"name":"a","value":"b","domain":"example.com"}]"#;
        let read = parse(json, &recipe(), now()).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].http_only, read[0].secure), (true, true));
        // A cookie of a session would die with the browser.
        let theme = parse(text, &recipe(), now()).unwrap().remove(1);
        assert!(theme.expires > now().as_second() as f64);
    }

    #[test]
    fn what_is_no_cookie_file_is_told_without_what_stands_in_it() {
        for (text, error) in [
            ("", CookieError::Form { line: 1 }),
            ("sessionKey=sk-ant-sid-marked", CookieError::Form { line: 1 }),
            ("a.b\tTRUE\t/\tTRUE\tsoon\tn\tsk-ant-sid-marked", CookieError::Form { line: 1 }),
            ("[{\"name\":\n\"sk-ant-sid-marked\"]", CookieError::Form { line: 2 }),
            ("example.com\tTRUE\t/\tTRUE\t0\tn\tsk-ant-sid-marked", CookieError::None { count: 1 }),
            (
                ".claude.com\tTRUE\t/\tTRUE\t1500000000\tn\tsk-ant-sid-marked",
                CookieError::Expired { count: 1 },
            ),
        ] {
            let said = names(text).unwrap_err();
            assert_eq!(said, error);
            assert!(!said.to_string().contains("marked"));
        }
    }
}
