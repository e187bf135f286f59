//! The circuit breaker: after some failures in a row nothing is sent for a while, then one trial decides.
//!
//! Ours, because it is forty lines of rule: the crates for it ask a clock themselves, and do not show the
//! state, which here is a metric, an event and a line of `mecris sources`. Source of the pattern: Michael
//! Nygard, Release It!, chapter 5.

use std::time::Duration;

use tokio::time::Instant;

/// What a breaker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// Calls are refused.
    Open,
    /// One call passes, and decides.
    HalfOpen,
}

impl BreakerState {
    /// As it is shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerRule {
    /// It opens after this many failures in a row.
    pub failures: u32,
    /// It stays open for this long, twice as long after each trial that failed.
    pub open_for: Duration,
    /// But never longer than this.
    pub open_for_max: Duration,
}

impl Default for BreakerRule {
    fn default() -> Self {
        Self { failures: 5, open_for: Duration::from_secs(30), open_for_max: Duration::from_mins(10) }
    }
}

/// See the module. `now` is always an argument.
#[derive(Debug, Clone)]
pub struct Breaker {
    rule: BreakerRule,
    state: BreakerState,
    failures: u32,
    open_for: Duration,
    /// Where it is open: until when. Where it is half open: when the trial that is under way is given up.
    until: Instant,
}

impl Breaker {
    /// A closed one.
    #[must_use]
    pub fn new(rule: BreakerRule, now: Instant) -> Self {
        Self { rule, state: BreakerState::Closed, failures: 0, open_for: rule.open_for, until: now }
    }

    /// What it does.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        self.state
    }

    /// Asks to pass. A trial that never reports back is given up after the time that the breaker was open.
    ///
    /// # Errors
    /// The instant until which nothing passes.
    pub fn admit(&mut self, now: Instant) -> Result<(), Instant> {
        match self.state {
            BreakerState::Closed => Ok(()),
            BreakerState::Open | BreakerState::HalfOpen if now < self.until => Err(self.until),
            BreakerState::Open | BreakerState::HalfOpen => {
                self.state = BreakerState::HalfOpen;
                self.until = now + self.open_for;
                Ok(())
            }
        }
    }

    /// A call that passed has come back well.
    pub fn succeeded(&mut self) {
        self.state = BreakerState::Closed;
        self.failures = 0;
        self.open_for = self.rule.open_for;
    }

    /// A call that passed was not sent after all: where it was the trial, the next one may try.
    pub fn abandoned(&mut self, now: Instant) {
        if self.state == BreakerState::HalfOpen {
            self.until = now;
        }
    }

    /// A call that passed has failed in a way that tells of the system's health.
    pub fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        match self.state {
            BreakerState::Closed if self.failures < self.rule.failures => return,
            // One that was sent before it opened.
            BreakerState::Open => return,
            BreakerState::Closed => {}
            BreakerState::HalfOpen => self.open_for = (self.open_for * 2).min(self.rule.open_for_max),
        }
        self.state = BreakerState::Open;
        self.until = now + self.open_for;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: BreakerRule =
        BreakerRule { failures: 3, open_for: Duration::from_secs(10), open_for_max: Duration::from_secs(30) };

    #[test]
    fn it_opens_tries_and_closes() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut breaker = Breaker::new(RULE, start);
        breaker.failed(at(0));
        breaker.succeeded();
        for _ in 0..2 {
            breaker.failed(at(1));
            assert_eq!(breaker.state(), BreakerState::Closed, "failures that are not in a row");
        }
        breaker.failed(at(1));
        assert_eq!(breaker.state(), BreakerState::Open);
        assert_eq!(breaker.admit(at(10)), Err(at(11)));
        assert_eq!(breaker.admit(at(11)), Ok(()));
        assert_eq!(breaker.admit(at(11)), Err(at(21)), "one trial at a time");
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        breaker.failed(at(12));
        assert_eq!(breaker.admit(at(31)), Err(at(32)), "twice as long");
        assert_eq!(breaker.admit(at(32)), Ok(()));
        breaker.failed(at(32));
        assert_eq!(breaker.admit(at(61)), Err(at(62)), "but never longer than the bound");
        assert_eq!(breaker.admit(at(62)), Ok(()));
        assert_eq!(breaker.admit(at(92)), Ok(()), "a trial that never came back is given up");
        breaker.abandoned(at(92));
        assert_eq!(breaker.admit(at(92)), Ok(()), "one that was not sent makes room");
        breaker.succeeded();
        assert_eq!((breaker.state(), breaker.admit(at(92))), (BreakerState::Closed, Ok(())));
        for _ in 0..3 {
            breaker.failed(at(100));
        }
        assert_eq!(breaker.admit(at(109)), Err(at(110)), "after a success it begins anew");
    }
}
