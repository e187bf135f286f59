//! Beeminder's records as they are on the wire, read row by row and field by field.

use crate::domain::decimal::Unit;
use crate::domain::money::Picodollars;
use crate::integration::resilience::{Answer, OutsideError};
use crate::integration::rows::{Field, Listed, Odd, Oddness, Raw};

use super::SYSTEM;

/// Maximum length of a goal's id or slug, in bytes: longer ones fit into no event.
const NAME_MAX: usize = 250;

/// What is read of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name; empty where it is not told.
    pub username: String,
    /// The IANA time zone that days are reckoned in.
    pub timezone: Option<String>,
    /// Changes with every change of a goal or a datapoint; Unix seconds.
    pub updated_at: i64,
    /// Whether a payment failed, so that pledges cannot be charged.
    pub deadbeat: bool,
}

/// What is read of a goal. A flag is none where it is not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// Survives a change of the slug.
    pub id: String,
    /// The name in addresses.
    pub slug: String,
    /// The name for people.
    pub title: Option<String>,
    /// Whole safe days; 0 on the day on which it derails.
    pub safebuf: Option<i64>,
    /// The instant of derailing if nothing is entered; Unix seconds.
    pub losedate: Option<i64>,
    /// Seconds from midnight; negative before it.
    pub deadline: Option<i64>,
    /// What must be done to stay safe, in Beeminder's words.
    pub limsum: Option<String>,
    /// What must be done today.
    pub baremin: Option<String>,
    /// The amount at risk, in USD.
    pub pledge: Option<Picodollars>,
    /// Its numbers are being computed anew, and are old until then.
    pub queued: bool,
    /// Whether there is a datapoint of today.
    pub todayta: bool,
    /// It must be restarted before it goes on.
    pub frozen: Option<bool>,
    /// It is reached.
    pub won: Option<bool>,
    /// What feeds it; none where a person does.
    pub autodata: Option<String>,
    /// Whether a number that says how it stands could not be read: then what was known before holds.
    pub is_odd: bool,
}

/// Goals as they are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Goals {
    /// Those that could be read.
    pub listed: Listed<Goal>,
    /// Of those that could not, the ids or slugs that they have.
    pub left_out: Vec<String>,
    /// Whether one has neither: it may be any.
    pub is_nameless: bool,
}

impl std::ops::Deref for Goals {
    type Target = [Goal];

    fn deref(&self) -> &[Goal] {
        &self.listed
    }
}

/// What changed since a moment: goals that are not in it are as they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// See [`User::updated_at`].
    pub updated_at: i64,
    /// The goals that changed.
    pub goals: Goals,
    /// The ids of those that were deleted.
    pub deleted: Vec<String>,
}

/// A datapoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Datapoint {
    /// Its id.
    pub id: String,
    /// `YYYYMMDD`, in the goal's own terms.
    pub daystamp: String,
    /// Its value.
    pub value: f64,
    /// What was said with it.
    pub comment: String,
    /// The idempotency key that it was written with.
    pub requestid: Option<String>,
    /// On writes: `created` or `updated`.
    pub status: Option<String>,
}

fn malformed(what: &'static str) -> OutsideError {
    OutsideError::Malformed { system: SYSTEM, what }
}

/// Reads a user.
///
/// # Errors
/// [`OutsideError::Malformed`]: nobody can say whether anything changed.
pub fn user(answer: &Answer) -> Result<User, OutsideError> {
    answer.rows(|user| {
        Ok(User {
            username: user.string("username").unwrap_or_default(),
            timezone: user.string("timezone").ok(),
            updated_at: user.whole("updated_at").map_err(|_| malformed("field updated_at"))?,
            deadbeat: user.flag("deadbeat").unwrap_or_default(),
        })
    })
}

/// Reads a list of goals.
///
/// # Errors
/// [`OutsideError::Malformed`]: it is none.
pub fn goals(answer: &Answer) -> Result<Goals, OutsideError> {
    let mut goals = Goals::default();
    answer.list(|number, row| goals.take(number, row))?;
    // One row may be odd; where none so much as has a name, this is another answer.
    if goals.listed.rows.is_empty() && goals.left_out.is_empty() && goals.is_nameless {
        return Err(malformed("goals of which none has a name"));
    }
    Ok(goals)
}

/// Reads what changed.
///
/// # Errors
/// [`OutsideError::Malformed`]: a list is missing, or the stamp.
pub fn changes(answer: &Answer) -> Result<Changes, OutsideError> {
    answer.rows(|told| {
        let (mut goals, mut deleted, mut odd) = (Goals::default(), Vec::new(), Odd::default());
        told.list("goals", |number, row| goals.take(number, row)).map_err(|_| malformed("field goals"))?;
        let ended = told.list("deleted_goals", |number, row| match row.string("id") {
            Ok(id) => deleted.push(id),
            Err(field) => odd.row(&format!("deleted_goals[{number}]"), &field),
        });
        odd.maybe("changes", ended);
        goals.listed.odd.add(odd);
        let updated_at = told.whole("updated_at").map_err(|_| malformed("field updated_at"))?;
        Ok(Changes { updated_at, goals, deleted })
    })
}

