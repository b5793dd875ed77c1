//! Colours: on a terminal only, and not where NO_COLOR asks for none (<https://no-color.org>).

use std::fmt;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether this process paints what it prints. Off until [`decide`] looked at where it prints to.
static PAINT: AtomicBool = AtomicBool::new(false);

/// Paints from now on if the standard output is a terminal that can show it and nobody asked for plain text.
pub fn decide() {
    let asked_not = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    PAINT.store(std::io::stdout().is_terminal() && !asked_not && !dumb, Ordering::Relaxed);
}

/// Whether anything is painted.
#[must_use]
pub fn painted() -> bool {
    PAINT.load(Ordering::Relaxed)
}

/// Something that is painted where that is wanted.
pub struct Painted<T>(&'static str, T);

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(code, what) = self;
        if painted() { write!(f, "\x1b[{code}m{what}\x1b[0m") } else { what.fmt(f) }
    }
}

/// What is as it must be: green.
pub fn good<T: fmt::Display>(what: T) -> Painted<T> {
    Painted("32", what)
}

/// What is not: red and bold.
pub fn bad<T: fmt::Display>(what: T) -> Painted<T> {
    Painted("1;31", what)
}

/// A heading: bold.
pub fn heading<T: fmt::Display>(what: T) -> Painted<T> {
    Painted("1", what)
}
