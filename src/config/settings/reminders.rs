//! The settings of reminders: `[[reminders]]` and `[reminder_tiers]`.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Weekday;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::domain::alert::Severity;
use crate::domain::budget::BudgetName;
use crate::domain::money::Picodollars;
use crate::domain::reminder::{Days, ReminderRule, Tiers};
use crate::domain::template::{Placeholder, Template, TemplateError};
use crate::domain::window::{DailyWindow, TimeError};

/// More rules than a person has are a mistake.
const RULES_MAX: usize = 100;

/// The reminders, each of which can be used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Value>", into = "Vec<ReminderSetting>")]
pub struct Reminders {
    /// In the order of the file.
    pub rules: Vec<ReminderRule>,
}

impl JsonSchema for Reminders {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Reminders".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Vec::<ReminderSetting>::json_schema(generator)
    }
}

/// A reminder of the person's own, given once a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReminderSetting {
    /// Its name, which no other reminder has.
    name: String,
    /// The slug of the goal that it is about; without one it rests on nothing but the time.
    #[serde(default)]
    goal: Option<String>,
    /// The time from which on it may be given, such as `18:00`.
    from: String,
    /// The time at which it is not given any more; on the next day where it is not after `from`.
    until: String,
    /// The days on which that begins; every day where absent.
    #[serde(default = "every_day")]
    days: Vec<Day>,
    /// Whether a datapoint of today spares it; so it is where there is a goal and this is absent.
    #[serde(default)]
    unless_data_today: Option<bool>,
    /// What it says; may hold placeholders such as `{limsum}`.
    message: String,
    /// What it says where budget is ample; the message and how things stand where absent.
    #[serde(default)]
    full: Option<String>,
    /// How much it matters.
    #[serde(default = "warning")]
    severity: Severity,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

const DAYS: [(Day, Weekday); 7] = [
    (Day::Mon, Weekday::Monday),
    (Day::Tue, Weekday::Tuesday),
    (Day::Wed, Weekday::Wednesday),
    (Day::Thu, Weekday::Thursday),
    (Day::Fri, Weekday::Friday),
    (Day::Sat, Weekday::Saturday),
    (Day::Sun, Weekday::Sunday),
];

fn every_day() -> Vec<Day> {
    DAYS.map(|(day, _)| day).to_vec()
}

const fn warning() -> Severity {
    Severity::Warning
}

/// Why a reminder cannot be used. `reminder` is its name, or its number where it has none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReminderError {
    /// A key is missing, unknown, or not of its kind.
    #[error("reminder {reminder}: {reason}")]
    Form {
        /// Which.
        reminder: String,
        /// What is wrong.
        reason: String,
    },
    /// The name breaks the rule.
    #[error("reminder {reminder}: a name has 1 to 64 characters on one line")]
    Name {
        /// Which.
        reminder: String,
    },
    /// Two of one name.
    #[error("reminder {reminder}: another one has this name; give it one of its own")]
    Duplicate {
        /// Which.
        reminder: String,
    },
    /// The goal is not a slug.
    #[error("reminder {reminder}: '{goal}' is not a goal's slug; copy the last part of its address")]
    Goal {
        /// Which.
        reminder: String,
        /// What is there.
        goal: String,
    },
    /// An end of the window is not a time.
    #[error("reminder {reminder}: {source}")]
    Time {
        /// Which.
        reminder: String,
        /// What is wrong.
        source: TimeError,
    },
    /// The window's ends are equal.
    #[error(
        "reminder {reminder}: it is never due, because 'from' and 'until' are equal; let 'until' be later"
    )]
    Never {
        /// Which.
        reminder: String,
    },
    /// There is no day.
    #[error("reminder {reminder}: it is never due, because 'days' is empty; name some, or remove the key")]
    NoDays {
        /// Which.
        reminder: String,
    },
    /// A text is not a template.
    #[error("reminder {reminder}: '{key}': {source}")]
    Template {
        /// Which.
        reminder: String,
        /// `message` or `full`.
        key: &'static str,
        /// What is wrong.
        source: TemplateError,
    },
    /// A text asks for a goal's number, and there is no goal.
    #[error("reminder {reminder}: '{key}' asks for {placeholder}; name the goal with 'goal'")]
    NeedsGoal {
        /// Which.
        reminder: String,
        /// `message` or `full`.
        key: &'static str,
        /// What it asks for.
        placeholder: Placeholder,
    },
    /// It asks for datapoints, and there is no goal.
    #[error("reminder {reminder}: 'unless_data_today' asks for datapoints; name the goal with 'goal'")]
    DataNeedsGoal {
        /// Which.
        reminder: String,
    },
    /// Over the limit.
    #[error("there are {0} reminders; use at most {RULES_MAX}")]
    TooMany(usize),
}

/// What is wrong with each of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReminderErrors(pub Vec<ReminderError>);

impl fmt::Display for ReminderErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&all.join("; "))
    }
}

impl TryFrom<Vec<Value>> for Reminders {
    type Error = ReminderErrors;

