//! Time zones by their names. One that does not exist is an error, and never silently UTC: a day would begin at another
//! hour than the person thinks, and every sum of a day with it.

use jiff::tz::TimeZone;

use crate::domain::code::{Code, Coded};

/// The system's variable for the time zone.
pub const VARIABLE: &str = "TZ";

/// So many names are proposed at most.
const NEAREST_MAX: usize = 3;

/// No name is longer; of a longer text nothing is near.
const NAME_MAX: usize = 64;

/// A time zone that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{name}' is not a time zone; use an IANA name{hint}", hint = hint(.nearest))]
pub struct ZoneError {
    /// As it was written.
    pub name: String,
    /// The names that are nearest to it, the nearest first.
    pub nearest: Vec<String>,
}

impl Coded for ZoneError {
    fn code(&self) -> Code {
        Code::Refused
    }
}

fn hint(nearest: &[String]) -> String {
    match nearest {
        [] => " such as Europe/Berlin".to_owned(),
        [one] => format!(": the nearest is {one}"),
        [all @ .., last] => format!(": the nearest are {} and {last}", all.join(", ")),
    }
}

impl ZoneError {
    fn new(name: &str) -> Self {
        let known: Vec<String> = jiff::tz::db().available().map(|known| known.to_string()).collect();
        Self { name: name.to_owned(), nearest: nearest(name, &known) }
    }
}

/// The zone of a name of the IANA's list, in any case of letters.
///
/// # Errors
/// [`ZoneError`] has the nearest names.
pub fn named(name: &str) -> Result<TimeZone, ZoneError> {
    TimeZone::get(name).map_err(|_| ZoneError::new(name))
}

/// The system's zone: as `TZ` says, in any of the forms that POSIX and the C libraries allow it (a name, a rule, a file,
/// each also after a colon; empty is UTC), or where it is not set as the system is configured. Where the system does not
/// say, it is the unknown zone, whose days are UTC's.
///
/// # Errors
/// [`ZoneError`]: `TZ` is set and names nothing.
pub fn of_system() -> Result<TimeZone, ZoneError> {
    match (TimeZone::try_system(), std::env::var_os(VARIABLE)) {
        (Ok(zone), _) => Ok(zone),
        (Err(_), Some(said)) => Err(ZoneError::new(&said.to_string_lossy())),
        (Err(_), None) => Ok(TimeZone::unknown()),
    }
}

/// The names that are nearest by edits of letters, whatever their case, with ties by name; those that are farther than one
/// edit more than the nearest are left out. A city alone is near its zone.
fn nearest(name: &str, known: &[String]) -> Vec<String> {
    let plain = |text: &str| text.trim().trim_start_matches(':').to_lowercase().replace(' ', "_");
    let wanted = plain(name);
    if wanted.is_empty() || wanted.len() > NAME_MAX {
        return Vec::new();
    }
    let distance = |known: &str| {
        let known = plain(known);
        let city = known.rsplit_once('/').map(|(_, city)| strsim::levenshtein(&wanted, city) + 1);
        city.unwrap_or(usize::MAX).min(strsim::levenshtein(&wanted, &known))
    };
    let mut by_distance: Vec<(usize, &String)> = known.iter().map(|known| (distance(known), known)).collect();
    by_distance.sort();
    let least = by_distance.first().map_or(0, |(distance, _)| *distance);
    let near = by_distance.into_iter().take_while(|(distance, _)| *distance <= least + 1);
    near.take(NEAREST_MAX).map(|(_, name)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_none_is_told_with_the_nearest() {
        let cases = [
            ("Europe/Berln", "Europe/Berlin"),
            ("europe/berln", "Europe/Berlin"),
            ("EUROPE/BERLINN", "Europe/Berlin"),
            ("Berlin", "Europe/Berlin"),
            ("America/New York", "America/New_York"),
            ("new york", "America/New_York"),
            (":Asia/Katmandoo", "Asia/Katmandu"),
            ("Asia/Tokio", "Asia/Tokyo"),
        ];
        for (name, expected) in cases {
            let error = named(name).unwrap_err();
            assert_eq!(error.nearest.first().map(String::as_str), Some(expected), "{error}");
            assert!(error.nearest.len() <= NEAREST_MAX, "{error}");
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn names_are_read_in_any_case_and_what_is_near_nothing_proposes_nothing() {
        assert_eq!(named("europe/BERLIN").unwrap().iana_name(), Some("Europe/Berlin"));
        for name in [String::new(), " ".to_owned(), "x".repeat(NAME_MAX + 1)] {
            let error = named(&name).unwrap_err();
            assert_eq!(error.nearest, Vec::<String>::new(), "{error}");
            assert!(error.to_string().ends_with("such as Europe/Berlin"), "{error}");
        }
    }

    #[test]
    fn ties_are_told_by_name_and_what_is_farther_is_left_out() {
        let known = ["A/Bern", "A/Berk", "Europe/Berlin", "A/Bert", "A/Berm"].map(str::to_owned);
        assert_eq!(nearest("A/Ber", &known), ["A/Berk", "A/Berm", "A/Bern"]);
        assert_eq!(nearest("Europe/Berli", &known), ["Europe/Berlin"]);
    }
}
