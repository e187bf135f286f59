//! The format of access tokens.
//!
//! `mcr_agt_` + 30 base-62 characters (178 bits) + 6 characters of a checksum over everything before them.
//! The prefix lets scanners find leaked tokens, and the checksum lets them recognize one offline; it is not a
//! security measure. The format is GitHub's ("Behind GitHub's new authentication token formats", 2021-04-05).
//! Only the hash is stored: a token has enough entropy to need no slow hash (OWASP ASVS 5.0, 6.5.2 and
//! appendix C).

use super::Kind;

/// Number of random characters.
const RANDOM: usize = 30;
/// Number of checksum characters.
const CHECK: usize = 6;
/// Random bytes per token: more than its characters hold, so that no character is favoured noticeably.
pub const SEED_BYTES: usize = 32;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Why a text is not a token. The text itself is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The format is wrong.
    #[error("this is not a token of Mecris; one looks like mcr_agt_ and 36 letters and digits")]
    Form,
    /// The checksum is wrong.
    #[error("this token is not whole, or has a slip of the hand in it; copy it again")]
    Check,
}

fn mark(kind: Kind) -> &'static str {
    match kind {
        Kind::Owner => "own",
        Kind::Member => "mem",
        Kind::Ingest => "ing",
        Kind::Agent => "agt",
        Kind::Auditor => "aud",
    }
}

/// Builds a token from random bytes.
#[must_use]
pub fn make(kind: Kind, seed: &[u8; SEED_BYTES]) -> String {
    // The seed is a 256-bit number, written in base 62 by long division; 30 digits use 178 bits of it.
    let mut number = *seed;
    let mut token = format!("mcr_{}_", mark(kind));
    for _ in 0..RANDOM {
        let mut rest = 0_u32;
        for byte in &mut number {
            let value = rest << 8 | u32::from(*byte);
            *byte = (value / 62) as u8;
            rest = value % 62;
        }
        token.push(char::from(DIGITS[rest as usize]));
    }
    let check = check(&token);
    token + &check
}

/// The kind of a token, if its checksum is right.
///
/// # Errors
/// [`TokenError`].
pub fn parse(token: &str) -> Result<Kind, TokenError> {
    let kind = token.strip_prefix("mcr_").and_then(|rest| rest.split_once('_'));
    let (kind, body) = kind.ok_or(TokenError::Form)?;
    let kind = Kind::ALL.into_iter().find(|known| mark(*known) == kind).ok_or(TokenError::Form)?;
    if body.len() != RANDOM + CHECK || !body.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(TokenError::Form);
    }
    let (whole, given) = token.split_at(token.len() - CHECK);
    if check(whole) == given { Ok(kind) } else { Err(TokenError::Check) }
}

/// The checksum, CRC-32C in base 62.
fn check(text: &str) -> String {
    let mut number = crc32c::crc32c(text.as_bytes());
    let mut digits = [b'0'; CHECK];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_read_and_a_slip_is_found() {
        for (n, kind) in Kind::ALL.into_iter().enumerate() {
            let token = make(kind, &[n as u8 * 37 + 1; SEED_BYTES]);
            assert_eq!(token.len(), 8 + RANDOM + CHECK);
            assert_eq!(parse(&token), Ok(kind));
            for at in 8..token.len() {
                let mut other = token.clone().into_bytes();
                other[at] = if other[at] == b'x' { b'y' } else { b'x' };
                assert_eq!(parse(std::str::from_utf8(&other).unwrap()), Err(TokenError::Check), "{at}");
            }
            let upgraded = token.replacen(mark(kind), if kind == Kind::Owner { "agt" } else { "own" }, 1);
            assert_eq!(parse(&upgraded), Err(TokenError::Check), "the kind is under the checksum");
            assert_eq!(parse(&token[..token.len() - 1]), Err(TokenError::Form));
        }
        for text in ["", "mcr_", "mcr_own_", "mcr_xxx_0", &"a".repeat(64), "mcr_own_é", "Bearer"] {
            assert_eq!(parse(text), Err(TokenError::Form), "{text}");
        }
    }

    #[test]
    fn other_bytes_make_another_token() {
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..=255_u8 {
            let mut seed = [0; SEED_BYTES];
            seed[usize::from(n) % SEED_BYTES] = n;
            seen.insert(make(Kind::Agent, &seed));
        }
        // Of n = 0 there is one; the highest bits of a seed do not all fit into a token.
        assert!(seen.len() > 200, "{}", seen.len());
    }
}
