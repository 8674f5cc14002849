//! What hangs on an acceptor, as a picture shows it.

use learner_graph::Weight;

/// What hangs on an acceptor, in one number: what it ends alone counts more.
pub(super) fn load(weight: &Weight) -> usize {
    let alone = weight.stops.len() + weight.disentangles.len();
    let open = weight.undecided_progress + weight.undecided_agreement;
    // What was not decided may be as much as it can be.
    4 * (alone + open) + weight.weakens_progress + weight.weakens_agreement
}

/// So many of something, or more, where it was not decided of some.
fn counted(sure: usize, open: usize, what: &str) -> String {
    let plural = if sure + open == 1 { "" } else { "s" };
    match open {
        0 => format!("{sure} {what}{plural}"),
        open => format!("{sure} to {} {what}{plural}", sure + open),
    }
}

/// The class of an acceptor in a picture, and what is said of it.
pub(super) fn weight(weight: &Weight) -> (&'static str, String) {
    let (stops, ends) = (weight.stops.len(), weight.disentangles.len());
    let [learners, pairs] = [weight.undecided_progress, weight.undecided_agreement];
    let class = match (stops + ends, learners + pairs) {
        (0, 0) => "",
        (0, _) => " open",
        _ => " alone",
    };
    let words = format!(
        "silent, it stops {} and weakens {}; lying, it ends {} and weakens {}",
        counted(stops, learners, "learner"),
        counted(weight.weakens_progress, learners, "learner"),
        counted(ends, pairs, "promise"),
        counted(weight.weakens_agreement, pairs, "promise"),
    );
    let open = if learners + pairs > 0 {
        "; the rest was not decided"
    } else {
        ""
    };
    (class, words + open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_decided_is_not_drawn_as_harmless() {
        let harmless = Weight {
            name: String::from("a"),
            stops: Vec::new(),
            disentangles: Vec::new(),
            weakens_progress: 0,
            weakens_agreement: 0,
            undecided_progress: 0,
            undecided_agreement: 0,
        };
        let (class, words) = weight(&harmless);
        assert_eq!((class, load(&harmless)), ("", 0));
        assert!(words.starts_with("silent, it stops 0 learners"), "{words}");
        let open = Weight {
            undecided_progress: 1,
            ..harmless.clone()
        };
        let (class, words) = weight(&open);
        assert_eq!(class, " open");
        assert!(load(&open) > 0);
        assert!(
            words.starts_with("silent, it stops 0 to 1 learner and"),
            "{words}"
        );
        assert!(words.ends_with("was not decided"), "{words}");
        let alone = Weight {
            stops: vec![String::from("l")],
            ..harmless
        };
        let (class, words) = weight(&alone);
        assert_eq!(class, " alone");
        assert!(
            words.starts_with("silent, it stops 1 learner and"),
            "{words}"
        );
    }
}