/// Reads one goal.
///
/// # Errors
/// [`OutsideError::Malformed`]: it has no name.
pub fn goal(answer: &Answer) -> Result<Goal, OutsideError> {
    answer.rows(|row| goal_of(row, "goal", &mut Odd::default()).map_err(|_| malformed("field id or slug")))
}

/// Reads a list of datapoints.
///
/// # Errors
/// [`OutsideError::Malformed`]: it is none.
pub fn datapoints(answer: &Answer) -> Result<Listed<Datapoint>, OutsideError> {
    let mut points = Listed::default();
    answer.list(|number, row| points.take(&format!("datapoints[{number}]"), datapoint_of(row)))?;
    if points.rows.is_empty() && points.odd.rows() > 0 {
        return Err(malformed("datapoints of which none can be read"));
    }
    Ok(points)
}

pub(super) fn datapoint(answer: &Answer) -> Result<Datapoint, OutsideError> {
    answer.rows(|row| datapoint_of(row).map_err(|_| malformed("field id or value")))
}

fn datapoint_of(row: &Raw<'_>) -> Field<Datapoint> {
    row.must_be_object("row")?;
    Ok(Datapoint {
        id: row.string("id")?,
        daystamp: row.string("daystamp").unwrap_or_default(),
        value: row.number("value")?,
        comment: row.string("comment").unwrap_or_default(),
        requestid: row.string("requestid").ok(),
        status: row.string("status").ok(),
    })
}

impl Goals {
    fn take(&mut self, number: usize, row: &Raw<'_>) {
        let place = row.place("goal", "slug", "goals", number);
        match goal_of(row, &place, &mut self.listed.odd) {
            Ok(goal) => self.listed.rows.push(goal),
            Err(field) => {
                self.listed.odd.row(&place, &field);
                match row.string("id").or_else(|_| row.string("slug")) {
                    Ok(name) => self.left_out.push(name),
                    Err(_) => self.is_nameless = true,
                }
            }
        }
    }
}

