//! The nesting depth of input: one limit, checked before every recursive parser.
//!
//! A recursive parser needs stack for each level, and the author of the input chooses the number of levels. A
//! stack overflow aborts the process, which no supervisor can handle. So foreign text is scanned first, byte
//! by byte, without recursion and without allocation.
//!
//! Which parsers need it: sonic-rs skips unrequested values without a limit (cloudwego/sonic-rs#232).
//! `serde_json` (128), `toml` (80) and `prost` (100) have limits of their own, which `depth::tests` and the
//! fuzz targets rely on.

use std::borrow::Cow;

/// No document that is read here comes near this; it is also the limit of `serde_json`.
pub const DEPTH_MAX: usize = 128;

/// The input is nested deeper than [`DEPTH_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nested deeper than {DEPTH_MAX} levels")]
pub struct TooDeep;

/// The deepest level that any reader uses, with a wide margin. Deeper values are removed before a parser has
/// to skip them: sonic-rs uses some ten to thirty kilobytes of stack per level, so a thread's two megabytes
/// do not suffice for 128.
const LOOKED_INTO: usize = 24;

/// The start or end of a level.
enum Step {
    Down,
    Up,
}

/// Calls `each` for every bracket outside of a string. Linear for any text.
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

/// Checks JSON, valid or not. Linear in its length.
///
/// # Errors
/// [`TooDeep`].
pub fn json(text: &[u8]) -> Result<(), TooDeep> {
    deepest(text, DEPTH_MAX).map(drop)
}

/// The depth of JSON, if it can exceed `least`; else `least`.
fn deepest(text: &[u8], least: usize) -> Result<usize, TooDeep> {
    // Without that many brackets at all, which is nearly always so, strings need not be distinguished.
    if memchr::memchr2_iter(b'{', b'[', text).nth(least).is_none() {
        return Ok(least);
    }
    let (mut depth, mut deepest) = (0_usize, least);
    steps(text, |_, step| {
        match step {
            Step::Down => depth += 1,
            // Broken text may close more levels than it opened.
            Step::Up => depth = depth.saturating_sub(1),
        }
        deepest = deepest.max(depth);
        if depth > DEPTH_MAX { Err(TooDeep) } else { Ok(()) }
    })?;
    Ok(deepest)
}

/// JSON, valid or not, with deeper values replaced by null. Linear in its length; copies only if something is
/// too deep.
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
                    // After a value that is never closed nothing follows.
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

/// Checks YAML against an upper bound of its depth: quotes and comments are not distinguished. Levels come
/// from brackets, from markers that open a level within a line (`- - - x`, `? ? x`), and from indentation.
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
