//! Which file of `src/` uses which: by `crate::`, `super::` and `self::`, in `use` trees and in paths; tests and comments
//! do not count. A name that a module only re-exports is an arrow to that module, and its own `use` is the next one: so a
//! circle by way of a re-export is a circle here too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// By module, `service::budgets::gate`: the modules that it uses.
pub type Graph = BTreeMap<String, BTreeSet<String>>;

/// Reads the graph of all files below `root`.
pub fn read(root: &Path, files: &[std::path::PathBuf]) -> Graph {
    let name = |path: &Path| {
        let parts = path.strip_prefix(root).unwrap().with_extension("");
        parts.iter().map(|part| part.to_str().unwrap()).collect::<Vec<_>>().join("::")
    };
    let is_test = |module: &str| module.split("::").any(|part| part == "tests" || part.ends_with("_tests"));
    let texts: BTreeMap<String, String> =
        files.iter().map(|path| (name(path), code(&fs::read_to_string(path).unwrap()))).collect();
    let modules: BTreeSet<&str> =
        texts.keys().map(String::as_str).filter(|module| !is_test(module)).collect();
    let mut graph = Graph::new();
    for (module, text) in texts.iter().filter(|(module, _)| !is_test(module)) {
        let used = paths(text).into_iter().filter_map(|path| absolute(module, &path));
        let used = used.filter_map(|path| nearest(&modules, &path));
        // A module and those within it are one thing to whoever looks from above: declaring them is no use.
        let used = used.filter(|used| used != module && !used.starts_with(&format!("{module}::")));
        graph.insert(module.clone(), used.collect());
    }
    graph
}

/// The text without comments and what is compiled for tests alone.
pub fn code(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let end = code.find("#[cfg(test)]\nmod ").unwrap_or(code.len());
    // Who may see something is no use of it.
    code[..end].replace("pub(in crate::", "pub(in ")
}

/// All paths of the text that begin with `crate`, `super` or `self`; a tree of them is written out.
fn paths(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in ["crate::", "super::", "self::"] {
        for (at, _) in text.match_indices(word) {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|before| before.is_alphanumeric() || before == '_' || before == ':') {
                continue;
            }
            let rest = &text[at..];
            let length =
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
            let (path, rest) = rest.split_at(length);
            match path.strip_suffix("::").filter(|_| rest.starts_with('{')) {
                Some(path) => grow(path, tree(rest), &mut found),
                None => found.push(path.trim_end_matches(':').to_owned()),
            }
        }
    }
    found
}

/// What stands between the first brace and the one that closes it.
fn tree(text: &str) -> &str {
    let mut depth = 0;
    let end = text.char_indices().find(|(_, character)| {
        depth += i32::from(*character == '{') - i32::from(*character == '}');
        depth == 0
    });
    &text[1..end.unwrap().0]
}

/// Writes out the branches of a tree.
fn grow(stem: &str, branches: &str, found: &mut Vec<String>) {
    let (mut depth, mut start) = (0, 0);
    let ends = branches.char_indices().filter(|(_, character)| {
        depth += i32::from(*character == '{') - i32::from(*character == '}');
        depth == 0 && *character == ','
    });
    for end in ends.map(|(at, _)| at).chain([branches.len()]).collect::<Vec<_>>() {
        let branch = branches[start..end].trim();
        start = (end + 1).min(branches.len());
        match branch.split_once("::{") {
            Some((path, inner)) => grow(&format!("{stem}::{path}"), inner.trim_end_matches('}'), found),
            None if branch.is_empty() => {}
            None => found.push(format!("{stem}::{}", branch.split(" as ").next().unwrap())),
        }
    }
}

/// A path from the crate's root on, if it leads anywhere.
fn absolute(module: &str, path: &str) -> Option<Vec<String>> {
    let mut base: Vec<&str> = module.split("::").collect();
    let mut parts = path.split("::").peekable();
    match parts.next()? {
        "crate" => base.clear(),
        "super" => {
            base.pop()?;
            while parts.next_if_eq(&"super").is_some() {
                base.pop()?;
            }
        }
        _ => {}
    }
    Some(base.into_iter().chain(parts).map(str::to_owned).collect())
}

/// The module that a path leads into.
fn nearest(modules: &BTreeSet<&str>, path: &[String]) -> Option<String> {
    (1..=path.len())
        .rev()
        .map(|length| path[..length].join("::"))
        .find(|path| modules.contains(path.as_str()))
}

/// The circles: sets of files that all lead to each other, the largest first.
pub fn circles(graph: &Graph) -> Vec<BTreeSet<String>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|from| (from.as_str(), reach(graph, from))).collect();
    let mut circles: BTreeSet<BTreeSet<String>> = BTreeSet::new();
    for (from, reachable) in &reached {
        let circle: BTreeSet<String> = reachable
            .iter()
            .filter(|other| reached.get(*other).is_some_and(|back| back.contains(from)))
            .map(|other| (*other).to_owned())
            .collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    let mut circles: Vec<_> = circles.into_iter().collect();
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    circles
}

fn reach<'a>(graph: &'a Graph, from: &'a str) -> BTreeSet<&'a str> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(next) = open.pop() {
        for used in graph.get(next).into_iter().flatten() {
            if seen.insert(used.as_str()) {
                open.push(used);
            }
        }
    }
    seen
}

#[test]
fn a_circle_is_found_whichever_way_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    let files = [
        file("a.rs", "pub mod one;\npub mod two;\npub use one::One;\n"),
        file(
            "a/one.rs",
            "use super::two::{self, Two};\n#[cfg(test)]\nmod tests {\n    use crate::c::C;\n}\n",
        ),
        file("a/two.rs", "use crate::b::{deep::{Deep, Deeper}, B};\n// use crate::c::C;\n"),
        file("b.rs", "pub mod deep;\nfn f() -> crate::a::one::One { todo!() }\n"),
        file("b/deep.rs", "use std::fmt;\n"),
        file("c.rs", "use crate::a;\n"),
    ];
    let graph = read(dir.path(), &files);
    let of = |module: &str| graph[module].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(of("a::one"), ["a::two"]);
    assert_eq!(of("a::two"), ["b", "b::deep"]);
    assert_eq!(of("c"), ["a"]);
    let circle: BTreeSet<String> = ["a::one", "a::two", "b"].map(str::to_owned).into();
    assert_eq!(circles(&graph), [circle]);
}
