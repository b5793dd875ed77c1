//! How far the streams of instructions are: measured when somebody looks, so that one that stands still is seen to fall behind.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use ledger_core::codes::Partner;

/// Whose stream it is, and the position that it reached.
type Open = (Partner, Weak<AtomicU64>);

/// The streams that are open.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lags(Arc<Mutex<Vec<Open>>>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lag(Arc<AtomicU64>);

impl Lags {
    /// A stream of a partner's instructions begins at a position.
    pub(crate) fn open(&self, partner: Partner, from: u64) -> Lag {
        let reached = Arc::new(AtomicU64::new(from));
        let mut lags = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that have ended go now: the list is no longer than the streams that there were at once.
        lags.retain(|(_, lag)| lag.strong_count() > 0);
        lags.push((partner, Arc::downgrade(&reached)));
        Lag(reached)
    }

    /// How many records the slowest stream of each partner is behind a log of that size.
    pub(crate) fn behind(&self, size: u64) -> BTreeMap<Partner, u64> {
        let lags = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut slowest = BTreeMap::new();
        for (partner, lag) in &*lags {
            let Some(reached) = lag.upgrade() else { continue };
            let behind = size.saturating_sub(reached.load(Ordering::Relaxed));
            let slowest = slowest.entry(*partner).or_default();
            *slowest = behind.max(*slowest);
        }
        slowest
    }
}

impl Lag {
    /// All instructions before this position have been handed over.
    pub(crate) fn reached(&self, position: u64) {
        self.0.store(position, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_open_stream_of_each_partner_counts() {
        let lags = Lags::default();
        assert!(lags.behind(100).is_empty(), "nobody reads");
        let (quick, slow) = (lags.open(Partner::Gopay, 0), lags.open(Partner::Gopay, 0));
        let other = lags.open(Partner::Dana, 100);
        quick.reached(100);
        slow.reached(40);
        assert_eq!(lags.behind(100), BTreeMap::from([(Partner::Gopay, 60), (Partner::Dana, 0)]));
        assert_eq!(lags.behind(150), BTreeMap::from([(Partner::Gopay, 110), (Partner::Dana, 50)]), "it stands still");
        drop((slow, other));
        assert_eq!(lags.behind(150), BTreeMap::from([(Partner::Gopay, 50)]));
        let again = lags.open(Partner::Gopay, 150);
        assert_eq!(lags.0.lock().expect("whole").len(), 2, "those that ended are forgotten");
        drop(again);
    }
}
