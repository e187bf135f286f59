//! Values that are not secrets and yet nobody else's business: addresses of people, and addresses whose path
//! lets in whoever knows it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An address of which only the host is shown: a topic's or a webhook's path is as good as a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateUrl(reqwest::Url);

impl PrivateUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it, in words, without the address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = reqwest::Url::parse(text.trim()).map_err(|error| format!("not an address ({error})"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err("it must begin with http:// or https:// and a host".into());
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err("it has a user, a password or a '#' in it, which addresses here cannot have".into());
        }
        Ok(Self(url))
    }

    /// The address itself, for the one who asks there.
    #[must_use]
    pub fn expose(&self) -> &reqwest::Url {
        &self.0
    }

    /// `https://example.com/…`
    #[must_use]
    pub fn masked(&self) -> String {
        let port = self.0.port().map_or_else(String::new, |port| format!(":{port}"));
        format!("{}://{}{port}/…", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}

impl fmt::Debug for PrivateUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateUrl({})", self.masked())
    }
}

impl Serialize for PrivateUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.masked())
    }
}

impl<'de> Deserialize<'de> for PrivateUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for PrivateUrl {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PrivateUrl".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "uri", "pattern": "^https?://" })
    }
}

/// An e-mail address as the person wrote it: personal, so only its first letter and its domain are shown.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Takes an address over.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The address itself, for the one who writes to it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// `a…@example.com`; of what is no address nothing.
    #[must_use]
    pub fn masked(&self) -> String {
        match self.0.rsplit_once('@') {
            Some((name, domain)) => format!("{}…@{domain}", name.chars().next().unwrap_or('…')),
            None => "…".to_owned(),
        }
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmailAddress({})", self.masked())
    }
}

impl Serialize for EmailAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.masked())
    }
}

impl<'de> Deserialize<'de> for EmailAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::new(&text))
    }
}

impl schemars::JsonSchema for EmailAddress {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EmailAddress".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "email" })
    }
}

/// Who logs in at a mail server: mostly an e-mail address, so no more of it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
#[schemars(transparent)]
pub struct Login(#[schemars(with = "String")] EmailAddress);

impl Login {
    /// Takes a name over.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(EmailAddress::new(text))
    }

    /// The name itself, for the one who logs in.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_only_the_host_is_shown() {
        let url = PrivateUrl::parse("https://hooks.example:8443/T0/s3cret?key=s3cret").unwrap();
        assert_eq!(format!("{url:?}"), "PrivateUrl(https://hooks.example:8443/…)");
        assert_eq!(serde_json::to_string(&url).unwrap(), r#""https://hooks.example:8443/…""#);
        assert_eq!(url.expose().path(), "/T0/s3cret");
        for text in
            ["ftp://example.com/s3cret", "s3cret", "https://me:s3cret@example.com/", "https://h/#s3cret"]
        {
            assert!(!PrivateUrl::parse(text).unwrap_err().contains("s3cret"), "{text}");
        }
    }

    #[test]
    fn of_a_person_s_address_only_the_domain_is_shown() {
        for (text, shown) in [
            ("ada@example.com", "a…@example.com"),
            ("@example.com", "……@example.com"),
            ("lovelace", "…"),
            ("", "…"),
        ] {
            assert_eq!(EmailAddress::new(text).masked(), shown);
            assert!(
                text.is_empty() || !format!("{:?}", EmailAddress::new(text)).contains(&format!("({text})"))
            );
        }
    }
}
