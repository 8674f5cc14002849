//! The limits of a node: everything that can grow or wait has one here.

use consensus::Batching;
use learner_graph::Problem;
use std::collections::BTreeMap;
use std::time::Duration;
use toml::Spanned;

/// Files that a node has open beside connections that limits count: its log and history, sockets, handshakes, clients
/// that are told that there is no room.
const OTHER_FILES: u64 = 256;

/// Declares the limits once: name, default, range and meaning.
macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident = $default:literal, $min:literal ..= $max:literal;)+) => {
        /// What a node allows, from the `[limits]` table. The units are in the names.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits {
            $(
                $(#[doc = $doc])+
                #[doc = concat!(" Default ", stringify!($default), ", from ", stringify!($min), " to ", stringify!($max), ".")]
                pub $name: u64,
            )+
        }

        impl Default for Limits {
            fn default() -> Self {
                Limits { $($name: $default,)+ }
            }
        }

        impl Limits {
            /// The names of all limits, as the configuration spells them.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name),)+];

            /// The place of a limit with its range.
            fn place(&mut self, name: &str) -> Option<(&mut u64, u64, u64)> {
                match name {
                    $(stringify!($name) => Some((&mut self.$name, $min, $max)),)+
                    _ => None,
                }
            }
        }
    };
}

limits! {
    /// The time that an acceptor gives a ballot at first, before it wishes for the next.
    patience_ms = 1000, 100 ..= 3_600_000;
    /// How long a new leader waits for more 1b after the first quorum's before it proposes.
    grace_ms = 50, 0 ..= 60_000;
    /// How many slots may be open at once.
    window = 64, 1 ..= 4096;
    /// How long a leader lets a value wait for others to share its slot, while earlier slots are open and more values
    /// are on their way than wait, or until clients whose values were decided are back.
    batch_delay_ms = 20, 0 ..= 60_000;
    /// With so many bytes of values a batch goes out at once and takes no more, unless a single value
    /// is larger.
    batch_bytes = 1_052_672, 1 ..= 1_052_672;
    /// How many client values may wait to be proposed; further ones are answered with 429.
    max_waiting = 4096, 1 ..= 1_000_000;
    /// The same bound in bytes. Peers' values may take four times as much.
    max_waiting_mib = 48, 2 ..= 65_536;
    /// How many slots stay in memory after they are delivered, for peers that are a little behind; fewer if they are
    /// large.
    slots_in_memory = 512, 1 ..= 65_536;
    /// How often one peer, in turn, is asked for what is missing here.
    sync_ms = 200, 10 ..= 60_000;
    /// The longest pause before a peer that does not answer is dialled again.
    redial_max_ms = 5000, 100 ..= 600_000;
    /// Connections at once, handshakes included; further ones are refused.
    max_connections = 512, 4 ..= 65_536;
    /// Up to this many nodes, every node sends to every other one directly; in larger networks
    /// messages travel through gossipsub's mesh.
    full_mesh_nodes = 12, 2 ..= 128;
    /// Events that wait for the protocol: beyond it verification waits, and clients get 429.
    engine_queue = 1024, 16 ..= 65_536;
    /// Received frames that wait for verification; further ones are dropped and counted, and
    /// synchronisation brings what was in them.
    verify_queue = 1024, 16 ..= 65_536;
    /// The same bound in bytes.
    verify_queue_mib = 64, 16 ..= 4096;
    /// Threads that verify signatures; 0 means one per core.
    verify_threads = 0, 0 ..= 256;
    /// Own frames that wait for a peer to send them to; beyond it the oldest is dropped and
    /// counted, and synchronisation offers what was in it.
    outbox_frames = 1024, 16 ..= 65_536;
    /// The same bound in bytes.
    outbox_mib = 32, 16 ..= 4096;
    /// HTTP requests in progress at once, until their answers are written, waiting ones included; further ones are
    /// answered with 429.
    http_requests = 1024, 8 ..= 65_536;
    /// What values that are being submitted and answers that are being written may take, those of 64 KiB and more;
    /// further ones are answered with 429.
    http_mib = 128, 16 ..= 65_536;
    /// Event streams open at once; further ones are answered with 429.
    http_streams = 64, 1 ..= 65_536;
    /// HTTP connections at once; to further ones is said that there are too many.
    http_connections = 2048, 16 ..= 65_536;
    /// HTTP connections of one address at once; so no single client takes those of all others.
    http_connections_per_address = 1024, 8 ..= 65_536;
    /// How long an HTTP connection may take to send the head of a request, the next one as well, and to
    /// take what it is sent; then it is closed.
    http_idle_ms = 30_000, 100 ..= 3_600_000;
    /// Requests per second and client address under `/v1`; further ones are answered with 429. 0 means no limit.
    http_rate = 0, 0 ..= 1_000_000;
    /// So many requests of one address may come at once before the rate counts.
    http_burst = 100, 1 ..= 1_000_000;
    /// Decisions kept in memory for HTTP, per learner; older ones are read from the history.
    decisions_kept = 1000, 16 ..= 10_000_000;
    /// The same bound in bytes of values.
    decisions_kept_mib = 16, 2 ..= 65_536;
    /// The log is replaced by a checkpoint when it has grown by so much since the last one.
    log_mib = 8, 1 ..= 65_536;
    /// Events kept for streams that resume; older ones are replaced by a `gap` event.
    events_kept = 10_000, 16 ..= 1_000_000;
    /// The same bound in bytes of values.
    events_kept_mib = 64, 2 ..= 65_536;
}

