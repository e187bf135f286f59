//! Rows that are odd in every way, among good ones.

use super::*;

fn answer(body: &str) -> Answer {
    Answer::of_body("test", body.as_bytes(), Timestamp::UNIX_EPOCH)
}

fn of<T>(object: &str, read: impl FnOnce(&Raw<'_>) -> Field<T>) -> Field<T> {
    answer(object).rows(|raw| Ok(read(raw))).unwrap()
}

fn why<T: fmt::Debug>(object: &str, read: impl FnOnce(&Raw<'_>) -> Field<T>) -> String {
    let odd = of(object, read).unwrap_err();
    format!("{} {}", odd.field, odd.oddness)
}

#[test]
fn each_field_says_what_it_is_or_why_it_says_nothing() {
    let cases: &[(&str, &str)] = &[
        ("{}", "x is missing"),
        (r#"{"y":1}"#, "x is missing"),
        (r#"{"x":null}"#, "x is null"),
        (r#"{"x":1,"x":null}"#, "x is null"),
        (r#"{"x":{}}"#, "x is not what it should be"),
        (r#"{"x":[1]}"#, "x is not what it should be"),
    ];
    for (object, expected) in cases {
        assert_eq!(why(object, |raw| raw.string("x")), *expected, "{object}");
        assert_eq!(why(object, |raw| raw.count("x")), *expected, "{object}");
        assert_eq!(why(object, |raw| raw.whole("x")), *expected, "{object}");
        assert_eq!(why(object, |raw| raw.number("x")), *expected, "{object}");
        assert_eq!(why(object, |raw| raw.flag("x")), *expected, "{object}");
        assert_eq!(why(object, |raw| raw.amount("x", Unit::Whole)), *expected, "{object}");
        assert_eq!(why(object, |raw| raw.instant("x")), *expected, "{object}");
    }
    let huge = format!("1{}", "0".repeat(400));
    for number in ["1e400", "-1e400", huge.as_str(), "9223372036854775808", "9007199254740994"] {
        let object = format!(r#"{{"x":{number}}}"#);
        assert_eq!(why(&object, |raw| raw.whole("x")), "x is too large", "{number}");
    }
    for number in ["1e400", "1000000000001", "1e13", huge.as_str()] {
        assert_eq!(why(&format!(r#"{{"x":{number}}}"#), |raw| raw.count("x")), "x is too large", "{number}");
    }
    for number in ["-1", "1.5", "\"1\"", "true"] {
        let object = format!(r#"{{"x":{number}}}"#);
        assert_eq!(why(&object, |raw| raw.count("x")), "x is not what it should be", "{number}");
    }
    for (number, count) in [("0", 0), ("12.0", 12), ("1e3", 1_000), ("1000000000000", MAX_COUNT)] {
        assert_eq!(of(&format!(r#"{{"x":{number}}}"#), |raw| raw.count("x")), Ok(count), "{number}");
    }
    for (number, whole) in [("5.9", 5), ("-5.1", -6), ("1788235199.0", 1_788_235_199)] {
        assert_eq!(of(&format!(r#"{{"x":{number}}}"#), |raw| raw.whole("x")), Ok(whole), "{number}");
    }
    let long = format!(r#"{{"x":"{}"}}"#, "x".repeat(1_000_000));
    assert_eq!(why(&long, |raw| raw.string("x")), "x is too large");
    assert_eq!(why(r#"{"x":"a\nb"}"#, |raw| raw.name("x", 9)), "x is not what it should be");
    assert_eq!(
        of(r#"{"x":"25.7500000000000004"}"#, |raw| raw.amount("x", Unit::Whole)).unwrap().exact(),
        "25.75"
    );
    assert_eq!(why(r#"{"x":"1e99"}"#, |raw| raw.amount("x", Unit::Cents)), "x is too large");
    assert_eq!(why(r#"{"x":"1,5"}"#, |raw| raw.amount("x", Unit::Cents)), "x is not what it should be");
    let inner = why(r#"{"x":{"y":{"z":null}}}"#, |raw| raw.object("x", |x| x.object("y", |y| y.count("z"))));
    assert_eq!(inner, "x.y.z is null");
}

#[test]
fn of_a_hundred_odd_rows_each_is_named_or_counted_and_the_others_stay() {
    let odd = [
        "null",
        "{}",
        "7",
        "\"x\"",
        "[]",
        "[[1]]",
        r#"{"n":null}"#,
        r#"{"n":"x"}"#,
        r#"{"n":1e999}"#,
        r#"{"n":{"n":1}}"#,
    ];
    let mut rows = Vec::new();
    for number in 0..100 {
        rows.push(format!(r#"{{"n":{number}}}"#));
        rows.push(odd[number % odd.len()].to_owned());
    }
    let mut listed = Listed::default();
    let body = answer(&format!("[{}]", rows.join(",")));
    body.list(|number, row| {
        let read = row.must_be_object("row").and_then(|()| row.count("n"));
        listed.take(&format!("rows[{number}]"), read);
    })
    .unwrap();
    assert_eq!(listed.to_vec(), (0..100).collect::<Vec<u64>>());
    assert_eq!(listed.odd.rows(), 100);
    let text = listed.odd.text().unwrap();
    assert!(
        text.starts_with("rows[1]: field row is null, so it is left out; rows[3]: field n is missing"),
        "{text}"
    );
    assert!(text.ends_with("; and 95 more"), "{text}");
}

#[test]
fn what_is_no_list_is_said_and_nothing_from_outside_is_repeated() {
    for body in ["{}", "null", "7", "\"[1]\""] {
        let error = answer(body).list(|_, _| {}).unwrap_err();
        assert_eq!(error.to_string(), "test answered what makes no sense (JSON of another shape)", "{body}");
    }
    for body in ["", "[1,", "[1}", "nothing"] {
        assert!(matches!(answer(body).list(|_, _| {}), Err(OutsideError::Malformed { .. })), "{body}");
    }
    // A byte that is no text costs nothing but its own field.
    let body = b"[{\"n\":1,\"x\":\"\xff\xc3\"},{\"n\":2}]";
    let mut read = Vec::new();
    Answer::of_body("test", body, Timestamp::UNIX_EPOCH).list(|_, row| read.push(row.count("n"))).unwrap();
    assert_eq!(read, [Ok(1), Ok(2)]);
    for (slug, place) in
        [("bike", "goal bike"), ("a b", "goals[3]"), ("\\u001b[2J", "goals[3]"), ("", "goals[3]")]
    {
        let row = answer(&format!(r#"{{"slug":"{slug}"}}"#));
        row.rows(|raw| {
            assert_eq!(raw.place("goal", "slug", "goals", 3), place);
            Ok(())
        })
        .unwrap();
    }
}
