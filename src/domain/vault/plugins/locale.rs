//! The language and the first day of the week that plugins set for the names of notes.
//!
//! Source: liamcain/obsidian-calendar-ui, `src/localization.ts` (`configureGlobalMomentLocale`), which the Calendar
//! plugin uses with the settings of its own; liamcain/obsidian-periodic-notes 1.0.0-beta, `src/settings/localization.ts`,
//! which reads them from `app.json`. The locales' weeks are moment.js 2.29's, of its `locale/` files.

use serde_json::Value;

use crate::domain::vault::moment::{Needs, Weeks};

use super::found::{CALENDAR, Doubt, Files, Switch};

/// Names of days, the first being moment's 0.
const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// Locales by the day on which their weeks begin and the one that is in their first week (moment's `dow` and `doy`).
/// Those that write other digits than 0 to 9 are not here.
const WEEKS: &[(u8, u8, &str)] = &[
    (0, 6, "en en-ca en-il en-in es-us fr-ca he id ja ko lo ml mn pt-br si te th zh-hk zh-mo zh-tw"),
    (
        1,
        4,
        "af ar-ma ar-tn bm br ca cs cy da de-at de-ch de el en-gb en-ie en-nz en-sg es-do es et fi fil fo fr-ch fr \
         fy ga gd gl hu is it-ch it lb lt lv mi mt nb nl-be nl nn oc-lnc pl pt ru sd se sk sq ss sv tet tl-ph tlh \
         tzl ur vi yo zh-cn",
    ),
    (0, 4, "ar-dz en-au es-mx"),
    (0, 12, "ar-kw"),
    (6, 12, "ar-ly tzm-latn tzm"),
    (
        1,
        7,
        "az be bg bs cv eo eu hr hy-am jv ka kk ky me mk ms-my ms ro sl sr-cyrl sr sw tg tk tr ug-cn uk uz-latn uz",
    ),
];

/// What the plugins say; nothing where they leave it to Obsidian's language.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Locale {
    /// In moment's words, such as `en-gb`.
    language: Option<String>,
    first_day: Option<u8>,
    /// A setting that is nothing that the plugin writes.
    odd: bool,
}

impl Locale {
    /// Reads it.
    #[must_use]
    pub fn of(files: &Files) -> Self {
        let calendar = files.calendar.json().filter(|_| files.community("calendar") != Switch::Off);
        let read = calendar.map(Self::read).unwrap_or_default();
        let has_sets = files.periodic.json().is_some_and(|periodic| periodic.get("calendarSets").is_some());
        if read != Self::default() || !has_sets || files.community("periodic-notes") == Switch::Off {
            return read;
        }
        files.app.json().map(Self::read).unwrap_or_default()
    }

    fn read(json: &Value) -> Self {
        let mut locale = Self::default();
        match json.get("localeOverride") {
            None | Some(Value::Null) => {}
            Some(Value::String(language)) if language == "system-default" => {}
            Some(Value::String(language)) => {
                locale.language = Some(language.to_lowercase().replace('_', "-"));
            }
            Some(_) => locale.odd = true,
        }
        match json.get("weekStart") {
            None | Some(Value::Null) => {}
            Some(Value::String(day)) if day == "locale" => {}
            Some(day) => {
                let known = DAYS.iter().position(|known| day == known);
                locale.first_day = known.and_then(|day| u8::try_from(day).ok());
                locale.odd |= known.is_none();
            }
        }
        locale
    }

    /// The numbering of weeks; `usual` is what Obsidian's language has.
    #[must_use]
    pub fn weeks(&self, usual: Weeks) -> Weeks {
        let spec = self.language.as_deref().and_then(spec);
        let weeks = spec.map_or(usual, |(dow, doy)| Weeks::Other { dow: 0, doy }.beginning_on(dow));
        self.first_day.map_or(weeks, |day| weeks.beginning_on(day))
    }

    /// Why the name of a note that depends on this is not certain.
    #[must_use]
    pub fn doubt(&self, needs: Needs) -> Option<Doubt> {
        let doubt = |reason: &str| Some(Doubt::new(CALENDAR, reason));
        let language = self.language.as_deref().unwrap_or("en");
        if self.odd && (needs.weeks || needs.names) {
            doubt(
                "weekStart or localeOverride is nothing that is known here; choose them anew in the plugin's settings",
            )
        } else if spec(language).is_none() {
            doubt(
                "the language that is set there is not known here, nor how it writes numbers; choose another one",
            )
        } else if needs.names && !is_english(language) {
            doubt(
                "names of notes are in the language that is set there, and only English ones are known here",
            )
        } else {
            None
        }
    }
}

/// A locale's weeks. moment takes `de` for a `de-xx` that it does not have.
fn spec(language: &str) -> Option<(u8, u8)> {
    let of = |language: &str| {
        let found =
            WEEKS.iter().find(|(_, _, languages)| languages.split(' ').any(|known| known == language));
        found.map(|(dow, doy, _)| (*dow, *doy))
    };
    of(language).or_else(|| of(language.split_once('-')?.0))
}

fn is_english(language: &str) -> bool {
    language == "en" || language.starts_with("en-")
}
