//! How deeply input may be nested: one limit, held before every parser that recurses.
//!
//! A parser that calls itself for each level needs stack for each level, and whoever writes the input chooses how many there
//! are. A stack that is full aborts the process; no supervisor sees it. So text from outside is looked over first, byte by
//! byte, without recursion and without allocation.
//!
//! Who needs it: sonic-rs passes over values that nobody asked for without a limit (cloudwego/sonic-rs#232). `serde_json`
//! (128), `toml` (80) and `prost` (100) have limits of their own, on which `depth::tests` and the fuzz targets rest.

/// No document of any system that is read here comes near this; it is the limit of `serde_json` too.
pub const DEPTH_MAX: usize = 128;

/// The input is nested deeper than [`DEPTH_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nested deeper than {DEPTH_MAX} levels")]
pub struct TooDeep;

/// Looks over JSON, whole or broken. Linear in its length.
///
/// # Errors
/// [`TooDeep`].
pub fn json(text: &[u8]) -> Result<(), TooDeep> {
    // Where there are not that many brackets at all, which is nearly always, strings need not be told from the rest.
    if memchr::memchr2_iter(b'{', b'[', text).nth(DEPTH_MAX).is_none() {
        return Ok(());
    }
    let (mut depth, mut in_string, mut at) = (0_usize, false, 0);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(TooDeep);
                }
            }
            // Broken text may close more than it opened.
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    Ok(())
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
