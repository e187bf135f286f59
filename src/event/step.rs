//! A step whose span is told of when the answer that rests on it is on its way.
//!
//! A span that is opened and closed before an answer makes whoever waits for it wait longer. A step under which nothing
//! else is done, such as an append or a projection, needs no span while it lasts: when it began and ended is noted, and
//! the rest is told afterwards, on the thread that did it, to the global tracer of OpenTelemetry's API: to nobody, where the
//! program installs none.

use std::sync::LazyLock;
use std::time::SystemTime;

use opentelemetry::global::{BoxedSpan, BoxedTracer};
use opentelemetry::trace::{Span as _, SpanBuilder, SpanContext, TraceContextExt, Tracer};
use opentelemetry::{Context, Key, KeyValue, Value};

use super::TraceContext;

/// Made at the first step, so the program must have installed its provider before.
static TRACER: LazyLock<BoxedTracer> = LazyLock::new(|| opentelemetry::global::tracer("mecris"));

/// A step that lasts.
#[derive(Debug)]
pub struct Step(SystemTime);

/// A step that is over.
#[derive(Debug)]
pub struct Ended {
    from: SystemTime,
    to: SystemTime,
}

/// What is told of a step.
#[derive(Debug)]
pub struct Told(BoxedSpan);

impl Step {
    /// Begins one.
    #[must_use]
    pub fn begin() -> Self {
        Self(SystemTime::now())
    }

    /// It is over.
    #[must_use]
    pub fn end(self) -> Ended {
        Ended { from: self.0, to: SystemTime::now() }
    }
}

impl Ended {
    /// Tells of it as a span: the child of `parent`, or a trace of its own. Where nobody listens, and where the sampler
    /// leaves it out, nothing is asked of `describe`.
    pub fn tell(self, name: &'static str, parent: Option<TraceContext>, describe: impl FnOnce(&mut Told)) {
        self.tell_to(&TRACER, name, parent, describe);
    }

    fn tell_to(
        self,
        tracer: &BoxedTracer,
        name: &'static str,
        parent: Option<TraceContext>,
        describe: impl FnOnce(&mut Told),
    ) {
        let context = Context::new();
        let context = match &parent {
            Some(parent) => context.with_remote_span_context(parent.into()),
            None => context,
        };
        let builder = SpanBuilder::from_name(name).with_start_time(self.from);
        let mut told = Told(tracer.build_with_context(builder, &context));
        if told.0.is_recording() {
            describe(&mut told);
            told.0.end_with_timestamp(self.to);
        }
    }
}

impl Told {
    /// What it was about.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.set_attribute(KeyValue::new(Key::from_static_str(name), value));
    }

    /// How much or how many; attributes have a sign.
    pub fn count(&mut self, name: &'static str, number: u64) {
        self.set(name, i64::try_from(number).unwrap_or(i64::MAX));
    }

    /// Links it to where an event was decided.
    pub fn link(&mut self, trace: &TraceContext) {
        self.0.add_link(SpanContext::from(trace), Vec::new());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use opentelemetry::trace::{SpanId, TraceId, TracerProvider};
    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};

    use super::*;

    const PARENT: TraceContext = TraceContext { trace_id: [1; 16], span_id: [2; 8], flags: 1 };
    const OTHER: TraceContext = TraceContext { trace_id: [3; 16], span_id: [4; 8], flags: 1 };

    #[derive(Debug, Clone, Default)]
    struct Kept(Arc<Mutex<Vec<SpanData>>>);

    impl SpanExporter for Kept {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            self.0.lock().unwrap().extend(batch);
            Ok(())
        }
    }

    /// A tracer, and what it is told.
    fn tracer(sampler: Sampler) -> (BoxedTracer, Kept) {
        let kept = Kept::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone());
        let provider = provider.with_sampler(Sampler::ParentBased(Box::new(sampler))).build();
        (BoxedTracer::new(Box::new(provider.tracer("test"))), kept)
    }

    #[test]
    fn a_step_is_told_of_with_the_times_that_it_had() {
        let (tracer, kept) = tracer(Sampler::AlwaysOn);
        let from = SystemTime::UNIX_EPOCH + Duration::from_secs(5);
        let to = from + Duration::from_micros(7);
        Ended { from, to }.tell_to(&tracer, "log.append", Some(PARENT), |told| {
            told.count("mecris.event.position", 7);
            told.link(&OTHER);
        });
        let spans = kept.0.lock().unwrap();
        let [span] = spans.as_slice() else { panic!("{spans:?}") };
        assert_eq!((span.start_time, span.end_time), (from, to));
        assert_eq!(span.span_context.trace_id(), TraceId::from_bytes([1; 16]));
        assert_eq!(span.parent_span_id, SpanId::from_bytes([2; 8]));
        assert_eq!(span.attributes, [KeyValue::new("mecris.event.position", 7)]);
        assert_eq!(span.links.links[0].span_context.trace_id(), TraceId::from_bytes([3; 16]));
    }

    #[test]
    fn what_the_sampler_leaves_out_is_not_even_described() {
        let (tracer, kept) = tracer(Sampler::AlwaysOff);
        let step = || Step::begin().end();
        let unsampled = TraceContext { flags: 0, ..PARENT };
        for parent in [None, Some(unsampled)] {
            step().tell_to(&tracer, "projection", parent, |_| panic!("nobody asked"));
        }
        assert!(kept.0.lock().unwrap().is_empty());
        // A parent that is recorded decides for its children.
        step().tell_to(&tracer, "projection", Some(PARENT), |_| {});
        assert_eq!(kept.0.lock().unwrap().len(), 1);
    }

    #[test]
    fn nobody_is_told_where_nothing_is_exported() {
        Step::begin().end().tell("log.append", None, |_| panic!("nobody asked"));
    }
}
