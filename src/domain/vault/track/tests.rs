//! What became of tasks, as a table of looks.

use super::*;

/// `note words state [due]`.
fn seen(text: &str) -> Seen {
    let parts: Vec<&str> = text.split(' ').collect();
    let state = match parts[2] {
        "x" => State::Done,
        "-" => State::Cancelled,
        "/" => State::InProgress,
        _ => State::Todo,
    };
    let fact = Fact {
        note: parts[0].into(),
        state,
        due: parts.get(3).map(|day| format!("2026-11-{day}").parse().unwrap()),
        scheduled: None,
        priority: Priority::None,
        recurs: false,
    };
    Seen { words: parts[1].into(), fact }
}

fn look(known: &mut Known, tasks: &[&str], hidden: &[&str]) -> Vec<String> {
    let tasks: Vec<Seen> = tasks.iter().map(|text| seen(text)).collect();
    let read: BTreeSet<String> =
        ["a", "b", "c", "d"].into_iter().filter(|note| !hidden.contains(note)).map(str::to_owned).collect();
    let changes = known.changes(&tasks, &read, hidden.is_empty());
    let mut said = Vec::new();
    for Change { id, kind, fact, .. } in changes {
        said.push(format!("{} {}-{}", kind.word(), id.words, id.number));
        known.evolve(id, kind, fact);
    }
    let read_again = known.changes(&tasks, &read, hidden.is_empty());
    assert_eq!(read_again, [], "the same look again is no news");
    said
}

#[test]
fn each_look_tells_what_became_of_tasks_and_nothing_twice() {
    // Looks one after another; notes that begin with ! could not be read.
    type Look = (&'static [&'static str], &'static [&'static str]);
    let cases: &[(&str, &[Look])] = &[
        (
            "a life",
            &[
                (&["a milk _", "a old x"], &["appeared milk-1"]),
                (&["a milk _ 05", "a old x"], &["due-moved milk-1"]),
                (&["a milk / 05", "a old x"], &["changed milk-1"]),
                (&["a milk x 05", "a old x"], &["closed milk-1"]),
                (&["a milk x 05"], &[]),
                // Opened again it is another one.
                (&["a milk _ 05"], &["appeared milk-2"]),
                (&["a milk - 05"], &["closed milk-2"]),
            ],
        ),
        (
            "a note is renamed",
            &[
                (&["a milk _ 05", "a tea _"], &["appeared milk-1", "appeared tea-1"]),
                (&["b milk _ 05", "b tea _"], &["relocated milk-1", "relocated tea-1"]),
                (&["b milk _ 05", "b tea _"], &[]),
            ],
        ),
        (
            "words change",
            &[
                (&["a milk _"], &["appeared milk-1"]),
                (&["a oat-milk _"], &["gone milk-1", "appeared oat-milk-1"]),
            ],
        ),
        (
            "the same words every day",
            &[
                (&["a water x", "b water _"], &["appeared water-1"]),
                (&["a water x", "b water x", "c water _"], &["closed water-1", "appeared water-2"]),
                (&["a water x", "b water x"], &["gone water-2"]),
                (&["a water x", "b water x", "d water _"], &["appeared water-3"]),
            ],
        ),
        (
            "a recurring one is done, and its next one stands above it",
            &[
                (&["a water _ 01"], &["appeared water-1"]),
                (&["a water _ 02", "a water x 01"], &["closed water-1", "appeared water-2"]),
            ],
        ),
        (
            "moved and done",
            &[
                (&["a milk _", "a milk _ 07"], &["appeared milk-1", "appeared milk-2"]),
                (&["b milk _ 07", "a milk x"], &["closed milk-1", "relocated milk-2"]),
            ],
        ),
        (
            "what cannot be read stays",
            &[
                (&["a milk _", "b tea _"], &["appeared milk-1", "appeared tea-1"]),
                (&["!b", "a milk x"], &["closed milk-1"]),
                (&["!b"], &[]),
                (&["b tea _"], &[]),
                (&[], &["gone tea-1"]),
            ],
        ),
        (
            "of a note that was read, what is not there is gone",
            &[
                (&["a milk _", "b tea _"], &["appeared milk-1", "appeared tea-1"]),
                (&["!b"], &["gone milk-1"]),
            ],
        ),
    ];
    for (name, looks) in cases {
        let mut known = Known::default();
        for (number, (tasks, expected)) in looks.iter().enumerate() {
            let (hidden, tasks): (Vec<&str>, Vec<&str>) =
                tasks.iter().partition(|text| text.starts_with('!'));
            let hidden: Vec<&str> = hidden.iter().map(|note| &note[1..]).collect();
            assert_eq!(look(&mut known, &tasks, &hidden), *expected, "{name}, look {number}");
        }
    }
}
