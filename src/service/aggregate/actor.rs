//! Decides orders on a book, one at a time.

use std::sync::Arc;

use jiff::Timestamp;

use crate::actor::{ActorError, Behaviour, Context, Reply};
use crate::event::{Metadata, Position, TenantId};
use crate::log::{Append, EventLog, LogError};
use crate::view::ViewError;

use super::caller;
use super::repository;
use super::repository::{Conflicting, DECISIONS_MAX};

/// What is known of a stream, and what can be decided on it.
pub trait Book: Unpin + Sized + Send + 'static {
    /// What can be asked for, with what it is held against.
    type Order: Clone + Send + 'static;
    /// What is decided.
    type Change: Send;
    /// Why the domain refuses an order.
    type Refusal;
    /// Why an order was not carried out.
    type Failure: From<Self::Refusal>
        + From<LogError>
        + From<ViewError>
        + Conflicting
        + std::error::Error
        + Send
        + 'static;

    /// Who decides, as the events' envelopes will say.
    const ACTOR: &'static str;

    /// Reads it from the log. Blocks.
    ///
    /// # Errors
    /// The log, or an event that cannot be read.
    fn load(log: &dyn EventLog, tenant: &TenantId) -> Result<Self, Self::Failure>;

    /// Decides an order: the append that carries it out, or none where nothing changes.
    ///
    /// # Errors
    /// The domain refuses it.
    fn decide(&self, order: Self::Order, now: Timestamp, metadata: &Metadata) -> Decided<Self>;

    /// Takes note that what was decided was appended.
    fn committed(&mut self, change: Self::Change);

    /// An order, as it stands in spans.
    fn label(order: &Self::Order) -> &'static str;

    /// Carries out an order in one go; blocks. The position of the last event, or none where nothing changed.
    ///
    /// # Errors
    /// Why it was not carried out.
    fn execute(
        &mut self,
        log: &dyn EventLog,
        order: Self::Order,
        now: Timestamp,
        metadata: &Metadata,
    ) -> Result<Option<Position>, Self::Failure> {
        let Some((append, change)) = self.decide(order, now, metadata)? else { return Ok(None) };
        let appended = log.append(append).wait()?;
        self.committed(change);
        Ok(appended.outcomes.last().map(|outcome| outcome.position()))
    }
}

/// The append that carries an order out and what it changes, none, or a refusal.
pub type Decided<B> = Result<Option<(Append, <B as Book>::Change)>, <B as Book>::Refusal>;

/// An order, and where to answer: with the last event's position, or none where nothing changed.
pub struct Ordered<B: Book> {
    /// What to do.
    pub order: B::Order,
    /// Who waits.
    pub reply: Reply<Result<Option<Position>, B::Failure>>,
}

/// See the module.
pub struct DecidingActor<B> {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    book: Option<B>,
}

impl<B: Book> DecidingActor<B> {
    /// For the book of one tenant.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, tenant: TenantId) -> Self {
        Self { log, tenant, book: None }
    }

    async fn load(&self) -> Result<B, B::Failure> {
        let (log, tenant) = (self.log.clone(), self.tenant.clone());
        let loaded = caller::blocking(move || B::load(&*log, &tenant)).await;
        loaded.map_err(ViewError::from)?
    }

    /// Carries out an order. A conflict means that an append of a run before this one came through after
    /// this one had loaded (`storm::*`): the order is then decided anew, on what is there now.
    async fn execute(&mut self, order: B::Order) -> Result<Option<Position>, B::Failure> {
        for _ in 1..DECISIONS_MAX {
            match self.execute_once(order.clone()).await {
                Err(error) if error.is_conflict() => {}
                other => return other,
            }
        }
        self.execute_once(order).await
    }

    async fn execute_once(&mut self, order: B::Order) -> Result<Option<Position>, B::Failure> {
        let mut book = match self.book.take() {
            Some(book) => book,
            None => self.load().await?,
        };
        let outcome = match book.decide(order, Timestamp::now(), &repository::by(B::ACTOR)) {
            Ok(Some((append, change))) => {
                // Until the log has answered, the book is not put back: after a failure it is read afresh.
                let appended = self.log.append(append).await?;
                book.committed(change);
                Ok(appended.outcomes.last().map(|outcome| outcome.position()))
            }
            Ok(None) => Ok(None),
            Err(refused) => Err(refused.into()),
        };
        self.book = Some(book);
        outcome
    }
}

impl<B: Book> Behaviour for DecidingActor<B> {
    type Message = Ordered<B>;

    async fn started(&mut self, _: &Context<Self>) -> Result<(), ActorError> {
        self.book = Some(self.load().await.map_err(|error| ActorError(error.to_string()))?);
        Ok(())
    }

    async fn handle(&mut self, message: Ordered<B>, _: &Context<Self>) -> Result<(), ActorError> {
        let outcome = self.execute(message.order).await;
        message.reply.send(outcome);
        Ok(())
    }

    fn label(message: &Ordered<B>) -> &'static str {
        B::label(&message.order)
    }
}