/// Reads a goal. Without a name it is none. How it stands is asked of its numbers; what else is odd is passed over.
fn goal_of(row: &Raw<'_>, place: &str, odd: &mut Odd) -> Field<Goal> {
    row.must_be_object("row")?;
    let (id, slug) = (row.name("id", NAME_MAX)?, row.name("slug", NAME_MAX)?);
    let (frozen, won) = (row.flag("frozen"), row.flag("won"));
    let is_over = frozen == Ok(true) || won == Ok(true);
    let mut is_odd = false;
    let mut stands = |odd: &mut Odd, field: Field<i64>| match field {
        Ok(number) => Some(number),
        // What is over does not derail.
        Err(_) if is_over => None,
        Err(field) => {
            is_odd = true;
            odd.field(place, &field);
            None
        }
    };
    let safebuf = match row.whole("safebuf") {
        // Beeminder itself says that it does not know.
        Err(field) if field.oddness == Oddness::Null && !is_over => {
            odd.field(place, &field);
            None
        }
        other => stands(odd, other),
    };
    let losedate = stands(odd, row.whole("losedate"));
    let deadline = stands(odd, row.whole("deadline"));
    Ok(Goal {
        id,
        slug,
        title: odd.maybe(place, row.string("title")),
        safebuf,
        losedate,
        deadline,
        limsum: odd.maybe(place, row.string("limsum")),
        baremin: odd.maybe(place, row.string("baremin")),
        pledge: odd.or(place, row.amount("pledge", Unit::Whole).map(Some), None),
        queued: odd.or(place, row.flag("queued"), false),
        todayta: odd.or(place, row.flag("todayta"), false),
        frozen: odd.or(place, frozen.map(Some), None),
        won: odd.or(place, won.map(Some), None),
        autodata: odd.maybe(place, row.string("autodata")),
        is_odd,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn answer(body: &str) -> Answer {
        Answer::of_body(SYSTEM, body.as_bytes(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn numbers_come_in_several_kinds_and_what_is_unknown_is_ignored() {
        let text = r#"{"slug":"spend","id":"66b0","title":"","safebuf":null,"losedate":1788235199.0,"deadline":-3600,
            "limsum":"+1 due today","pledge":5.0,"queued":true,"newest_field":{"a":1},"road":[[1,2,null]]}"#;
        let goal = goal(&answer(text)).unwrap();
        assert_eq!((goal.safebuf, goal.losedate, goal.deadline), (None, Some(1_788_235_199), Some(-3600)));
        assert!(goal.queued && goal.frozen.is_none() && !goal.is_odd, "it is known that it is not known");
        let user = |text: &str| super::user(&answer(text));
        assert_eq!(
            user(r#"{"username":"alice","updated_at":1788150000}"#).unwrap().updated_at,
            1_788_150_000
        );
        let odd = user(r#"{"username":null,"updated_at":1,"deadbeat":null,"timezone":7}"#).unwrap();
        assert_eq!((odd.username.as_str(), odd.timezone, odd.deadbeat), ("", None, false));
        for odd in ["null", "-9223372036854775808", "9223372036854775807", "1e300"] {
            assert!(user(&format!(r#"{{"username":"alice","updated_at":{odd}}}"#)).is_err(), "{odd}");
        }
    }

    /// A good goal with one field in another form.
    fn with(field: &str, value: Option<&str>) -> String {
        let fields = [
            ("id", "\"b1\""),
            ("slug", "\"bike\""),
            ("title", "\"\""),
            ("safebuf", "3"),
            ("losedate", "1788235199"),
            ("deadline", "0"),
            ("limsum", "\"+1\""),
            ("baremin", "\"+1\""),
            ("pledge", "5"),
            ("queued", "false"),
            ("todayta", "true"),
            ("frozen", "false"),
            ("won", "false"),
            ("autodata", "\"api\""),
        ];
        let told = fields.iter().filter_map(|(name, usual)| {
            let value = if *name == field { value? } else { usual };
            Some(format!("\"{name}\":{value}"))
        });
        format!("{{{}}}", told.collect::<Vec<_>>().join(","))
    }

    #[test]
    fn an_odd_goal_takes_no_other_with_it_and_says_which_field_it_is() {
        let good = with("", None).replace("bike", "run").replace("b1", "r1");
        let huge = format!("\"{}\"", "x".repeat(100_000));
        let odd = ["null", "[]", "{\"a\":1}", "1e999", huge.as_str()];
        let may_be_null = ["title", "limsum", "baremin", "autodata"];
        for field in [
            "id", "slug", "title", "safebuf", "losedate", "deadline", "limsum", "baremin", "pledge",
            "queued", "todayta", "frozen", "won", "autodata",
        ] {
            let is_name = matches!(field, "id" | "slug");
            for value in odd.iter().map(|value| Some(*value)).chain([None]) {
                if may_be_null.contains(&field) && value.is_none_or(|value| value == "null") {
                    continue;
                }
                let read = goals(&answer(&format!("[{},{good}]", with(field, value)))).unwrap();
                let slugs: Vec<&str> = read.iter().map(|goal| goal.slug.as_str()).collect();
                assert_eq!(
                    slugs,
                    if is_name { vec!["run"] } else { vec!["bike", "run"] },
                    "{field} {value:?}"
                );
                let place = if field == "slug" { "goals[0]" } else { "goal bike" };
                let text = read.listed.odd.text().unwrap();
                assert!(
                    text.starts_with(&format!("{place}: field {field} is ")),
                    "{field} {value:?}: {text}"
                );
                assert_eq!(read.left_out.len(), usize::from(is_name), "{field} {value:?}");
                assert!(text.len() < 200 && !text.contains("xxx"), "{text}");
                let stands =
                    matches!(field, "losedate" | "deadline") || (field == "safebuf" && value != Some("null"));
                assert_eq!(!is_name && read[0].is_odd, stands, "{field} {value:?}");
            }
        }
        let read = goals(&answer(&format!("[null,7,[],\"x\",{{}},{good}]"))).unwrap();
        assert_eq!((read.len(), read.listed.odd.rows(), read.is_nameless), (1, 5, true));
        // A goal that is over needs no date.
        let over = with("losedate", Some("null")).replace("\"won\":false", "\"won\":true");
        let read = goals(&answer(&format!("[{over}]"))).unwrap();
        assert!(!read[0].is_odd && read.listed.odd.is_nothing());
    }

    #[test]
    fn changes_and_datapoints_are_read_row_by_row_too() {
        let good = with("", None);
        let text = format!(
            r#"{{"updated_at":7,"goals":[null,{good}],"deleted_goals":[{{"id":null}},{{"id":"x"}},7]}}"#
        );
        let read = changes(&answer(&text)).unwrap();
        assert_eq!(
            (read.goals.len(), read.deleted.as_slice(), read.goals.listed.odd.rows()),
            (1, &["x".to_owned()][..], 3)
        );
        assert!(changes(&answer(r#"{"updated_at":7,"goals":null}"#)).is_err(), "nobody knows what changed");
        assert!(changes(&answer(r#"{"updated_at":7,"goals":[]}"#)).unwrap().deleted.is_empty());
        let point = r#"{"id":"p1","value":1.5,"daystamp":"20260830","comment":"c","requestid":"r"}"#;
        for odd in [
            "null",
            "[]",
            r#"{"id":"p2"}"#,
            r#"{"id":"p2","value":null}"#,
            r#"{"id":"p2","value":"1"}"#,
            r#"{"id":"p2","value":1e999}"#,
            r#"{"id":null,"value":1}"#,
        ] {
            let read = datapoints(&answer(&format!("[{odd},{point}]"))).unwrap();
            assert_eq!((read.len(), read[0].value, read.odd.rows()), (1, 1.5, 1), "{odd}");
        }
    }
}
