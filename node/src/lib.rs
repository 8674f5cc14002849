//! The node: libp2p, durable storage, HTTP API and the hpaxos command line around the pure protocols.
