//! The jobs that a clock starts.

use std::time::Instant;

use ledger_core::codes::Auth;
use ledger_core::time::Date;

use crate::engine::{Actor, Engine, Said, now};
use crate::schedule::{self, TimeOfDay};

/// Runs the deadline job every day at a time in WIB, until the task is ended. What a run was cut off from is found by
/// the next one: it takes all that has passed as of its date.
pub(crate) async fn deadlines(at: TimeOfDay, engine: Engine) {
    tracing::info!(%at, "the deadline job is scheduled, WIB");
    let sleep = async |duration| {
        tokio::time::sleep(duration).await;
        true
    };
    schedule::daily(at, now, sleep, |date| run_deadlines(engine.clone(), date)).await;
}

/// `false` where it must be tried again.
async fn run_deadlines(engine: Engine, as_of: Date) -> bool {
    let actor = Actor { name: "job/deadlines".to_owned(), auth: Auth::Internal };
    let start = Instant::now();
    let passed = match engine.run_deadlines(actor, as_of, Said::default()).await {
        Ok(Ok(passed)) => passed,
        Ok(Err(rejection)) => {
            tracing::error!(%as_of, reason = rejection.reason(), "deadline job refused; it is tried again");
            return false;
        }
        Err(unavailable) => {
            tracing::error!(%as_of, reason = %unavailable, "deadline job cut off; it is tried again");
            return false;
        }
    };
    tracing::info!(
        %as_of,
        participants = passed.participants,
        revoked = passed.revoked.iter().sum::<u64>(),
        in_doubt = passed.in_doubt,
        recalled = passed.recalled,
        milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        "deadline job done"
    );
    true
}
