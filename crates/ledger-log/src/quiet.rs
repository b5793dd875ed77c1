//! Panics of the store become errors: on damaged files sled panics where it should refuse.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; a panic in it is returned as its message and not printed.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let of_the_store = std::thread::current().name().is_some_and(|name| name.starts_with("sled-"));
            if !QUIET.with(Cell::get) && !of_the_store {
                before(info);
            }
        }));
    });
    // What the work leaves half-done is never used again: the caller gives up the volume.
    let outer = QUIET.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(outer);
    result.map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(super::catch(|| 5), Ok(5));
        assert_eq!(super::catch(|| -> u8 { panic!("page {} is odd", 3) }), Err("page 3 is odd".to_owned()));
        assert_eq!(super::catch(|| -> u8 { panic!("plain") }), Err("plain".to_owned()));
    }
}
