//! So many requests per second and address, and no more.
//!
//! A bucket of tokens per address: a request takes one, and they come back at a steady rate until the bucket is
//! full. A full bucket is as good as none and is forgotten.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Addresses that have a bucket of their own, at most. The others share one meanwhile.
const MAX_ADDRESSES: usize = 4096;

/// See the module.
pub(super) struct Rate {
    per_second: f64,
    burst: f64,
    buckets: Mutex<Buckets>,
}

#[derive(Default)]
struct Buckets {
    own: HashMap<Source, Bucket>,
    shared: Option<Bucket>,
    /// When those that are full were last forgotten.
    swept: Option<Instant>,
}

/// One client as far as anybody can tell: an IPv6 address is as many as there are in its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    Four([u8; 4]),
    Six([u8; 8]),
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Source::Four(address.octets()),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Source::Six([a, b, c, d, e, f, g, h])
            }
        }
    }
}

impl Rate {
    /// So many per second, and so many at once. None for a rate of zero: there is no limit.
    pub(super) fn new(per_second: u64, burst: u64) -> Option<Self> {
        (per_second > 0).then(|| Rate {
            per_second: per_second as f64,
            burst: burst.max(1) as f64,
            buckets: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Buckets> {
        // A bucket is whole between statements that can panic.
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an address may ask now; if not, after which time it may.
    pub(super) fn take(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let client = Source::from(address);
        let mut buckets = self.lock();
        let full = Bucket {
            tokens: self.burst,
            at: now,
        };
        if !buckets.own.contains_key(&client) && buckets.own.len() >= MAX_ADDRESSES {
            self.sweep(&mut buckets, now);
        }
        let bucket = if buckets.own.contains_key(&client) || buckets.own.len() < MAX_ADDRESSES {
            buckets.own.entry(client).or_insert(full)
        } else {
            buckets.shared.get_or_insert(full)
        };
        bucket.tokens = self.tokens(bucket, now);
        bucket.at = bucket.at.max(now);
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64(
            (1.0 - bucket.tokens) / self.per_second,
        ))
    }

    /// What a bucket holds by now.
    fn tokens(&self, bucket: &Bucket, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.tokens + passed * self.per_second).min(self.burst)
    }

    /// Forgets the buckets that are full. Seldom enough that a flood of addresses does not pay for it each time.
    fn sweep(&self, buckets: &mut Buckets, now: Instant) {
        let refill = Duration::from_secs_f64(self.burst / self.per_second);
        let pause = (refill / 8).min(Duration::from_secs(1));
        let recent = buckets
            .swept
            .is_some_and(|at| now.saturating_duration_since(at) < pause);
        if recent {
            return;
        }
        buckets.swept = Some(now);
        buckets
            .own
            .retain(|_, bucket| self.tokens(bucket, now) < self.burst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn four(n: u32) -> IpAddr {
        Ipv4Addr::from(n).into()
    }

    /// How many of `n` requests at once are let through.
    fn passed(rate: &Rate, address: IpAddr, n: usize, now: Instant) -> usize {
        (0..n).filter(|_| rate.take(address, now).is_ok()).count()
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let rate = Rate::new(10, 5).unwrap();
        let start = Instant::now();
        assert_eq!(passed(&rate, four(1), 20, start), 5);
        let again = rate.take(four(1), start).unwrap_err();
        assert_eq!(again, Duration::from_millis(100));
        assert_eq!(passed(&rate, four(1), 20, start + 3 * again), 3);
        let later = start + Duration::from_secs(60);
        assert_eq!(passed(&rate, four(1), 20, later), 5, "no more than a burst");
        assert_eq!(passed(&rate, four(2), 20, start), 5, "to each its own");
    }

    #[test]
    fn clocks_that_differ_do_not_matter() {
        let rate = Rate::new(1, 1).unwrap();
        let now = Instant::now() + Duration::from_secs(9);
        assert!(rate.take(four(1), now).is_ok());
        assert!(rate.take(four(1), now - Duration::from_secs(5)).is_err());
        assert!(rate.take(four(1), now + Duration::from_secs(1)).is_ok());
    }

    #[test]
    fn a_network_is_one_client() {
        let rate = Rate::new(1, 2).unwrap();
        let now = Instant::now();
        let six = |host| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, host));
        assert_eq!(
            passed(&rate, six(1), 1, now) + passed(&rate, six(2), 5, now),
            2
        );
        let mapped = IpAddr::from(Ipv4Addr::from(7).to_ipv6_mapped());
        assert_eq!(passed(&rate, four(7), 5, now), 2);
        assert_eq!(passed(&rate, mapped, 5, now), 0, "the same address");
    }

    #[test]
    fn memory_is_bounded_and_comes_back() {
        let rate = Rate::new(1, 2).unwrap();
        let start = Instant::now();
        let many = u32::try_from(MAX_ADDRESSES).unwrap();
        for n in 0..many {
            assert!(rate.take(four(n), start).is_ok());
        }
        // Those that come too late share a bucket; those that were there keep their own.
        assert_eq!(passed(&rate, four(many), 5, start), 2);
        assert_eq!(passed(&rate, four(many + 1), 5, start), 0);
        assert_eq!(passed(&rate, four(3), 5, start), 1);
        assert_eq!(rate.lock().own.len(), MAX_ADDRESSES);
        let later = start + Duration::from_secs(9);
        assert_eq!(passed(&rate, four(many + 2), 5, later), 2);
        assert_eq!(rate.lock().own.len(), 1, "the others were full");
    }

    #[test]
    fn without_a_rate_there_is_no_limit() {
        assert!(Rate::new(0, 9).is_none());
    }
}
