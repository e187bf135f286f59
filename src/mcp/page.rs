//! Pages: an answer of any size in parts that an assistant can take, each row in one of them.
//!
//! The rows of an answer are the items of its lists, list after list. A page has what is no list, and as many rows as its
//! size allows. `next_cursor` tells where the next one begins; nothing is kept for it here. A cursor holds the number of
//! rows before it, a mark of the question, and a mark of those rows: the question is answered anew, and where the rows
//! before are no longer the same ones, the cursor is stale and said to be. So following cursors gives every row once, or an
//! error, whoever writes meanwhile. What is added behind is seen; a log grows only there.

use serde_json::{Map, Value, json};

use super::rows::{Given, mark};
use super::small::{self, shorten};

/// A page is no larger, in bytes of JSON. Clients cut or refuse what is over 25,000 tokens, and a token is two bytes or
/// more, also of ids and of text that is not Latin.
pub const PAGE_MAX: usize = 48_000;
/// What a page says of itself takes no more.
const ABOUT_MAX: usize = 400;
/// The fields that say which row it is. What else it says, such as an amount, may change between two pages: the row is the
/// same, and whoever reads on gets every row once all the same.
const NAMES: [&str; 21] = [
    "at", "currency", "day", "gauge", "id", "kind", "limit", "line", "model", "month", "name", "note",
    "number", "project", "provider", "rule", "session", "slug", "subject", "text", "week",
];

/// Lists are in objects no deeper.
const DEPTH_MAX: usize = 8;

/// A place between two pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Rows before it.
    pub offset: usize,
    question: u32,
    rows: u64,
}

impl Cursor {
    /// Reads one that was given.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.trim().splitn(4, '-').collect();
        let read = || {
            let [offset, question, rows] = parts.as_slice() else { return None };
            let is_hex =
                |text: &str, digits| text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit());
            if !is_hex(question, 8) || !is_hex(rows, 16) || !offset.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let question = u32::from_str_radix(question, 16).ok()?;
            Some(Self { offset: offset.parse().ok()?, question, rows: u64::from_str_radix(rows, 16).ok()? })
        };
        read().ok_or_else(|| "cursor is not one that was given here; give next_cursor of the last answer as it is, or none for the first page".to_owned())
    }

    fn write(self) -> String {
        format!("{}-{:08x}-{:016x}", self.offset, self.question, self.rows)
    }
}

/// The mark of a question: the tool and its other arguments, by name.
#[must_use]
pub fn question(tool: &str, arguments: &Map<String, Value>) -> u32 {
    let told = format!("{tool} {}", json!(arguments));
    let hash = blake3::hash(told.as_bytes());
    u32::from_be_bytes(std::array::from_fn(|n| hash.as_bytes()[n]))
}

/// One mark of many rows, in their order.
fn chain(marks: &[u64]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for mark in marks {
        hasher.update(&mark.to_be_bytes());
    }
    let hash = hasher.finalize();
    u64::from_be_bytes(std::array::from_fn(|n| hash.as_bytes()[n]))
}

/// The page of an answer that begins at a cursor, or the first one.
///
/// # Errors
/// The cursor is another question's, or stale.
pub fn page(given: Given, question: u32, cursor: Option<Cursor>) -> Result<Value, String> {
    let Given { mut answer, window } = given;
    let mut rows = taken_out(&mut answer);
    let (skip, marks) = match window {
        Some(window) => (window.skip, window.marks),
        None => (0, rows.iter().map(Row::mark).collect()),
    };
    let first = cursor.map_or(0, |cursor| cursor.offset);
    if let Some(cursor) = cursor {
        if cursor.question != question {
            return Err("cursor belongs to another question; give it with the arguments that it was given for, or none for \
                the first page"
                .to_owned());
        }
        if first >= marks.len() || first < skip || chain(&marks[..first]) != cursor.rows {
            return Err(
                "cursor is stale: the list has changed before it; ask again without a cursor".to_owned()
            );
        }
    }
    rows.drain(..rows.len().min(first.saturating_sub(skip)));
    let mut is_short = shorten(&mut answer, PAGE_MAX / 2).ok_or(small::TOO_LARGE)?;
    let mut size = answer.to_string().len() + ABOUT_MAX;
    let mut count = 0;
    for mut row in rows {
        let mut length = row.value.to_string().len() + 1;
        if count == 0 && size + length > PAGE_MAX {
            is_short = true;
            if shorten(&mut row.value, PAGE_MAX - size).is_none() {
                row.value = if row.value.is_object() { json!({}) } else { json!("…") };
            }
            length = row.value.to_string().len() + 1;
        }
        if size + length > PAGE_MAX {
            break;
        }
        size += length;
        count += 1;
        if let Some(Value::Array(list)) = answer.pointer_mut(&row.list) {
            list.push(row.value);
        }
    }
    let next = first + count;
    if let Some(fields) = answer.as_object_mut() {
        if next < marks.len() {
            if count == 0 {
                return Err(small::TOO_LARGE.to_owned());
            }
            let cursor = Cursor { offset: next, question, rows: chain(&marks[..next]) };
            fields.insert("next_cursor".to_owned(), json!(cursor.write()));
        }
        if next < marks.len() || first > 0 {
            fields.insert("page".to_owned(), json!({ "from": first + 1, "to": next, "of": marks.len() }));
        }
        if is_short {
            fields.insert("shortened".to_owned(), json!("long texts and lists within a row are cut"));
        }
    }
    Ok(answer)
}

/// An item of a list.
struct Row {
    /// Where its list is.
    list: String,
    value: Value,
}

