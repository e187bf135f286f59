//! W3C trace context: taken from requests, stored in events, and linked back to.
//!
//! It is taken from HTTP requests and from MCP's `_meta`, so that an agent's trace continues in Mecris's. It
//! is sent to no outside system: those have no use for a person's trace ids, and could use them to correlate
//! requests.

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::event::TraceContext;

struct Carrier<'a, F: Fn(&str) -> Option<&'a str>>(F);

impl<'a, F: Fn(&str) -> Option<&'a str>> Extractor for Carrier<'a, F> {
    fn get(&self, key: &str) -> Option<&str> {
        (self.0)(key)
    }

    fn keys(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// Makes a span a child of the context in the headers `traceparent` and `tracestate`; it has no parent if
/// they are absent or invalid.
pub fn follow<'a>(span: &Span, carries: impl Fn(&str) -> Option<&'a str>) {
    // Most requests have none.
    if carries("traceparent").is_none() {
        return;
    }
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &Carrier(carries));
    if parent.span().span_context().is_valid() {
        // A span that is not recorded has no parent.
        let _ = span.set_parent(parent);
    }
}

/// Whether a span is recorded: links of other spans need not be looked up.
#[must_use]
pub fn is_recorded(span: &Span) -> bool {
    !span.is_disabled() && span.context().span().span_context().is_sampled()
}

/// Links a span to the span in which an event was decided.
pub fn link(span: &Span, trace: Option<TraceContext>) {
    if let Some(trace) = trace {
        span.add_link(SpanContext::from(&trace));
    }
}

/// The W3C context of the current span, for the envelope; none if it is not traced.
#[must_use]
pub fn current_trace() -> Option<TraceContext> {
    let context = Span::current().context();
    let span = context.span();
    let span_context = span.span_context();
    span_context.is_valid().then(|| TraceContext {
        trace_id: span_context.trace_id().to_bytes(),
        span_id: span_context.span_id().to_bytes(),
        flags: span_context.trace_flags().to_u8(),
    })
}
