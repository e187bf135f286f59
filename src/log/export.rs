//! Export: the log as JSON lines, one object per event, for other tools; and parsing them.

use std::io::{self, BufRead, Read, Write};
use std::ops::ControlFlow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::code::{Code, Coded};
use crate::domain::shown;
use crate::event::{Position, RecordRef, TenantId, TraceContext};

use super::{EventLog, LogError, Progress};

/// Maximum length of a line when reading, in bytes; a record's payload in any readable form is far shorter.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The output could not be written.
    #[error("the export cannot be written: {0}; check where it goes")]
    Write(#[from] io::Error),
}

impl Coded for ExportError {
    fn code(&self) -> Code {
        match self {
            Self::Log(error) => error.code(),
            Self::Write(_) => Code::Internal,
        }
    }
}

/// Why a line of an export cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// It is longer than [`LINE_BYTES_MAX`].
    #[error("line {line} is longer than {LINE_BYTES_MAX} bytes; it is not of a mecris export")]
    TooLong {
        /// From 1.
        line: u64,
    },
    /// It is not a line that an export writes.
    #[error("line {line} is not an exported event: {detail}")]
    Malformed {
        /// From 1.
        line: u64,
        /// What is wrong.
        detail: String,
    },
    /// The input could not be read.
    #[error("the export cannot be read: {0}; check the file")]
    Read(#[from] io::Error),
}

/// A line of an export. Ids are 32 hexadecimal digits, instants RFC 3339, the trace a `traceparent`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedEvent {
    /// See [`RecordRef`] for this and the others.
    pub position: u64,
    #[allow(missing_docs)]
    pub tenant: String,
    #[allow(missing_docs)]
    pub stream: String,
    #[allow(missing_docs)]
    pub version: u64,
    #[allow(missing_docs)]
    pub id: String,
    #[allow(missing_docs)]
    #[serde(rename = "type")]
    pub type_name: String,
    #[allow(missing_docs)]
    pub schema_version: u16,
    #[allow(missing_docs)]
    pub occurred_at: Timestamp,
    #[allow(missing_docs)]
    pub recorded_at: Timestamp,
    #[allow(missing_docs)]
    pub actor: String,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<String>,
    #[allow(missing_docs)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<String>,
    /// W3C `traceparent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// The key that the payload is sealed with; 0 is plain.
    #[serde(default)]
    pub key_id: u32,
    /// The payload in a readable form.
    pub payload: Value,
}

fn traceparent(trace: &TraceContext) -> String {
    let mut text = String::from("00-");
    for (part, end) in [(&trace.trace_id[..], "-"), (&trace.span_id, "-"), (&[trace.flags], "")] {
        text.extend(
            part.iter()
                .flat_map(|byte| [byte >> 4, byte & 15])
                .filter_map(|digit| char::from_digit(u32::from(digit), 16)),
        );
        text.push_str(end);
    }
    text
}

impl ExportedEvent {
    /// The line of a record, with its payload in readable form.
    #[must_use]
    pub fn of(record: &RecordRef<'_>, payload: Value) -> Self {
        Self {
            position: record.position.0,
            tenant: record.tenant.to_owned(),
            stream: record.stream.to_owned(),
            version: record.version.0,
            id: record.id.to_string(),
            type_name: record.type_name.to_owned(),
            schema_version: record.schema_version,
            occurred_at: record.occurred_at,
            recorded_at: record.recorded_at,
            actor: record.actor.to_owned(),
            correlation: record.correlation.map(|id| id.to_string()),
            causation: record.causation.map(|id| id.to_string()),
            trace: record.trace.as_ref().map(traceparent),
            key_id: record.key_id,
            payload,
        }
    }
}

impl ExportedEvent {
    /// The line, without its line feed. An export may go to a terminal: control characters are escaped.
    ///
    /// # Panics
    ///
    /// Never: every field has a JSON form.
    #[must_use]
    pub fn to_line(&self) -> String {
        let line = serde_json::to_string(self).expect("text, numbers and JSON values have a JSON form");
        shown::json(&line).into_owned()
    }
}

