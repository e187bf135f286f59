//! The sender's span goes with the message.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Instrument, Subscriber};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use super::stage::*;
use crate::actor::*;

#[derive(Debug, Clone, Default)]
struct Seen {
    name: &'static str,
    parent: Option<u64>,
    fields: HashMap<&'static str, String>,
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

/// Every span that was opened, in order.
#[derive(Clone, Default)]
struct Watcher(Arc<Mutex<Vec<(u64, Seen)>>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Watcher {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: LayerContext<'_, S>) {
        let parent = context.span(id).and_then(|span| span.parent().map(|parent| parent.id().into_u64()));
        let mut seen = Seen { name: attributes.metadata().name(), parent, fields: HashMap::new() };
        attributes.record(&mut seen);
        self.0.lock().unwrap().push((id.into_u64(), seen));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: LayerContext<'_, S>) {
        let mut all = self.0.lock().unwrap();
        let seen = all.iter_mut().rev().find(|(known, _)| *known == id.into_u64()).unwrap();
        values.record(&mut seen.1);
    }
}

/// Records its message in a span of its own, and panics at the word "panic".
struct Speaker;

impl Behaviour for Speaker {
    type Message = (&'static str, Option<Reply<()>>);

    async fn handle(&mut self, message: Self::Message, _: &Context<Self>) -> Result<(), ActorError> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let _entered = tracing::info_span!("inner").entered();
        if message.0 == "panic" {
            quiet_panic();
        }
        if let Some(reply) = message.1 {
            reply.send(());
        }
        Ok(())
    }

    fn label(_: &Self::Message) -> &'static str {
        "speak"
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_handled_below_its_sender_s_span_and_its_wait_is_told_apart() {
    let watcher = Watcher::default();
    let level = tracing_subscriber::filter::LevelFilter::INFO;
    let _guard = tracing::subscriber::set_default(
        tracing_subscriber::registry().with(watcher.clone().with_filter(level)),
    );
    let mut stage = Stage::new(Strategy::OneForOne);
    let speaker = stage.root.add("speaker", ChildSpec::default(), || Speaker);
    stage
        .play(async || {
            let say = |word| {
                let asked = speaker.ask(move |reply| (word, Some(reply)), PATIENCE);
                asked.instrument(tracing::info_span!("request", word))
            };
            let (first, second, third) =
                futures_util::future::join3(say("one"), say("panic"), say("two")).await;
            assert_eq!((first, second, third), (Ok(()), Err(AskError::UnknownOutcome), Ok(())));
            speaker.try_tell(("no span leads to this", None)).unwrap();
        })
        .await;
    let all = watcher.0.lock().unwrap().clone();
    let named = |name: &str| all.iter().filter(|(_, seen)| seen.name == name).cloned().collect::<Vec<_>>();
    let (requests, messages, inner) = (named("request"), named("actor.message"), named("inner"));
    assert_eq!((requests.len(), messages.len(), inner.len()), (3, 3, 4), "{all:?}");
    for (number, outcome) in ["\"handled\"", "\"panicked\"", "\"handled\""].iter().enumerate() {
        let (id, message) = &messages[number];
        assert_eq!(message.parent, Some(requests[number].0), "{all:?}");
        assert_eq!(inner[number].1.parent, Some(*id), "{all:?}");
        assert_eq!(message.fields["outcome"], *outcome);
        assert_eq!(message.fields["actor"], "\"root/speaker\"");
        assert_eq!(message.fields["message"], "\"speak\"");
        // Each waited for as long as those before it took, of a clock that stands still otherwise.
        let waited: u64 = message.fields["mailbox_wait_us"].parse().unwrap();
        assert!(waited >= 1_000_000 * number as u64, "{number}: {waited}");
    }
    let shown = format!("{all:?}");
    assert!(!shown.contains("no span leads to this"), "a message's contents are in a span");
}
