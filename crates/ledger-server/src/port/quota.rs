//! Calls in flight by caller: one who sends ever more waits for their own, not others for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Calls of one caller at a time.
const MOST: usize = 1_024;

/// How many calls each caller has in flight.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quota(Arc<Mutex<HashMap<Arc<str>, usize>>>);

impl Quota {
    /// One more call; `None` where there are too many.
    pub(crate) fn enter(&self, caller: &Arc<str>) -> Option<Entered> {
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = callers.entry(Arc::clone(caller)).or_default();
        if *count >= MOST {
            return None;
        }
        *count += 1;
        Some(Entered { name: Arc::clone(caller), quota: self.clone() })
    }
}

/// A call that counts, until it is dropped.
#[derive(Debug)]
pub(crate) struct Entered {
    name: Arc<str>,
    quota: Quota,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut callers = self.quota.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = callers.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                callers.remove(&self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_a_limit_of_their_own() {
        let (quota, budi) = (Quota::default(), "officer/budi".into());
        let mut entered: Vec<_> = (0..MOST).map(|_| quota.enter(&budi).expect("room")).collect();
        assert!(quota.enter(&budi).is_none());
        let other = quota.enter(&"officer/rina".into()).expect("another's calls are not hers");
        entered.pop();
        entered.push(quota.enter(&budi).expect("room again"));
        drop((entered, other));
        assert!(quota.0.lock().expect("whole").is_empty(), "nothing is kept of callers who have gone");
    }
}