/// Writes at most `limit` of a tenant's events from a position on to `out`, one JSON object per line. Returns
/// their number. `payload` converts a payload to JSON: the log does not know what an event means.
///
/// # Errors
/// [`ExportError`]; the lines written before it are complete.
pub fn export(
    log: &dyn EventLog,
    tenant: &TenantId,
    (from, limit): (Position, u64),
    out: &mut dyn Write,
    payload: &dyn Fn(&RecordRef<'_>) -> Value,
    progress: &mut Progress<'_>,
) -> Result<u64, ExportError> {
    let last = log.head()?.position;
    let total = (last.0 + 1).saturating_sub(from.0.max(1)).min(limit);
    let (mut written, mut failed) = (0, None);
    log.scan(from, last, &mut |record| {
        if record.tenant != tenant.as_str() {
            return ControlFlow::Continue(());
        }
        if written == limit {
            return ControlFlow::Break(());
        }
        let mut line = ExportedEvent::of(record, payload(record)).to_line();
        line.push('\n');
        if let Err(error) = out.write_all(line.as_bytes()) {
            failed = Some(error);
            return ControlFlow::Break(());
        }
        written += 1;
        if written % 1024 == 0 {
            progress(written, total);
        }
        ControlFlow::Continue(())
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    out.flush()?;
    progress(total, total);
    Ok(written)
}

/// Reads an export line by line, in bounded memory for any input.
#[derive(Debug)]
pub struct ExportReader<R> {
    input: R,
    line: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> ExportReader<R> {
    /// A reader of `input`.
    #[must_use]
    pub fn new(input: R) -> Self {
        Self { input, line: 0, buffer: Vec::new() }
    }

    fn read_line(&mut self) -> Result<Option<ExportedEvent>, LineError> {
        self.buffer.clear();
        self.line += 1;
        let line = self.line;
        let mut limited = (&mut self.input).take(LINE_BYTES_MAX as u64 + 1);
        if limited.read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(None);
        }
        if self.buffer.len() > LINE_BYTES_MAX {
            return Err(LineError::TooLong { line });
        }
        let event = serde_json::from_slice(&self.buffer);
        event.map(Some).map_err(|error| LineError::Malformed { line, detail: error.to_string() })
    }
}

impl<R: BufRead> Iterator for ExportReader<R> {
    type Item = Result<ExportedEvent, LineError>;

    /// After an error the caller decides; the next call reads the next line.
    fn next(&mut self) -> Option<Self::Item> {
        self.read_line().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventId, Metadata};
    use crate::log::conformance::append;
    use crate::log::{Expected, MemoryLog};

    fn exported() -> (MemoryLog, Vec<u8>) {
        let log = MemoryLog::new();
        let mut sent = append("a", Expected::Any, 1..=5);
        sent.events[0].metadata = Metadata {
            correlation: Some(EventId([1; 16])),
            trace: Some(TraceContext { trace_id: [0xAB; 16], span_id: [0xCD; 8], flags: 1 }),
            ..Metadata::default()
        };
        log.append(sent).wait().unwrap();
        let mut out = Vec::new();
        let payload = |record: &RecordRef<'_>| Value::from(record.payload[0]);
        let count =
            export(&log, &TenantId::local(), (Position(1), u64::MAX), &mut out, &payload, &mut |_, _| {});
        assert_eq!(count.unwrap(), 5);
        (log, out)
    }

    #[test]
    fn what_is_exported_reads_back() {
        let (log, out) = exported();
        let read: Vec<_> = ExportReader::new(out.as_slice()).map(Result::unwrap).collect();
        let mut expected = Vec::new();
        log.scan(Position(1), Position(9), &mut |record| {
            expected.push(ExportedEvent::of(record, Value::from(record.payload[0])));
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(read, expected);
        let trace = format!("00-{}-{}-01", "ab".repeat(16), "cd".repeat(8));
        assert_eq!(read[0].trace.as_deref(), Some(trace.as_str()));
    }

    #[test]
    fn a_line_is_one_object_with_the_fields_that_the_format_promises() {
        let (_, out) = exported();
        let line = out.split(|byte| *byte == b'\n').nth(1).unwrap();
        let value: Value = serde_json::from_slice(line).unwrap();
        let keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = [
            "position",
            "tenant",
            "stream",
            "version",
            "id",
            "type",
            "schema_version",
            "occurred_at",
            "recorded_at",
            "actor",
            "key_id",
            "payload",
        ];
        assert_eq!(keys, expected);
    }

    #[test]
    fn bad_lines_are_named_and_long_ones_refused() {
        let (_, mut out) = exported();
        out.splice(0..1, b"x".iter().copied());
        let mut reader = ExportReader::new(out.as_slice());
        assert!(matches!(reader.next(), Some(Err(LineError::Malformed { line: 1, .. }))));
        assert!(matches!(reader.next(), Some(Ok(event)) if event.position == 2));
        let mut endless = ExportReader::new(io::BufReader::new(io::repeat(b'x')));
        assert!(matches!(endless.next(), Some(Err(LineError::TooLong { line: 1 }))));
    }
}
