//! Launches local networks of real node processes, injects faults and shows what every learner decides.
