//! What a listener was told of limits. A warning comes once for each step of a limit, and not with every tool.

use std::collections::BTreeMap;

use crate::domain::money::Picodollars;

/// A limit's name, and how far it is used, in tenths.
pub type Step = (String, u32);

/// How far a limit is used, in whole tenths: a step is worth another warning.
#[must_use]
pub fn tenths(spent: Picodollars, cap: Picodollars) -> u32 {
    if cap.0 <= 0 {
        return 10;
    }
    u32::try_from(spent.0.max(0).saturating_mul(10) / cap.0).unwrap_or(u32::MAX)
}

/// The steps that one listener was told of, by limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told(BTreeMap<String, u32>);

impl Told {
    /// Which of these steps are news, and notes that they are told. A limit that has fallen back, or is no longer near,
    /// is news again when it rises: another day, or after an override.
    pub fn news(&mut self, now: &[Step]) -> Vec<bool> {
        let is_news = |(limit, step): &Step| self.0.get(limit).is_none_or(|told| told < step);
        let news = now.iter().map(is_news).collect();
        self.0 = now.iter().cloned().collect();
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Picodollars {
        Picodollars::parse(text).unwrap()
    }

    #[test]
    fn steps_are_whole_tenths() {
        let cases = [
            ("0", "5", 0),
            ("3.99", "5", 7),
            ("4", "5", 8),
            ("4.999", "5", 9),
            ("5", "5", 10),
            ("7.5", "5", 15),
        ];
        for (spent, cap, tenth) in cases {
            assert_eq!(tenths(usd(spent), usd(cap)), tenth, "{spent} of {cap}");
        }
        assert_eq!((tenths(usd("1"), usd("0")), tenths(-usd("1"), usd("5"))), (10, 0));
        assert_eq!(tenths(usd("1000000000"), Picodollars(1)), u32::MAX);
    }

    #[test]
    fn each_step_of_each_limit_is_news_once() {
        let step = |limit: &str, step: u32| (limit.to_owned(), step);
        let mut told = Told::default();
        assert_eq!(told.news(&[step("session", 8), step("day", 9)]), [true, true]);
        assert_eq!(told.news(&[step("session", 8), step("day", 9)]), [false, false]);
        assert_eq!(told.news(&[step("day", 9), step("session", 9)]), [false, true]);
        // After an override the share has fallen: the same step is told again when it comes again.
        assert_eq!(told.news(&[step("session", 8)]), [false]);
        assert_eq!(told.news(&[step("session", 9), step("day", 8)]), [true, true]);
        assert_eq!(told.news(&[]), [] as [bool; 0]);
        assert_eq!(told.news(&[step("session", 9)]), [true]);
    }
}