impl Row {
    /// By what names it, or by all of it where nothing does.
    fn mark(&self) -> u64 {
        let of = |name: &&str| self.value.get(*name).filter(|value| value.is_string() || value.is_number());
        let names: Vec<&Value> = NAMES.iter().filter_map(of).collect();
        let told = if names.is_empty() { self.value.to_string() } else { json!(names).to_string() };
        mark(format!("{} {told}", self.list).as_bytes())
    }
}

/// Takes the items out of all lists that are in no other list, in their order.
fn taken_out(answer: &mut Value) -> Vec<Row> {
    let mut rows = Vec::new();
    take_out(answer, "", DEPTH_MAX, &mut rows);
    rows
}

fn take_out(value: &mut Value, path: &str, depth: usize, rows: &mut Vec<Row>) {
    match value {
        Value::Object(fields) if depth > 0 => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                take_out(value, &format!("{path}/{name}"), depth - 1, rows);
            }
        }
        Value::Array(items) => {
            rows.extend(std::mem::take(items).into_iter().map(|value| Row { list: path.to_owned(), value }));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::Window;
    use super::*;

    fn answer(rows: std::ops::Range<u32>) -> Value {
        let text = "x".repeat(500);
        let row = |n| json!({ "n": n, "id": n, "age_seconds": rand::random::<u32>(), "more": text });
        json!({ "total": "7", "inner": { "due": rows.clone().map(row).collect::<Vec<_>>() }, "more": [{ "n": "last" }], "none": [] })
    }

    fn whole(answer: Value) -> Given {
        Given { answer, window: None }
    }

    /// The numbers of all rows, page after page.
    fn follow(ask: impl Fn() -> Given) -> Vec<Value> {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = page(ask(), 1, cursor).unwrap();
            assert!(page.to_string().len() <= PAGE_MAX);
            assert_eq!(page["total"], "7");
            assert_eq!(page["none"], json!([]));
            let rows =
                page["inner"]["due"].as_array().unwrap().iter().chain(page["more"].as_array().unwrap());
            seen.extend(rows.map(|row| row["n"].clone()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(Cursor::parse(next).unwrap()),
                None => return seen,
            }
        }
    }

    #[test]
    fn every_row_is_on_one_page() {
        let mut all: Vec<Value> = (0..1_000).map(|n| json!(n)).collect();
        all.push(json!("last"));
        assert_eq!(follow(|| whole(answer(0..1_000))), all);
        assert_eq!(follow(|| whole(answer(0..3))).len(), 4);
        assert!(page(whole(answer(0..3)), 1, None).unwrap().get("page").is_none());
    }

    #[test]
    fn a_part_of_a_list_pages_as_the_whole() {
        let rows: Vec<Value> = (0..2_000).map(|n| json!({ "n": n, "text": "y".repeat(100) })).collect();
        let marks: Vec<u64> = rows.iter().map(|row| mark(row.to_string().as_bytes())).collect();
        let (mut seen, mut cursor): (Vec<Value>, Option<Cursor>) = (Vec::new(), None);
        loop {
            let skip = cursor.map_or(0, |cursor| cursor.offset);
            let part: Vec<&Value> = rows.iter().skip(skip).take(37).collect();
            let window = Window { list: "events", skip, marks: marks.clone() };
            let page =
                page(Given { answer: json!({ "events": part }), window: Some(window) }, 1, cursor).unwrap();
            seen.extend(page["events"].as_array().unwrap().clone());
            assert_eq!(page["page"]["of"], 2_000);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(Cursor::parse(next).unwrap()),
                None => break,
            }
        }
        assert_eq!(seen, rows);
    }

    #[test]
    fn a_cursor_that_is_stale_or_made_up_is_refused() {
        let first = page(whole(answer(0..1_000)), 1, None).unwrap();
        let cursor = Cursor::parse(first["next_cursor"].as_str().unwrap()).unwrap();
        assert!(page(whole(answer(0..1_000)), 1, Some(cursor)).is_ok());
        assert!(
            page(whole(answer(0..1_001)), 1, Some(cursor)).is_ok(),
            "what comes behind it changes nothing"
        );
        for changed in [1..1_000, 0..10, 1..1_001, 0..0] {
            let said = page(whole(answer(changed.clone())), 1, Some(cursor)).unwrap_err();
            assert!(said.contains("stale"), "{changed:?}: {said}");
        }
        let said = page(whole(answer(0..1_000)), 2, Some(cursor)).unwrap_err();
        assert!(said.contains("another question"), "{said}");
        let moved = Cursor { offset: cursor.offset + 1, ..cursor };
        assert!(page(whole(answer(0..1_000)), 1, Some(moved)).is_err(), "no place of its own");
        let far = Cursor { offset: usize::MAX, ..cursor };
        assert!(page(whole(answer(0..1_000)), 1, Some(far)).is_err());
        for text in [
            "",
            "7",
            "7-1-2",
            "x-00000001-0000000000000001",
            "-1-00000001-0000000000000001",
            "1-+0000001-0000000000000001",
            "99999999999999999999999-00000001-0000000000000001",
            "1-00000001-0000000000000001-",
            "é-0000000é-0000000000000001",
        ] {
            assert!(Cursor::parse(text).is_err(), "{text}");
        }
        assert_eq!(Cursor::parse(&cursor.write()), Ok(cursor));
    }

    #[test]
    fn a_row_that_fits_no_page_is_shortened_and_it_is_said() {
        let long = || {
            whole(
                json!({ "rows": [{ "text": "é".repeat(100_000) }, { "list": vec!["z".repeat(99); 5_000] }, 3] }),
            )
        };
        let page = page(long(), 1, None).unwrap();
        assert!(page.to_string().len() <= PAGE_MAX);
        assert_eq!(page["rows"].as_array().unwrap().len() as u64, page["page"]["to"].as_u64().unwrap_or(3));
        assert!(page["shortened"].is_string(), "{page}");
    }
}
