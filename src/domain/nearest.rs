//! The names that somebody may have meant.

/// The longest name that is compared, in bytes: comparing takes the product of the lengths.
const LENGTH_MAX: usize = 256;
/// Names that are less alike than this are no help; by Jaro and Winkler, from 0 to 1.
const ALIKE: f64 = 0.7;

/// At most `most` names that are like one, the most alike first, ties by name. Case makes no difference; a name that holds
/// the other is more alike than any that only resembles it.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    let wanted = name.trim().to_lowercase();
    if wanted.is_empty() || wanted.len() > LENGTH_MAX {
        return Vec::new();
    }
    let likeness = |known: &str| {
        let known = known.to_lowercase();
        let holds = !known.is_empty() && (known.contains(&wanted) || wanted.contains(&known));
        strsim::jaro_winkler(&known, &wanted) + if holds { 1.0 } else { 0.0 }
    };
    let known = known.into_iter().filter(|known| known.len() <= LENGTH_MAX);
    let mut alike: Vec<(f64, &str)> =
        known.map(|known| (likeness(known), known)).filter(|(likeness, _)| *likeness >= ALIKE).collect();
    alike.sort_by(|(a, a_name), (b, b_name)| b.total_cmp(a).then_with(|| a_name.cmp(b_name)));
    alike.into_iter().take(most).map(|(_, name)| name).collect()
}

/// The end of a sentence that offers such names, if there are any; `what` they are.
#[must_use]
pub fn offer(what: &str, names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; the nearest{what}: {}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_most_alike_comes_first() {
        let known = ["claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5", "gpt-5", ""];
        assert_eq!(nearest("Opus", known, 3), ["claude-opus-4-5"]);
        assert_eq!(nearest("claude-sonet-4-5", known, 1), ["claude-sonnet-4-5"]);
        assert_eq!(nearest("claude-sonet-4-5", known, 9).len(), 3, "gpt-5 is not alike");
        assert_eq!(nearest("zzzz", known, 3), [""; 0]);
        for wanted in ["", "  ", &"x".repeat(10_000)] {
            assert_eq!(nearest(wanted, known, 3), [""; 0]);
        }
        let long = "y".repeat(10_000);
        assert_eq!(nearest("yyyy", ["yyyx", long.as_str()], 3), ["yyyx"]);
    }
}
