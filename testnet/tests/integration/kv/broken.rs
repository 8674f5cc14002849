//! What the histories are for: replicas that apply a value twice, or not in its turn, are found.

use super::history::History;
use super::machine::{Command, Outcome, Store};
use hpaxos_client::{StateMachine, Value};

/// Applies every put once more, after whatever comes next.
#[derive(Default)]
struct Twice {
    store: Store,
    put: Option<Value>,
}

/// Applies every put after whatever comes next, and says at once that it is done.
#[derive(Default)]
struct Late {
    store: Store,
    put: Option<Value>,
}

fn is_put(value: &Value) -> bool {
    matches!(
        serde_json::from_slice(&value.bytes),
        Ok(Command::Put { .. })
    )
}

impl StateMachine for Twice {
    type Output = Outcome;

    fn apply(&mut self, value: &Value) -> Outcome {
        let outcome = self.store.apply(value);
        if let Some(put) = self.put.take() {
            self.store.apply(&put);
        }
        self.put = Some(value.clone()).filter(is_put);
        outcome
    }
}

impl StateMachine for Late {
    type Output = Outcome;

    fn apply(&mut self, value: &Value) -> Outcome {
        let before = self.put.take();
        let outcome = match is_put(value) {
            true => {
                self.put = Some(value.clone());
                Outcome::Done
            }
            false => self.store.apply(value),
        };
        if let Some(put) = before {
            self.store.apply(&put);
        }
        outcome
    }
}

/// Whether it is linearizable what one client sees of a machine: `a` is put, then `b`, then it looks.
fn holds(mut machine: impl StateMachine<Output = Outcome>) -> bool {
    let history = History::default();
    let key = || "k".to_owned();
    let put = |value: &str| Command::Put {
        key: key(),
        value: value.to_owned(),
    };
    for command in [put("a"), put("b"), Command::Get { key: key() }] {
        let call = history.invoked(0, &command);
        let bytes = command.line();
        let value = Value {
            bytes,
            ..Value::default()
        };
        history.returned(call, machine.apply(&value));
    }
    history.holds("k")
}

#[test]
fn what_is_applied_twice_or_late_is_found() {
    assert!(holds(Store::default()));
    assert!(!holds(Twice::default()), "a is there again after b");
    assert!(!holds(Late::default()), "b is not there yet");
}
