//! Strategy × failure × intensity, on paused time: which actors are restarted, in which order, and which supervisor gives up.

use futures_util::future::join_all;

use super::stage::*;
use crate::actor::*;

/// Restarts that the root bears within the hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bears {
    /// Five; b fails once.
    Enough,
    /// One; b fails twice.
    TooFew,
}
use Bears::*;
use Failure::*;
use Strategy::*;

struct Row {
    strategy: Strategy,
    /// How b fails; each is a case of its own.
    failures: &'static [Failure],
    bears: Bears,
    /// See [`Stage`].
    story: &'static str,
}

const fn row(strategy: Strategy, failures: &'static [Failure], bears: Bears, story: &'static str) -> Row {
    Row { strategy, failures, bears, story }
}

const AT_WORK: &[Failure] = &[Panic, PanicBeside, Error, Hang, Stop];
const AT_START: &[Failure] = &[PanicInStarted, ErrorInStarted, HangInStarted];

/// a, b and c are started in this order, and b fails.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    row(OneForOne,  AT_WORK,  Enough, "+a +b +c -b +b -c -b -a"),
    row(RestForOne, AT_WORK,  Enough, "+a +b +c -b -c +b +c -c -b -a"),
    row(OneForAll,  AT_WORK,  Enough, "+a +b +c -b -c -a +a +b +c -c -b -a"),
    row(OneForOne,  AT_START, Enough, "+a !b -b +c +b -c -b -a"),
    row(RestForOne, AT_START, Enough, "+a !b -b +b +c -c -b -a"),
    row(OneForAll,  AT_START, Enough, "+a !b -b -a +a +b +c -c -b -a"),
    row(OneForOne,  AT_WORK,  TooFew, "+a +b +c -b +b -b ^root -c -a"),
    row(RestForOne, AT_WORK,  TooFew, "+a +b +c -b -c +b +c -b ^root -c -a"),
    row(OneForAll,  AT_WORK,  TooFew, "+a +b +c -b -c -a +a +b +c -b ^root -c -a"),
    row(OneForOne,  AT_START, TooFew, "+a !b -b +c !b -b ^root -c -a"),
    row(RestForOne, AT_START, TooFew, "+a !b -b !b -b ^root -a"),
    row(OneForAll,  AT_START, TooFew, "+a !b -b -a +a !b -b ^root -a"),
];

#[tokio::test(start_paused = true)]
async fn each_strategy_answers_each_failure_until_there_are_too_many() {
    let mut cases = 0;
    for row in TABLE {
        for failure in row.failures {
            cases += 1;
            case(row, *failure).await;
        }
    }
    assert_eq!(cases, 3 * 8 * 2);
}

async fn case(row: &Row, failure: Failure) {
    let name = format!("{:?}, {failure:?}, bears {:?}", row.strategy, row.bears);
    let (bears, failures) = if row.bears == Enough { (5, 1) } else { (1, 2) };
    let mut stage = Stage::new(row.strategy).bears(bears);
    let roles = ["a", "b", "c"].map(|name| stage.role(name));
    let vitals = stage.root.vitals();
    let is_at_start = AT_START.contains(&failure);
    if is_at_start {
        roles[1].part.bad_starts.set(Some((failure, failures)));
    }
    let told = stage
        .play(async || {
            let is_asked_to_fail = !is_at_start;
            if row.bears == Enough {
                act(&roles, is_asked_to_fail.then_some(failure), &name).await;
                has_full_mailboxes(&roles);
            } else {
                if !is_at_start {
                    act(&roles, Some(failure), &name).await;
                    assert_eq!(roles[1].fail(failure).await, outcome(failure), "{name}");
                }
                gives_up(&roles[1], &name).await;
            }
        })
        .await;
    assert_eq!(told.story, row.story, "{name}");
    assert_eq!(matches!(told.exit, ExitReason::Escalated(_)), row.bears == TooFew, "{name}: {}", told.exit);
    for snapshot in vitals.snapshot() {
        assert_eq!(
            (snapshot.mailbox_depth, snapshot.state),
            (0, State::Stopped),
            "{name}: {}",
            snapshot.path
        );
        let name_of = snapshot.path.trim_start_matches("root/");
        let starts = row.story.split(' ').filter(|mark| mark.trim_start_matches(['+', '!']) == name_of);
        let restarts = starts.count().saturating_sub(1) as u64;
        assert_eq!(snapshot.restarts, restarts, "{name}: {}", snapshot.path);
    }
    for role in &roles {
        assert_eq!(role.say(0).await, Err(SendError::Stopped.into()), "{name}: after the end");
    }
}

/// What the sender of the failing message hears.
fn outcome(failure: Failure) -> Result<u32, AskError> {
    match failure {
        PanicInStarted | ErrorInStarted | HangInStarted => unreachable!("nobody asks for it"),
        // Whatever happened to the message, it was not answered.
        Panic | PanicBeside | Error | Hang | Stop => Err(AskError::UnknownOutcome),
    }
}

/// b fails while all three have messages waiting, which the handles of before then still lead to.
async fn act(roles: &[Role; 3], failure: Option<Failure>, name: &str) {
    if failure.is_some() {
        // The last one started is up when it answers.
        assert_eq!(roles[2].say(0).await, Ok(0), "{name}");
        roles[2].part.said.take();
    }
    let failing = async {
        if let Some(failure) = failure {
            assert_eq!(roles[1].fail(failure).await, outcome(failure), "{name}");
        }
    };
    let waiting = join_all(roles.iter().flat_map(|role| [1, 2, 3].map(|number| role.say(number))));
    let ((), answers) = futures_util::future::join(failing, waiting).await;
    assert_eq!(answers, [1, 2, 3, 1, 2, 3, 1, 2, 3].map(Ok), "{name}");
    for role in roles {
        assert_eq!(role.said(), [1, 2, 3], "{name}: {} did not keep the order", role.part.name);
    }
    for role in roles {
        assert_eq!(role.say(4).await, Ok(4), "{name}: by the address of before");
    }
}

/// Every permit has come back: as many messages as ever fit in, and not one more.
fn has_full_mailboxes(roles: &[Role; 3]) {
    for role in roles {
        for _ in 0..CAPACITY {
            assert_eq!(role.handle.try_tell(Line::Rest), Ok(()), "{}", role.part.name);
        }
        assert_eq!(role.handle.try_tell(Line::Rest), Err(SendError::Busy), "{}", role.part.name);
    }
}

/// What waits for an actor whose tree gives up is refused by name.
async fn gives_up(role: &Role, name: &str) {
    let answers = join_all([role.say(5), role.say(6)]).await;
    assert_eq!(answers, [Err(SendError::Stopped.into()); 2], "{name}");
}
