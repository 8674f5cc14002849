//! What the clients of one learner have asked and got, one history for each key.

use super::machine::{Command, Outcome};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A key as it must behave: written apart from the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Register(Option<String>);

impl SequentialSpec for Register {
    type Op = Command;
    type Ret = Outcome;

    fn invoke(&mut self, command: &Command) -> Outcome {
        match command {
            Command::Get { .. } => Outcome::Found(self.0.clone()),
            Command::Cas { old, .. } if *old != self.0 => Outcome::Differs(self.0.clone()),
            Command::Put { value: new, .. } | Command::Cas { new, .. } => {
                self.0 = Some(new.clone());
                Outcome::Done
            }
            Command::Delete { .. } => {
                self.0 = None;
                Outcome::Done
            }
        }
    }
}

type Tester = LinearizabilityTester<usize, Register>;

/// The histories. Threads are clients.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<BTreeMap<String, Tester>>);

/// An operation that was invoked.
#[derive(Debug)]
pub(crate) struct Call {
    key: String,
    client: usize,
}

impl History {
    /// A client asks for something.
    pub(crate) fn invoked(&self, client: usize, command: &Command) -> Call {
        let (Command::Put { key, .. }
        | Command::Cas { key, .. }
        | Command::Delete { key }
        | Command::Get { key }) = command;
        let mut keys = self.0.lock().unwrap();
        let tester = keys
            .entry(key.clone())
            .or_insert_with(|| Tester::new(Register::default()));
        tester.on_invoke(client, command.clone()).unwrap();
        let key = key.clone();
        Call { key, client }
    }

    /// The client has its answer.
    pub(crate) fn returned(&self, call: Call, outcome: Outcome) {
        let mut keys = self.0.lock().unwrap();
        let tester = keys.get_mut(&call.key).unwrap();
        tester.on_return(call.client, outcome).unwrap();
    }

    /// Whether the history of a key is linearizable.
    pub(crate) fn holds(&self, key: &str) -> bool {
        self.0.lock().unwrap()[key].is_consistent()
    }

    /// All histories must be linearizable.
    pub(crate) fn check(&self, whose: &str) {
        let keys = self.0.lock().unwrap();
        assert!(!keys.is_empty());
        for (key, tester) in keys.iter() {
            assert!(tester.is_consistent(), "{whose}: {key}: {tester:#?}");
        }
    }
}
