use serde_json::json;

use super::*;

fn read(toml: &str) -> Result<Reminders, String> {
    #[derive(Deserialize)]
    struct File {
        reminders: Value,
    }
    let File { reminders } = toml::from_str(toml).unwrap();
    serde_json::from_value(reminders).map_err(|error| error.to_string())
}

#[test]
fn a_reminder_needs_a_name_a_window_and_a_message() {
    let least = "[[reminders]]\nname = \"water\"\nfrom = \"09:00\"\nuntil = \"17:00\"\nmessage = \"Drink.\"";
    let rules = read(least).unwrap().rules;
    let rule = ReminderRule {
        name: "water".into(),
        goal: None,
        window: DailyWindow::parse("09:00", "17:00").unwrap(),
        days: Days::ALL,
        unless_data_today: false,
        message: "Drink.".parse().unwrap(),
        full: None,
        severity: Severity::Warning,
    };
    assert_eq!(rules, std::slice::from_ref(&rule));
    let about = read(&format!("{least}\ngoal = \"hydrate\"")).unwrap().rules;
    assert_eq!(
        about,
        [ReminderRule { goal: Some("hydrate".into()), unless_data_today: true, ..rule.clone() }]
    );
    let all = format!(
        "{least}\ngoal = \"hydrate\"\ndays = [\"sat\", \"mon\"]\nunless_data_today = false\nfull = \"{{limsum}}\"\nseverity = \"info\""
    );
    let all = read(&all).unwrap();
    let expected = ReminderRule {
        goal: Some("hydrate".into()),
        days: Days::of(&[Weekday::Monday, Weekday::Saturday]),
        full: Some("{limsum}".parse().unwrap()),
        severity: Severity::Info,
        ..rule
    };
    assert_eq!(all.rules, [expected]);
    // What is written reads back, which showing and comparing settings rests on.
    let written = serde_json::to_value(&all).unwrap();
    assert_eq!(serde_json::from_value::<Reminders>(written).unwrap(), all);
}

#[test]
fn what_is_wrong_is_told_with_the_reminder_and_the_mend() {
    let right = json!({ "name": "walk", "from": "18:00", "until": "21:00", "message": "Go!" });
    let table = [
        (json!({ "name": null }), "reminder 1: invalid type: null"),
        (json!({ "name": "" }), "reminder 1: a name has 1 to 64 characters"),
        (json!({ "name": "a\nb" }), "reminder 1: a name has 1 to 64 characters"),
        (
            json!({ "from": "25:00" }),
            "reminder 'walk': '25:00' is not a time of the day; write it like 06:30",
        ),
        (json!({ "until": 21 }), "reminder 'walk': invalid type: integer `21`, expected a string"),
        (
            json!({ "until": "18:00" }),
            "reminder 'walk': it is never due, because 'from' and 'until' are equal",
        ),
        (json!({ "days": [] }), "reminder 'walk': it is never due, because 'days' is empty"),
        (json!({ "days": ["monday"] }), "reminder 'walk': unknown variant `monday`, expected one of `mon`"),
        (json!({ "gaol": "x" }), "reminder 'walk': unknown field `gaol`, expected one of `name`, `goal`"),
        (
            json!({ "goal": "ada/walk" }),
            "reminder 'walk': 'ada/walk' is not a goal's slug; copy the last part",
        ),
        (
            json!({ "message": "{gaol}" }),
            "reminder 'walk': 'message': there is no placeholder {gaol}; there are {name}",
        ),
        (json!({ "full": "{day" }), "reminder 'walk': 'full': a '{' without its '}'; write '{{' for a brace"),
        (
            json!({ "message": "{limsum}" }),
            "reminder 'walk': 'message' asks for {limsum}; name the goal with 'goal'",
        ),
        (
            json!({ "unless_data_today": true }),
            "reminder 'walk': 'unless_data_today' asks for datapoints; name the goal",
        ),
        (json!({ "severity": "loud" }), "reminder 'walk': unknown variant `loud`, expected one of `info`"),
    ];
    for (wrong, expected) in table {
        let mut reminder = right.clone();
        for (key, value) in wrong.as_object().unwrap() {
            reminder[key] = value.clone();
        }
        let said = serde_json::from_value::<Reminders>(json!([reminder])).unwrap_err().to_string();
        assert!(said.starts_with(expected), "{wrong}: {said}");
    }
    assert!(serde_json::from_value::<Reminders>(json!([right.clone()])).is_ok());
    let several = json!([right, "walk", right, { "name": "run" }]);
    assert_eq!(
        serde_json::from_value::<Reminders>(several).unwrap_err().to_string(),
        "reminder 2: invalid type: string \"walk\", expected struct ReminderSetting; \
         reminder 'walk': another one has this name; give it one of its own; \
         reminder 'run': missing field `from`"
    );
    let many: Vec<Value> = (0..=RULES_MAX).map(|_| right.clone()).collect();
    assert_eq!(Reminders::try_from(many), Err(ReminderErrors(vec![ReminderError::TooMany(101)])));
}

#[test]
fn amounts_are_texts_and_not_below_nothing() {
    let read =
        |value: Value| serde_json::from_value::<ReminderTiers>(value).map_err(|error| error.to_string());
    let tiers = read(json!({ "full_above_usd": "3.50", "budget": "main" })).unwrap().tiers();
    assert_eq!(tiers.full_above, Picodollars::parse("3.5").unwrap());
    assert_eq!(tiers.template_above, Tiers::default().template_above);
    assert_eq!(tiers.budget, Some("main".parse().unwrap()));
    for (value, expected) in [
        (json!({ "full_above_usd": 0.5 }), "invalid type: floating point `0.5`, expected a string"),
        (json!({ "template_above_usd": "-1" }), "-1 USD is below 0"),
        (json!({ "template_above_usd": "much" }), "'much' is not an amount in USD"),
        (json!({ "budget": "Main Budget" }), "'Main Budget' is not a budget name"),
    ] {
        let said = read(value).unwrap_err();
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn the_documentation_names_every_placeholder() {
    let page = include_str!("../../../../docs/configuration.md");
    for placeholder in Placeholder::ALL {
        assert!(page.contains(&format!("| `{placeholder}` |")), "{placeholder}");
    }
}
