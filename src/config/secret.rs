//! Values that must not be shown, and addresses that must be ones.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A secret: shown nowhere, not even in a debugger's line, and wiped from memory when it goes.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a secret over; surrounding white space, as files end with, is not part of it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(SecretString::from(text.trim()))
    }

    /// The secret itself, for the one who sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// For clients that keep it.
    #[must_use]
    pub fn to_secret(&self) -> SecretString {
        self.0.clone()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

impl PartialEq for Secret {
    /// For noticing that a reloaded setting differs; nothing is authenticated by this.
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(hidden)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.trim().is_empty() {
            return Err(serde::de::Error::custom("a secret cannot be empty"));
        }
        Ok(Self::new(&text))
    }
}

impl schemars::JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "password", "minLength": 1 })
    }
}

/// A telephone number as the person wrote it: personal, so shown by its last two digits only.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(String);

impl Phone {
    /// Takes a number over.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The number itself, for the one who calls it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `…10`
    #[must_use]
    pub fn masked(&self) -> String {
        let digits: Vec<char> = self.0.chars().filter(char::is_ascii_digit).collect();
        format!("…{}", digits[digits.len().saturating_sub(2)..].iter().collect::<String>())
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({})", self.masked())
    }
}

impl Serialize for Phone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.masked())
    }
}

impl<'de> Deserialize<'de> for Phone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::new(&text))
    }
}

impl schemars::JsonSchema for Phone {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Phone".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^\\+[1-9][0-9]{7,14}$" })
    }
}

/// Where an outside system is reached: `http://` or `https://` and a host, with nothing secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(reqwest::Url);

impl BaseUrl {
    /// The address with the API's own path at its end, whether that was written or left out: both
    /// `https://www.beeminder.com` and `https://www.beeminder.com/api/v1/` are what somebody would write.
    #[must_use]
    pub fn with_path(&self, api_path: &str) -> reqwest::Url {
        let mut url = self.0.clone();
        let written = url.path().trim_end_matches('/').to_owned();
        let path =
            if written.ends_with(api_path) { format!("{written}/") } else { format!("{written}{api_path}/") };
        url.set_path(&path);
        url
    }

    /// The address without the API's own path at its end.
    #[must_use]
    pub fn without_path(&self, api_path: &str) -> reqwest::Url {
        let mut url = self.0.clone();
        let written = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{}/", written.strip_suffix(api_path).unwrap_or(&written)));
        url
    }

    /// The address of something below this one, such as `/twilio/status`: without a slash at its end.
    #[must_use]
    pub fn at(&self, path: &str) -> reqwest::Url {
        let mut url = self.0.clone();
        let path = format!("{}/{}", url.path().trim_end_matches('/'), path.trim_matches('/'));
        url.set_path(&path);
        url
    }

    /// The address itself.
    #[must_use]
    pub fn url(&self) -> &reqwest::Url {
        &self.0
    }

    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = reqwest::Url::parse(text).map_err(|error| format!("not an address ({error})"))?;
        match url.scheme() {
            "http" | "https" => {}
            other => return Err(format!("its scheme is '{other}', not http or https")),
        }
        if url.host_str().is_none() {
            return Err("it names no host".into());
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err("it has a user, a password or a query in it, which addresses here cannot have".into());
        }
        Ok(Self(url))
    }
}

/// Whether a server's name is surely this machine's: what goes there crosses no network.
#[must_use]
pub fn is_on_this_machine(server: &str) -> bool {
    server.eq_ignore_ascii_case("localhost")
        || server.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a secret may be sent to an address: nobody between here and there can read it, because it is encrypted or
/// never leaves this machine. The one rule for keys, tokens, passwords, headers of exports and private addresses.
#[must_use]
pub fn may_carry_secrets(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    url.scheme() == "https" || is_on_this_machine(host.trim_start_matches('[').trim_end_matches(']'))
}

impl Serialize for BaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for BaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for BaseUrl {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BaseUrl".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "uri", "pattern": "^https?://" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_s_own_path_may_be_written_or_left_out() {
        for (text, with, without) in [
            ("http://h", "http://h/api/v1/", "http://h/"),
            ("http://h/", "http://h/api/v1/", "http://h/"),
            ("http://h/api/v1", "http://h/api/v1/", "http://h/"),
            ("http://h/api/v1/", "http://h/api/v1/", "http://h/"),
            ("http://h/proxy", "http://h/proxy/api/v1/", "http://h/proxy/"),
            ("http://h/proxy/api/v1/", "http://h/proxy/api/v1/", "http://h/proxy/"),
        ] {
            let base = BaseUrl::parse(text).unwrap();
            assert_eq!(base.with_path("/api/v1").as_str(), with, "{text}");
            assert_eq!(base.without_path("/api/v1").as_str(), without, "{text}");
        }
    }

    #[test]
    fn what_is_below_an_address_is_one() {
        for (text, below) in [
            ("https://h", "https://h/twilio/status"),
            ("https://h:8443/", "https://h:8443/twilio/status"),
            ("https://h/mecris/", "https://h/mecris/twilio/status"),
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap().at("/twilio/status").as_str(), below);
        }
    }

    #[test]
    fn secrets_go_over_https_or_stay_on_this_machine() {
        let may = |text: &str| may_carry_secrets(&reqwest::Url::parse(text).unwrap());
        for safe in
            ["https://h/", "http://127.0.0.1:1/", "http://127.9.9.9/", "http://[::1]:8/", "http://LOCALHOST/"]
        {
            assert!(may(safe), "{safe}");
        }
        for open in [
            "http://h/",
            "http://127.0.0.1.example/",
            "http://localhost.example/",
            "http://10.0.0.1/",
            "http://0.0.0.0/",
            "http://[fe80::1]/",
            "http://[::ffff:10.0.0.1]/",
        ] {
            assert!(!may(open), "{open}");
        }
    }

    #[test]
    fn neither_secrets_nor_numbers_are_shown() {
        let said = format!("{:?} {:?}", Secret::new("s3cret"), Phone::new("+15558675310"));
        assert_eq!(said, "Secret(hidden) Phone(…10)");
        assert_eq!(Phone::new("7").masked(), "…7");
    }
}