impl Limits {
    /// Checks the entries of a `[limits]` table, reporting each that is unknown or out of range.
    pub(super) fn read(
        entries: &BTreeMap<Spanned<String>, Spanned<i64>>,
        problems: &mut Vec<Problem>,
    ) -> Limits {
        let mut limits = Limits::default();
        for (name, value) in entries {
            let Some((place, min, max)) = limits.place(name.get_ref()) else {
                problems.push(Problem::error(
                    Some(name.span()),
                    format!("unknown limit '{}'", name.get_ref()),
                    format!("the limits are {}", Limits::NAMES.join(", ")),
                ));
                continue;
            };
            match u64::try_from(*value.get_ref()) {
                Ok(number) if (min..=max).contains(&number) => *place = number,
                _ => problems.push(Problem::error(
                    Some(value.span()),
                    format!("{} = {} is out of range", name.get_ref(), value.get_ref()),
                    format!("use a number from {min} to {max}"),
                )),
            }
        }
        // Whoever waits for a value would take the leader for dead.
        if limits.batch_delay_ms > limits.patience_ms / 4 {
            let found = entries
                .keys()
                .find(|name| name.get_ref() == "batch_delay_ms");
            let (delay, patience) = (limits.batch_delay_ms, limits.patience_ms);
            problems.push(Problem::error(
                found.map(Spanned::span),
                format!(
                    "batch_delay_ms = {delay} is more than a quarter of patience_ms = {patience}"
                ),
                format!("use {} at most, or more patience", patience / 4),
            ));
        }
        limits
    }

    /// How many files and connections a node may have open at once: what the limits allow, and what it needs besides.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.max_connections
            .saturating_add(self.http_connections)
            .saturating_add(OTHER_FILES)
    }

    /// How many waiting values share a slot.
    #[must_use]
    pub fn batching(&self) -> Batching {
        Batching {
            delay: Self::ms(self.batch_delay_ms),
            bytes: Self::count(self.batch_bytes),
        }
    }

    /// A limit that counts things in memory.
    #[must_use]
    pub fn count(limit: u64) -> usize {
        usize::try_from(limit).unwrap_or(usize::MAX)
    }

    /// A limit in MiB, as bytes.
    #[must_use]
    pub fn mib(limit: u64) -> usize {
        Self::count(limit.saturating_mul(1 << 20))
    }

    /// How often a peer is pinged of which nothing else is asked: often enough for the protocol's patience.
    #[must_use]
    pub fn ping_interval(&self) -> Duration {
        Self::ms((self.patience_ms / 8).clamp(10, 10_000))
    }

    /// A peer of which nothing has come for so long is silent, whatever its connection looks like: longer than between
    /// two pings, and than a node that is busy for a moment. From 3 to 15 seconds.
    #[must_use]
    pub fn silence(&self) -> Duration {
        (self.ping_interval() * 3 / 2).max(Duration::from_secs(3))
    }

    /// A limit in milliseconds, as a duration.
    #[must_use]
    pub fn ms(limit: u64) -> Duration {
        Duration::from_millis(limit)
    }
}
