//! Learner graphs: quorum expressions, TrustLive, TrustSafe, entanglement and their checks.
