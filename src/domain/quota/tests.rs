use super::*;

fn instant(text: &str) -> Timestamp {
    format!("2026-{text}:00Z").replacen(' ', "T", 1).parse().unwrap()
}

#[test]
fn shares_are_read_or_refused() {
    for (text, used, shown) in [
        ("0", 0, "0"),
        ("23", 2_300, "23"),
        ("61.5", 6_150, "61.5"),
        ("7.058", 705, "7.05"),
        ("99.999", 9_999, "99.99"),
        ("100", 10_000, "100"),
        ("100.0", 10_000, "100"),
    ] {
        assert_eq!(parse_percent(text), Ok(used), "{text}");
        assert_eq!(percent(used), shown, "{text}");
    }
    for text in ["", "-1", "100.01", "101", "4e1", "half", "1.", ".5", "99999999999999999999"] {
        assert!(matches!(parse_percent(text), Err(QuotaError::Percent(_))), "{text}");
    }
}

/// The life of two windows: reports, and whether each is recorded.
#[test]
fn news_is_a_new_window_or_a_point_more() {
    use Window::{FiveHour, SevenDay};
    let rows = [
        ("11-23 10:00", FiveHour, "3.4", "11-23 15:00", true),
        ("11-23 10:01", FiveHour, "3.4", "11-23 15:00", false),
        ("11-23 10:02", FiveHour, "4.39", "11-23 15:00", false),
        ("11-23 10:03", FiveHour, "4.4", "11-23 15:00", true),
        ("11-23 10:03", SevenDay, "61.5", "11-27 09:00", true),
        // An idle session repeats old numbers; the reported end varies slightly.
        ("11-23 10:04", FiveHour, "3.4", "11-23 15:00", false),
        ("11-23 10:05", FiveHour, "9", "11-23 15:01", true),
        ("11-23 10:06", FiveHour, "0", "11-23 10:00", false),
        ("11-23 14:00", FiveHour, "99.5", "11-23 15:00", true),
        ("11-23 14:01", FiveHour, "100", "11-23 15:00", true),
        ("11-23 14:02", FiveHour, "100", "11-23 15:00", false),
        // The next window begins with nothing used.
        ("11-23 15:30", FiveHour, "0", "11-23 20:00", true),
        ("11-23 15:31", FiveHour, "100", "11-23 15:00", false),
        ("11-23 15:32", SevenDay, "62.4", "11-27 09:00", false),
        ("11-27 09:05", SevenDay, "0", "12-04 09:00", true),
    ];
    let mut known = Quotas::default();
    for (now, window, used, resets_at, is_news) in rows {
        let now = instant(now);
        let reading =
            QuotaReading { window, used: parse_percent(used).unwrap(), resets_at: instant(resets_at) };
        let decided = decide(&known, reading, now).unwrap();
        assert_eq!(decided.is_some(), is_news, "{now} {used}");
        if let Some(reading) = decided {
            known.evolve(now, reading);
            assert_eq!(decide(&known, reading, now), Ok(None), "told twice it changes nothing");
        }
    }
}

#[test]
fn a_window_that_ends_too_late_is_none() {
    let now = instant("11-23 10:00");
    for (window, resets_at, is_taken) in [
        (Window::FiveHour, "11-23 15:59", true),
        (Window::FiveHour, "11-23 16:01", false),
        (Window::SevenDay, "11-30 10:59", true),
        (Window::SevenDay, "11-30 11:01", false),
    ] {
        let reading = QuotaReading { window, used: 1, resets_at: instant(resets_at) };
        assert_eq!(decide(&Quotas::default(), reading, now).is_ok(), is_taken, "{resets_at}");
    }
}
