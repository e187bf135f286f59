use proptest::prelude::*;

use super::*;

fn rendered(template: &str, facts: &Facts) -> String {
    template.parse::<Template>().unwrap().render(facts)
}

#[test]
fn facts_are_put_in_and_missing_ones_are_said_to_be() {
    let facts = Facts::default()
        .with(Placeholder::Goal, "exercise")
        .with(Placeholder::Limsum, "+1 in {goal} days ")
        .with(Placeholder::Title, "  ")
        .maybe(Placeholder::Pledge, None::<String>);
    let table = [
        ("Go!", "Go!"),
        ("{goal}: {limsum}.", "exercise: +1 in {goal} days."),
        ("{goal}{goal}", "exerciseexercise"),
        ("{title}, {pledge}, {time_left}", "not known, not known, not known"),
        ("{{goal}} {{{goal}}} }}{{", "{goal} {exercise} }{"),
        ("żółw {goal} 🐝", "żółw exercise 🐝"),
    ];
    for (template, expected) in table {
        assert_eq!(rendered(template, &facts), expected, "{template}");
    }
}

#[test]
fn what_is_no_template_is_refused_with_the_mend() {
    let unknown = |name: &str| TemplateError::Unknown(name.into());
    let table = [
        ("{gaol}", unknown("gaol")),
        ("{}", unknown("")),
        ("{ goal }", unknown(" goal ")),
        ("{Goal}", unknown("Goal")),
        ("{goal", TemplateError::Unclosed),
        ("{goal {limsum}", TemplateError::Unclosed),
        ("a {", TemplateError::Unclosed),
        ("goal}", TemplateError::Unopened),
        ("{goal}}", TemplateError::Unopened),
        (" \n", TemplateError::Empty),
    ];
    for (template, error) in table {
        assert_eq!(template.parse::<Template>(), Err(error), "{template}");
    }
    assert_eq!("ż".repeat(1601).parse::<Template>(), Err(TemplateError::TooLong(1601)));
    let said = unknown("gaol").to_string();
    assert!(said.contains("{gaol}"), "{said}");
    for placeholder in Placeholder::ALL {
        assert!(said.contains(&placeholder.to_string()), "{said}");
    }
    assert!(TemplateError::Unclosed.to_string().ends_with("write '{{' for a brace"));
}

#[test]
fn each_name_is_one_placeholder_s() {
    for placeholder in Placeholder::ALL {
        let template: Template = placeholder.to_string().parse().unwrap();
        assert_eq!(template.placeholders().collect::<Vec<_>>(), [*placeholder]);
        let other = Placeholder::ALL.iter().find(|other| *other != placeholder).unwrap();
        let facts = Facts::default().with(*other, "other").with(*placeholder, "this");
        assert_eq!(template.render(&facts), "this");
    }
}

proptest! {
    #[test]
    fn any_text_with_doubled_braces_is_itself(text in "[a-z{}ż ]{0,40}[a-z]") {
        let template = text.replace('{', "{{").replace('}', "}}");
        prop_assert_eq!(rendered(&template, &Facts::default()), text);
    }

    #[test]
    fn reading_survives_any_text(text in "\\PC{0,60}|[{}a-z_]{0,40}") {
        if let Ok(template) = text.parse::<Template>() {
            prop_assert_eq!(template.source(), text);
        }
    }
}
