//! Lines as the Tasks plugin reads them.

use super::*;

fn parse(line: &str) -> Option<Task> {
    super::parse(line, &Rules::default())
}

/// A task in one line: its box, its words, and each field that it has.
fn shown(task: &Task) -> String {
    let mut said = format!("[{}] {}", task.symbol, task.text);
    let dates = [
        ("due", task.due),
        ("scheduled", task.scheduled),
        ("start", task.start),
        ("created", task.created),
        ("done", task.done),
        ("cancelled", task.cancelled),
    ];
    for (name, date) in dates {
        if let Some(date) = date {
            said += &format!(" | {name} {date}");
        }
    }
    if task.priority != Priority::None {
        said += &format!(" | {}", task.priority.word());
    }
    let texts = [
        ("repeat", &task.recurrence),
        ("then", &task.on_completion),
        ("id", &task.id),
        ("block", &task.block),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            said += &format!(" | {name} {text}");
        }
    }
    if !task.depends_on.is_empty() {
        said += &format!(" | after {}", task.depends_on.join("+"));
    }
    said
}

#[test]
fn lines_are_read_as_the_plugin_reads_them() {
    let cases = [
        ("- [ ] milk", "[ ] milk"),
        ("* [x] milk", "[x] milk"),
        ("+ [-] milk", "[-] milk"),
        ("12. [/] milk", "[/] milk"),
        ("3) [?] milk", "[?] milk"),
        ("  \t- [ ] milk", "[ ] milk"),
        ("> - [ ] milk", "[ ] milk"),
        ("> > - [X] milk", "[X] milk"),
        ("- [ ]", "[ ] "),
        ("- [ ]   ", "[ ] "),
        // Dates, each with its sign and its other signs.
        ("- [ ] a 📅 2026-01-31", "[ ] a | due 2026-01-31"),
        ("- [ ] a 📆2026-01-31", "[ ] a | due 2026-01-31"),
        ("- [ ] a 🗓\u{fe0f} 2026-01-31", "[ ] a | due 2026-01-31"),
        ("- [ ] a ⏳ 2026-01-31", "[ ] a | scheduled 2026-01-31"),
        ("- [ ] a ⌛ 2026-01-31", "[ ] a | scheduled 2026-01-31"),
        (
            "- [x] a 🛫 2026-01-01 ➕ 2025-12-31 ✅ 2026-01-02",
            "[x] a | start 2026-01-01 | created 2025-12-31 | done 2026-01-02",
        ),
        ("- [-] a ❌ 2026-01-02", "[-] a | cancelled 2026-01-02"),
        // Priorities.
        ("- [ ] a 🔺", "[ ] a | highest"),
        ("- [ ] a ⏫\u{fe0f} 📅 2026-01-31", "[ ] a | due 2026-01-31 | high"),
        ("- [ ] a 🔼", "[ ] a | medium"),
        ("- [ ] a 🔽", "[ ] a | low"),
        ("- [ ] a ⏬", "[ ] a | lowest"),
        // The rest.
        (
            "- [ ] a 🔁 every week when done 📅 2026-01-31",
            "[ ] a | due 2026-01-31 | repeat every week when done",
        ),
        ("- [ ] a 🔁 every day 🏁 delete", "[ ] a | repeat every day | then delete"),
        ("- [ ] a 🆔 ab-1 ⛔ cd_2,ef", "[ ] a | id ab-1 | after cd_2+ef"),
        ("- [ ] a ⛔ cd , ef 🆔 x", "[ ] a | id x | after cd+ef"),
        ("- [ ] a 📅 2026-01-31 ^block-1", "[ ] a | due 2026-01-31 | block block-1"),
        // Tags among the fields are words.
        ("- [ ] a #b 📅 2026-01-31 #c/d", "[ ] a #b #c/d | due 2026-01-31"),
        ("- [ ] a 📅 2026-01-31 #x #y", "[ ] a #x #y | due 2026-01-31"),
        // Text behind a field hides it.
        ("- [ ] a 📅 2026-01-31 then b", "[ ] a 📅 2026-01-31 then b"),
        ("- [ ] a 📅 2026-01-31 then b ⏳ 2026-02-01", "[ ] a 📅 2026-01-31 then b | scheduled 2026-02-01"),
        ("- [ ] a 📅 tomorrow", "[ ] a 📅 tomorrow"),
        ("- [ ] a 📅 2026-1-31", "[ ] a 📅 2026-1-31"),
        // An invalid date has no value.
        ("- [ ] a 📅 2026-02-31", "[ ] a"),
        // Of two the left one counts.
        ("- [ ] a 📅 2026-01-31 📅 2026-02-28", "[ ] a | due 2026-01-31"),
        // Dataview's form.
        ("- [ ] a [due:: 2026-01-31]", "[ ] a | due 2026-01-31"),
        ("- [ ] a (due::2026-01-31)", "[ ] a | due 2026-01-31"),
        (
            "- [x] a  [priority:: high]  [completion:: 2026-01-02], [repeat:: every day]",
            "[x] a | done 2026-01-02 | high | repeat every day",
        ),
        (
            "- [ ] a [id:: x1] [dependsOn:: y, z] [scheduled:: 2026-01-01] [start:: 2026-01-02] [created:: 2026-01-03]",
            "[ ] a | scheduled 2026-01-01 | start 2026-01-02 | created 2026-01-03 | id x1 | after y+z",
        ),
        ("- [ ] a [due:: 2026-01-31)", "[ ] a [due:: 2026-01-31)"),
        ("- [ ] a [mood:: good]", "[ ] a [mood:: good]"),
        ("- [ ] a [mood:: good] 📅 2026-01-31", "[ ] a [mood:: good] | due 2026-01-31"),
        ("- [ ] a [due:: 2026-01-31] 🔼", "[ ] a | due 2026-01-31 | medium"),
        // Unicode and links are words.
        ("- [ ] 牛乳を買う 🥛 [[お店|店]] 📅 2026-01-31", "[ ] 牛乳を買う 🥛 [[お店|店]] | due 2026-01-31"),
    ];
    for (line, expected) in cases {
        let task = parse(line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(shown(&task), expected.trim_end_matches('\n'), "{line}");
    }
    for line in [
        "",
        "milk",
        "- milk",
        "- [] milk",
        "- [xx] milk",
        "-[ ] milk",
        "[ ] milk",
        "- [ ]milk",
        "- [link](x)",
        "a - [ ] b",
    ] {
        assert_eq!(parse(line), None, "{line}");
    }
}

#[test]
fn fields_without_end_are_words_from_some_number_on() {
    let task = parse(&format!("- [ ] a {}📅 2026-01-31", "🔺 ".repeat(100))).unwrap();
    assert_eq!((task.priority, task.due), (Priority::Highest, Some(jiff::civil::date(2026, 1, 31))));
    assert_eq!(task.text.matches('🔺').count(), 100 + 1 - FIELDS_MAX);
    // A word longer than the maximum of a field hides nothing after it, and is not a field itself.
    let long = "x".repeat(2 * FIELD_MAX);
    let task = parse(&format!("- [ ] {long} #tag 🔼")).unwrap();
    assert_eq!((task.text, task.priority), (format!("{long} #tag"), Priority::Medium));
    let task = parse(&format!("- [ ] a #{long}")).unwrap();
    assert_eq!(task.text, format!("a #{long}"));
}

#[test]
fn a_box_with_a_character_of_one_s_own_is_to_be_done() {
    for (symbol, state) in [
        (' ', State::Todo),
        ('x', State::Done),
        ('X', State::Done),
        ('/', State::InProgress),
        ('-', State::Cancelled),
        ('h', State::OnHold),
        ('!', State::Todo),
        ('日', State::Todo),
    ] {
        assert_eq!(State::of(symbol), state, "{symbol}");
        assert_eq!(parse(&format!("- [{symbol}] a")).unwrap().state(), state);
    }
}

#[test]
fn the_global_filter_is_a_substring_of_what_stands_behind_the_box() {
    // obsidian-tasks, `src/Config/GlobalFilter.ts` (`includedIn`: `description.includes`) and `src/Task/Task.ts`
    // (`fromLine`: of the body, before the fields are taken from it and after the link to the block is).
    let cases = [
        ("#task", "- [ ] #task a", true),
        ("#task", "- [ ] a #task/sub", true),
        ("#task", "- [ ] a#task", true),
        ("#task", "- [ ] a #tasks 📅 2026-01-31", true),
        ("#task", "- [ ] a 📅 2026-01-31 #task", true),
        ("#task", "- [ ] a", false),
        ("#task", "- [ ] a #Task", false),
        ("task", "- [ ] multitasking", true),
        ("two words", "- [ ] in two words", true),
        ("two words", "- [ ] words two", false),
        (" ", "- [ ] one", false),
        (" ", "- [ ] one two", true),
        ("#task ", "- [ ] a #task", false),
        ("📅", "- [ ] a 📅 2026-01-31", true),
        ("[due::", "- [ ] a [due:: 2026-01-31]", true),
        ("^block", "- [ ] a ^block", false),
        ("[ ]", "- [ ] a", false),
        ("日本", "- [ ] 日本語", true),
        ("", "- [ ] a", true),
    ];
    for (filter, line, expected) in cases {
        let rules = Rules { filter: filter.to_owned(), ..Rules::default() };
        let task = super::parse(line, &rules);
        assert_eq!(task.is_some(), expected, "{filter:?} {line}");
        assert!(task.is_none() || task == parse(line), "{filter:?} {line}");
    }
}

#[test]
fn fields_of_the_form_that_is_not_set_are_words() {
    // obsidian-tasks, `src/Config/Settings.ts` (`getUserSelectedTaskFormat`): one form at a time.
    let of =
        |line: &str, forms: Forms| shown(&super::parse(line, &Rules { forms, ..Rules::default() }).unwrap());
    let signs = "- [ ] a 📅 2026-01-31 🔼";
    let dataview = "- [ ] a [due:: 2026-01-31] (priority:: low)";
    assert_eq!(of(signs, Forms::Signs), "[ ] a | due 2026-01-31 | medium");
    assert_eq!(of(signs, Forms::Dataview), "[ ] a 📅 2026-01-31 🔼");
    assert_eq!(of(dataview, Forms::Dataview), "[ ] a | due 2026-01-31 | low");
    assert_eq!(of(dataview, Forms::Signs), "[ ] a [due:: 2026-01-31] (priority:: low)");
    // Tags are taken in both.
    assert_eq!(of("- [ ] a [due:: 2026-01-31] #x", Forms::Dataview), "[ ] a #x | due 2026-01-31");
    assert_eq!(of("- [ ] a [due:: 2026-01-31] 🔼", Forms::Signs), "[ ] a [due:: 2026-01-31] | medium");
}

#[test]
fn dataview_fields_have_the_plugin_s_forms() {
    // obsidian-tasks, `src/TaskSerializer/DataviewTaskSerializer.ts` and `src/Task/OnCompletion.ts`.
    let cases = [
        ("- [ ] a [due:: 2026-1-031]", "[ ] a [due:: 2026-1-031]"),
        ("- [ ] a [due:: 2026-02-31]", "[ ] a"),
        ("- [ ] a [Due:: 2026-01-31]", "[ ] a [Due:: 2026-01-31]"),
        ("- [ ] a [priority:: High]", "[ ] a [priority:: High]"),
        ("- [ ] a [priority:: none]", "[ ] a [priority:: none]"),
        ("- [ ] a [id:: two words]", "[ ] a [id:: two words]"),
        ("- [ ] a [repeat:: every_day]", "[ ] a [repeat:: every_day]"),
        ("- [ ] a [dependsOn:: x y]", "[ ] a [dependsOn:: x y]"),
        ("- [ ] a [ due ::2026-01-31 ] ,", "[ ] a [ due ::2026-01-31 ] ,"),
        ("- [ ] a [ due::2026-01-31 ] ,", "[ ] a | due 2026-01-31"),
        ("- [ ] a [onCompletion:: Delete]", "[ ] a | then delete"),
        ("- [ ] a [onCompletion:: burn]", "[ ] a"),
        ("- [ ] a [repeat:: whenever]", "[ ] a"),
        ("- [ ] a 🔁 whenever 📅 2026-01-31", "[ ] a | due 2026-01-31"),
        ("- [ ] a 🔁 every Monday, Friday when done", "[ ] a | repeat every Monday, Friday when done"),
        ("- [ ] a 🏁 KEEP", "[ ] a | then keep"),
        ("- [ ] a 🏁 burn 📅 2026-01-31", "[ ] a | due 2026-01-31"),
    ];
    for (line, expected) in cases {
        assert_eq!(shown(&parse(line).unwrap()), expected, "{line}");
    }
}
