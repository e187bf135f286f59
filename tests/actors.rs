//! The actor kit's example does what its lines say.

#[path = "../examples/actors.rs"]
mod example;

use std::cell::RefCell;
use std::rc::Rc;

use mecris::actor::ExitReason;
use tokio::task::LocalSet;

#[tokio::test(start_paused = true)]
async fn the_example_crashes_recovers_and_escalates() {
    let lines: Rc<RefCell<Vec<String>>> = Rc::default();
    let told = lines.clone();
    let play = example::play(move |line| told.borrow_mut().push(line));
    assert_eq!(LocalSet::new().run_until(play).await, Ok(ExitReason::Requested));
    let expected = "\
the front till has 5
somebody splits the bill among nobody
  * shop/front sets a message aside: split, deliveries: 1
  * shop/front panicked and is restarted
and hears: the actor failed while it handled this; whether it was done is not known
the same handle leads to a fresh till, which has 1
an order that is poison is tried twice
  * shop/front failed: the ink is dry and is restarted
  * shop/front sets a message aside: print, deliveries: 2
  * shop/front failed: the ink is dry and is restarted
what waited behind it is served: 2
the safe fails twice, more than the office bears
  * shop/office/safe sets a message aside: split, deliveries: 1
  * shop/office/safe panicked and is restarted
  * shop/office/safe sets a message aside: split, deliveries: 1
  * shop/office gives up; escalated: shop/office/safe (panicked)
  * shop/office escalated: shop/office/safe (panicked) and is restarted
the office is open again, and the safe has 1
shop/front: restarted 3, set aside 2
shop/office/safe: restarted 2, set aside 2
shop/office/books: restarted 1, set aside 0";
    assert_eq!(lines.borrow().join("\n"), expected);
}
