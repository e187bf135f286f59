//! How deeply input may be nested: one limit, held before every parser that recurses.
//!
//! A parser that calls itself for each level needs stack for each level, and whoever writes the input chooses how many there
//! are. A stack that is full aborts the process; no supervisor sees it. So text from outside is looked over first, byte by
//! byte, without recursion and without allocation.
//!
//! Who needs it: sonic-rs passes over values that nobody asked for without a limit (cloudwego/sonic-rs#232). `serde_json`
//! (128), `toml` (80) and `prost` (100) have limits of their own, on which `depth::tests` and the fuzz targets rest.

use std::borrow::Cow;

/// No document of any system that is read here comes near this; it is the limit of `serde_json` too.
pub const DEPTH_MAX: usize = 128;

/// The input is nested deeper than [`DEPTH_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nested deeper than {DEPTH_MAX} levels")]
pub struct TooDeep;

/// No reader looks deeper into a document than this, by far. What lies deeper is cut out before a parser that has to pass over
/// it: sonic-rs takes some ten to thirty kilobytes of stack for each level, so that a thread's two megabytes do not hold 128.
const LOOKED_INTO: usize = 24;

/// A level begins or ends.
enum Step {
    Down,
    Up,
}

/// Calls `each` at every bracket that is not within a text. Linear, whatever the text is.
fn steps<E>(text: &[u8], mut each: impl FnMut(usize, Step) -> Result<(), E>) -> Result<(), E> {
    let (mut in_string, mut at) = (false, 0);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => each(at, Step::Down)?,
            b'}' | b']' if !in_string => each(at, Step::Up)?,
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// Looks over JSON, whole or broken. Linear in its length.
///
/// # Errors
/// [`TooDeep`].
pub fn json(text: &[u8]) -> Result<(), TooDeep> {
    deepest(text, DEPTH_MAX).map(drop)
}

/// How many levels JSON has, where that can be more than `least`; else `least`.
fn deepest(text: &[u8], least: usize) -> Result<usize, TooDeep> {
    // Where there are not that many brackets at all, which is nearly always, strings need not be told from the rest.
    if memchr::memchr2_iter(b'{', b'[', text).nth(least).is_none() {
        return Ok(least);
    }
    let (mut depth, mut deepest) = (0_usize, least);
    steps(text, |_, step| {
        match step {
            Step::Down => depth += 1,
            // Broken text may close more than it opened.
            Step::Up => depth = depth.saturating_sub(1),
        }
        deepest = deepest.max(depth);
        if depth > DEPTH_MAX { Err(TooDeep) } else { Ok(()) }
    })?;
    Ok(deepest)
}

/// JSON, whole or broken, as far down as anybody looks: a value that lies deeper is null. Linear in its length; nothing is
/// copied where nothing lies deeper, which is nearly always.
///
/// # Errors
/// [`TooDeep`].
pub fn shallow(text: &[u8]) -> Result<Cow<'_, [u8]>, TooDeep> {
    if deepest(text, LOOKED_INTO)? <= LOOKED_INTO {
        return Ok(Cow::Borrowed(text));
    }
    let (mut depth, mut kept, mut from) = (0_usize, Vec::with_capacity(text.len()), 0);
    steps(text, |at, step| {
        match step {
            Step::Down => {
                depth += 1;
                if depth == LOOKED_INTO + 1 {
                    kept.extend_from_slice(&text[from..at]);
                    kept.extend_from_slice(b"null");
                    // What is never closed has nothing behind it.
                    from = text.len();
                }
            }
            Step::Up => {
                if depth == LOOKED_INTO + 1 {
                    from = at + 1;
                }
                depth = depth.saturating_sub(1);
            }
        }
        Ok::<_, TooDeep>(())
    })?;
    kept.extend_from_slice(&text[from..]);
    Ok(Cow::Owned(kept))
}

/// Looks over YAML: a bound from above, for quotes and comments are not told from the rest. Levels come from brackets, from
/// the marks that begin a level within a line (`- - - x`, `? ? x`), and from the columns that a line is indented by.
///
/// # Errors
/// [`TooDeep`].
pub fn yaml(text: &str) -> Result<(), TooDeep> {
    let mut flow = 0_usize;
    for line in text.lines() {
        let inner = line.trim_start_matches(' ');
        let marks = inner.split([' ', '\t']).take_while(|part| matches!(*part, "-" | "?" | ":" | "")).count();
        let mut deepest = flow;
        for byte in inner.bytes() {
            match byte {
                b'{' | b'[' => flow += 1,
                b'}' | b']' => flow = flow.saturating_sub(1),
                _ => {}
            }
            deepest = deepest.max(flow);
        }
        // Each level of a block needs a column of its own.
        if deepest + marks + (line.len() - inner.len()) > DEPTH_MAX {
            return Err(TooDeep);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
