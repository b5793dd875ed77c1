//! Pages of lists: their size, and the token that leads to the next one.
//!
//! A token is a place in an order that never changes (of selection, of the log, of planning), so writes move nothing to
//! another page. It is bound to the list and its filter by a digest: opaque, and refused where either differs.

use ledger_log::leaf_hash;
use tonic::Status;

use crate::status::Invalid;

/// Items of a page whose size is not given.
const USUAL: usize = 100;
/// Most items of a page.
const MOST: i32 = 1_000;

/// The page that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Most items.
    pub(super) size: usize,
    /// Where it begins; `None`: at the beginning.
    pub(super) from: Option<u64>,
}

/// Checks what a request says of its page; `list` is the list's name and its filter in any form.
pub(super) fn page(list: &str, page_size: i32, page_token: &str) -> Result<Page, Status> {
    let size = match page_size {
        0 => USUAL,
        1..=MOST => usize::try_from(page_size).unwrap_or(USUAL),
        _ => return Err(Invalid::field("page_size", format!("must be 1 to {MOST}, or 0 for {USUAL}")).status()),
    };
    if page_token.is_empty() {
        return Ok(Page { size, from: None });
    }
    let place = page_token.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    match place.filter(|place| token(list, *place) == page_token) {
        Some(place) => Ok(Page { size, from: Some(place) }),
        None => {
            let rule =
                "is no token of this list with this filter: send the next_page_token as it was, and the same filter";
            Err(Invalid::field("page_token", rule).status())
        }
    }
}

/// The token of the page that begins at a place.
pub(super) fn token(list: &str, place: u64) -> String {
    let digest = leaf_hash(format!("page of {list} from {place}").as_bytes());
    let check: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{place:016x}{check}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_on_in_its_own_list_only() {
        let token = token("people of wave 1", 4_711);
        assert_eq!(page("people of wave 1", 0, &token).unwrap(), Page { size: USUAL, from: Some(4_711) });
        let mut tampered = token.clone();
        tampered.replace_range(15..16, if token.as_bytes()[15] == b'0' { "1" } else { "0" });
        let upper = token.to_uppercase();
        let rows = [
            ("people of wave 2", token.as_str()),
            ("people of wave 1", &tampered),
            ("people of wave 1", &token[..31]),
            ("people of wave 1", "é000000000000000"),
            ("people of wave 1", if upper == token { "x" } else { &upper }),
        ];
        for (list, text) in rows {
            assert!(page(list, 0, text).is_err(), "{list} {text}");
        }
        for size in [-1, 1_001, i32::MIN] {
            assert!(page("", size, "").is_err(), "{size}");
        }
    }
}
