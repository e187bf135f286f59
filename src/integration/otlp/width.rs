//! How many parts an export has, counted before it is read.
//!
//! An empty message is two bytes as it comes and hundreds when it has been read: four megabytes of them would fill the memory of
//! a small machine. So the parts are counted first, without recursion and with no allocation but one for each level, as they
//! stand in the protocol: <https://github.com/open-telemetry/opentelemetry-proto>. Whether the bytes are an export at all is the
//! reader's matter: what cannot be counted is left to it.

use super::Signal;

/// Exporters send some hundred records at a time, or some thousand points, each with ten attributes of four parts.
const PARTS_MAX: usize = 500_000;
/// The same in JSON, where an attribute is two objects.
const OBJECTS_MAX: usize = 250_000;
/// The reader takes no more levels (`prost`).
const LEVELS_MAX: usize = 100;

/// What a message is, as far as there are messages within it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Request(Signal),
    OfResource(Signal),
    OfScope(Signal),
    Item(Signal),
    Resource,
    Scope,
    KeyValue,
    AnyValue,
    Array,
    KeyValues,
    Data,
    Point,
    Exemplar,
    Event,
    Link,
    /// A text, or what the protocol does not have.
    Other,
}

/// What a field of a message holds.
fn inner(kind: Kind, field: u64) -> Kind {
    match (kind, field) {
        (Kind::Request(signal), 1) => Kind::OfResource(signal),
        (Kind::OfResource(_), 1) => Kind::Resource,
        (Kind::OfResource(signal), 2) => Kind::OfScope(signal),
        (Kind::OfScope(_), 1) => Kind::Scope,
        (Kind::OfScope(signal), 2) => Kind::Item(signal),
        (Kind::Item(Signal::Logs), 5) | (Kind::KeyValue, 2) | (Kind::Array, 1) => Kind::AnyValue,
        (Kind::Item(Signal::Metrics), 5 | 7 | 9 | 10 | 11) => Kind::Data,
        (Kind::Item(Signal::Traces), 11) => Kind::Event,
        (Kind::Item(Signal::Traces), 13) => Kind::Link,
        (Kind::Item(Signal::Logs), 6)
        | (Kind::Item(Signal::Metrics), 12)
        | (Kind::Item(Signal::Traces), 9)
        | (Kind::Resource | Kind::KeyValues, 1)
        | (Kind::Scope | Kind::Event, 3)
        | (Kind::Link, 4)
        | (Kind::Point, 1 | 7 | 9)
        | (Kind::Exemplar, 7) => Kind::KeyValue,
        (Kind::AnyValue, 5) => Kind::Array,
        (Kind::AnyValue, 6) => Kind::KeyValues,
        (Kind::Data, 1) => Kind::Point,
        // Numbers' points have their exemplars at 5, histograms' at 8 and 11; what else stands there has no such fields.
        (Kind::Point, 5 | 8 | 11) => Kind::Exemplar,
        // Buckets of an exponential histogram and quantiles of a summary have no messages within.
        _ => Kind::Other,
    }
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut number = 0;
    for place in 0..10 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Whether protobuf has more parts than an export may have.
pub(super) fn is_too_wide(signal: Signal, bytes: &[u8]) -> bool {
    // A part is two bytes at least.
    bytes.len() / 2 > PARTS_MAX && parts(signal, bytes).is_none_or(|parts| parts > PARTS_MAX)
}

/// How many fields with a length there are, or more than may be; none where the levels are more than may be.
fn parts(signal: Signal, bytes: &[u8]) -> Option<usize> {
    let mut open = vec![(Kind::Request(signal), bytes.len())];
    let (mut at, mut parts) = (0, 0_usize);
    while let Some((kind, end)) = open.last().copied() {
        if at >= end {
            open.pop();
            continue;
        }
        let Some(tag) = varint(bytes, &mut at) else { break };
        match tag & 7 {
            0 => drop(varint(bytes, &mut at)),
            1 => at += 8,
            5 => at += 4,
            2 => {
                parts += 1;
                let Some(length) = varint(bytes, &mut at) else { break };
                let Some(to) = usize::try_from(length).ok().and_then(|length| at.checked_add(length)) else {
                    break;
                };
                if to > end || parts > PARTS_MAX {
                    break;
                }
                match inner(kind, tag >> 3) {
                    Kind::Other => at = to,
                    inner => open.push((inner, to)),
                }
                if open.len() > LEVELS_MAX {
                    return None;
                }
            }
            // A group's fields are passed over one by one, and belong to nothing.
            _ => {}
        }
    }
    Some(parts)
}

/// Whether JSON has more objects than an export may have.
pub(super) fn is_too_wide_json(text: &[u8]) -> bool {
    // Where there are not that many braces at all, texts need not be told from the rest.
    if memchr::memchr_iter(b'{', text).nth(OBJECTS_MAX).is_none() {
        return false;
    }
    let (mut objects, mut in_text, mut at) = (0_usize, false, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'{' if !in_text => objects += 1,
            _ => {}
        }
        at += 1;
    }
    objects > OBJECTS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, inner: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2];
        prost::encoding::encode_varint(inner.len() as u64, &mut bytes);
        [bytes, inner.to_vec()].concat()
    }

    #[test]
    fn parts_are_counted_wherever_messages_are() {
        let empty = |count: usize| [0x0a, 0x00].repeat(count);
        let many = PARTS_MAX + 1;
        let at = |path: &[u8], inner: Vec<u8>| path.iter().rev().fold(inner, |inner, n| field(*n, &inner));
        for (signal, path) in [
            (Signal::Logs, &[][..]),
            (Signal::Logs, &[1, 1]),
            (Signal::Logs, &[1, 2, 2, 5, 5]),
            (Signal::Metrics, &[1, 2, 2, 7]),
            (Signal::Metrics, &[1, 2, 2, 9]),
            (Signal::Traces, &[1, 1]),
        ] {
            assert!(is_too_wide(signal, &at(path, empty(many))), "{path:?}");
            assert!(!is_too_wide(signal, &at(path, empty(1_000))), "{path:?}");
        }
        // A long text is one part, whatever stands in it.
        assert!(!is_too_wide(Signal::Logs, &at(&[1, 2, 2, 5, 1], empty(many))));
        assert!(is_too_wide(Signal::Logs, &[vec![0x0b, 0x0c], empty(many)].concat()), "behind a group");
        let json = format!("[{}]", "{},".repeat(OBJECTS_MAX + 1));
        assert!(is_too_wide_json(json.as_bytes()));
        assert!(!is_too_wide_json(format!("{{\"a\":\"{json}\"}}").as_bytes()));
    }
}
