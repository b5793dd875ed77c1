//! The jobs that a clock starts.

use ledger_core::codes::Auth;
use ledger_core::time::Date;

use crate::engine::{Actor, Engine, now};
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
    let _actor = Actor { name: "job/deadlines".to_owned(), auth: Auth::Internal };
    let _ = engine;
    tracing::info!(%as_of, "deadline job");
    true
}