    fn try_from(values: Vec<Value>) -> Result<Self, ReminderErrors> {
        if values.len() > RULES_MAX {
            return Err(ReminderErrors(vec![ReminderError::TooMany(values.len())]));
        }
        let (mut rules, mut errors, mut names) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (index, value) in values.into_iter().enumerate() {
            match rule_of(index + 1, value) {
                Ok(rule) if !names.insert(rule.name.clone()) => {
                    errors.push(ReminderError::Duplicate { reminder: quoted(&rule.name) });
                }
                Ok(rule) => rules.push(rule),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(Self { rules }) } else { Err(ReminderErrors(errors)) }
    }
}

fn quoted(name: &str) -> String {
    format!("'{name}'")
}

/// `number` counts from 1.
fn rule_of(number: usize, value: Value) -> Result<ReminderRule, ReminderError> {
    let is_name = |name: &&str| {
        let length = name.chars().count();
        !name.trim().is_empty() && length <= 64 && !name.chars().any(char::is_control)
    };
    let name = value.get("name").and_then(Value::as_str);
    let reminder = name.filter(is_name).map_or_else(|| number.to_string(), quoted);
    if name.is_some_and(|name| !is_name(&name)) {
        return Err(ReminderError::Name { reminder });
    }
    match serde_json::from_value::<ReminderSetting>(value) {
        Ok(setting) => rule_from(setting, reminder),
        Err(error) => Err(ReminderError::Form { reminder, reason: error.to_string() }),
    }
}

fn rule_from(setting: ReminderSetting, reminder: String) -> Result<ReminderRule, ReminderError> {
    let window = match DailyWindow::parse(&setting.from, &setting.until) {
        Ok(window) if window.is_never() => return Err(ReminderError::Never { reminder }),
        Ok(window) => window,
        Err(source) => return Err(ReminderError::Time { reminder, source }),
    };
    if setting.days.is_empty() {
        return Err(ReminderError::NoDays { reminder });
    }
    if let Some(goal) = setting.goal.as_ref().filter(|goal| !is_slug(goal)) {
        return Err(ReminderError::Goal { reminder, goal: goal.clone() });
    }
    let has_goal = setting.goal.is_some();
    if setting.unless_data_today == Some(true) && !has_goal {
        return Err(ReminderError::DataNeedsGoal { reminder });
    }
    let template = |key: &'static str, text: &str| {
        let template: Template = text.parse().map_err(|source| ReminderError::Template {
            reminder: reminder.clone(),
            key,
            source,
        })?;
        let of_a_goal = template.placeholders().find(|placeholder| placeholder.is_of_a_goal());
        match of_a_goal.filter(|_| !has_goal) {
            Some(placeholder) => {
                Err(ReminderError::NeedsGoal { reminder: reminder.clone(), key, placeholder })
            }
            None => Ok(template),
        }
    };
    let weekday = |day: &Day| DAYS.iter().find(|(known, _)| known == day).map(|(_, weekday)| *weekday);
    Ok(ReminderRule {
        message: template("message", &setting.message)?,
        full: setting.full.as_deref().map(|full| template("full", full)).transpose()?,
        name: setting.name,
        unless_data_today: setting.unless_data_today.unwrap_or(has_goal),
        goal: setting.goal,
        window,
        days: Days::of(&setting.days.iter().filter_map(weekday).collect::<Vec<_>>()),
        severity: setting.severity,
    })
}

/// Beeminder's: letters, digits, `-`, `_` and `.`.
fn is_slug(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

impl From<Reminders> for Vec<ReminderSetting> {
    fn from(reminders: Reminders) -> Self {
        reminders.rules.into_iter().map(ReminderSetting::from).collect()
    }
}

impl From<ReminderRule> for ReminderSetting {
    fn from(rule: ReminderRule) -> Self {
        let clock = |time: jiff::civil::Time| time.strftime("%H:%M").to_string();
        let days = DAYS.iter().filter(|(_, weekday)| rule.days.includes(*weekday));
        Self {
            name: rule.name,
            goal: rule.goal,
            from: clock(rule.window.from),
            until: clock(rule.window.until),
            days: days.map(|(day, _)| *day).collect(),
            unless_data_today: Some(rule.unless_data_today),
            message: rule.message.source().to_owned(),
            full: rule.full.map(|full| full.source().to_owned()),
            severity: rule.severity,
        }
    }
}

/// How much reminders say, by what remains of a budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReminderTiers {
    /// Above this, in USD, a reminder also says how everything else stands.
    #[serde(deserialize_with = "amount")]
    #[schemars(with = "String")]
    pub full_above_usd: Picodollars,
    /// Above this, in USD, it says its message; else its name alone.
    #[serde(deserialize_with = "amount")]
    #[schemars(with = "String")]
    pub template_above_usd: Picodollars,
    /// The budget that counts; the one of which least remains where absent.
    #[schemars(with = "Option<String>")]
    pub budget: Option<BudgetName>,
}

impl Default for ReminderTiers {
    fn default() -> Self {
        let Tiers { full_above, template_above, budget } = Tiers::default();
        Self { full_above_usd: full_above, template_above_usd: template_above, budget }
    }
}

impl ReminderTiers {
    /// As the rules have them.
    #[must_use]
    pub fn tiers(&self) -> Tiers {
        Tiers {
            full_above: self.full_above_usd,
            template_above: self.template_above_usd,
            budget: self.budget.clone(),
        }
    }
}

fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Picodollars, D::Error> {
    let amount = Picodollars::deserialize(deserializer)?;
    if amount < Picodollars::ZERO {
        return Err(serde::de::Error::custom(format!("{} USD is below 0", amount.exact())));
    }
    Ok(amount)
}

#[cfg(test)]
mod tests;
