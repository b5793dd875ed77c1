//! The two clocks: what was known at K, as of D. Every figure by hand.

use serde_json::Value;

use crate::support::*;

/// Arguments, `as_of` and `known_at` of the answer, and the accounts that are not zero.
type Row = (&'static [&'static str], Option<&'static str>, u64, &'static [(&'static str, i64)]);

const NOTHING: &[(&str, i64)] = &[];
const BEFORE_COMPLETION: &[(&str, i64)] = &[
    ("budget", -10_650_000),
    ("training-balance", 2_100_000),
    ("incentives-committed", 7_650_000),
    ("platform-unearned:tokopedia", 500_000),
    ("platform-unearned:bukalapak", 400_000),
];
/// On 10 June as known then: nobody knew yet that Citra had completed.
const JUNE_AS_KNOWN: &[(&str, i64)] = &[
    ("budget", -10_650_000),
    ("training-balance", 1_100_000),
    ("incentives-committed", 4_500_000),
    ("platform-unearned:bukalapak", 400_000),
    ("platform-earned:tokopedia", 500_000),
    ("received", 600_000),
    ("forfeited", 1_000_000),
    ("treasury-returned", 2_550_000),
];
/// On 10 June as known later.
const JUNE: &[(&str, i64)] = &[
    ("budget", -10_650_000),
    ("training-balance", 1_100_000),
    ("incentives-committed", 4_500_000),
    ("platform-earned:tokopedia", 500_000),
    ("platform-earned:bukalapak", 400_000),
    ("received", 600_000),
    ("forfeited", 1_000_000),
    ("treasury-returned", 2_550_000),
];
const IN_TRANSIT: &[(&str, i64)] = &[
    ("budget", -10_650_000),
    ("training-balance", 2_100_000),
    ("incentives-committed", 7_050_000),
    ("platform-unearned:bukalapak", 400_000),
    ("platform-earned:tokopedia", 500_000),
    ("in-transit:gopay", 600_000),
];
const LAPSED: &[(&str, i64)] = &[
    ("budget", -10_650_000),
    ("incentives-committed", 4_500_000),
    ("platform-earned:tokopedia", 500_000),
    ("platform-earned:bukalapak", 400_000),
    ("received", 600_000),
    ("forfeited", 1_000_000),
    ("lapsed", 1_100_000),
    ("treasury-returned", 2_550_000),
];
const END: &[(&str, i64)] = &[
    ("budget", -10_650_000),
    ("platform-earned:tokopedia", 500_000),
    ("platform-earned:bukalapak", 400_000),
    ("received", 600_000),
    ("forfeited", 1_000_000),
    ("lapsed", 1_100_000),
    ("treasury-returned", 7_050_000),
];

const ROWS: &[Row] = &[
    (&[], Some("2021-01-05"), 28, END),
    (&["--as-of", "2021-01-05"], Some("2021-01-05"), 28, END),
    (&["--as-of", "2030-01-01"], Some("2030-01-01"), 28, END),
    (&["--as-of", "2021-01-04"], Some("2021-01-04"), 28, LAPSED),
    (&["--as-of", "2020-12-31"], Some("2020-12-31"), 28, LAPSED),
    (&["--as-of", "2020-12-15"], Some("2020-12-15"), 28, JUNE),
    (&["--as-of", "2020-06-10"], Some("2020-06-10"), 28, JUNE),
    (&["--as-of", "2020-06-10", "--known-at", "22"], Some("2020-06-10"), 23, JUNE_AS_KNOWN),
    (&["--as-of", "2020-06-10", "--known-at", "2020-06-20T02:59:59Z"], Some("2020-06-10"), 23, JUNE_AS_KNOWN),
    (&["--as-of", "2020-06-10", "--known-at", "2020-06-20T10:00:00+07:00"], Some("2020-06-10"), 24, JUNE),
    (&["--known-at", "25"], Some("2020-06-21"), 26, JUNE),
    (&["--known-at", "2020-12-31T00:00:00Z"], Some("2020-12-16"), 27, LAPSED),
    (&["--known-at", "14"], Some("2020-05-08"), 15, IN_TRANSIT),
    (&["--known-at", "8"], Some("2020-04-16"), 9, BEFORE_COMPLETION),
    (&["--as-of", "2020-04-30"], Some("2020-04-30"), 28, BEFORE_COMPLETION),
    (&["--as-of", "2020-04-10"], Some("2020-04-10"), 28, NOTHING),
    (&["--known-at", "0"], Some("2020-04-01"), 1, NOTHING),
    (&["--known-at", "2019-01-01T00:00:00Z"], None, 0, NOTHING),
];

#[test]
fn trial_balances_are_those_of_the_day_and_of_what_was_known() {
    let log = story_log();
    for (args, as_of, known_at, expected) in ROWS {
        let said = on(log.path(), &[&["trial-balance", "--json"], *args].concat());
        assert_eq!(said.code, 0, "{args:?}: {said:?}");
        let document = said.json();
        assert_eq!(document["as_of"].as_str(), *as_of, "{args:?}");
        assert_eq!(document["known_at"], *known_at, "{args:?}");
        assert_eq!(document["sum"], "0", "{args:?}");
        let expected: Vec<_> = expected.iter().map(|(account, amount)| ((*account).to_owned(), *amount)).collect();
        assert_eq!(accounts(&document), expected, "{args:?}");
    }
}

/// All participants' accounts added up, against the trial balance of the same question.
#[test]
fn participants_add_up_to_the_trial_balance_at_every_clock() {
    let log = story_log();
    for (args, as_of, known_at, expected) in ROWS {
        let document = on(log.path(), &[&["balances", "--json"], *args].concat()).json();
        assert_eq!((document["as_of"].as_str(), &document["known_at"]), (*as_of, &Value::from(*known_at)), "{args:?}");
        let mut sums = std::collections::BTreeMap::new();
        for person in document["participants"].as_array().expect("a list") {
            for (account, amount) in person["accounts"].as_object().expect("accounts") {
                let amount: i64 = amount.as_str().and_then(|text| text.parse().ok()).expect("rupiah");
                *sums.entry(account.clone()).or_insert(0) += amount;
            }
        }
        sums.retain(|_, amount| *amount != 0);
        let expected: std::collections::BTreeMap<_, _> =
            expected.iter().map(|(account, amount)| ((*account).to_owned(), *amount)).collect();
        assert_eq!(sums, expected, "{args:?}");
    }
}

/// Who, clocks, and of the first two training incentives: status, due, held.
type Held = (&'static [&'static str], [(&'static str, Option<&'static str>, Option<&'static str>); 2]);

#[test]
fn why_money_is_held_depends_on_the_day() {
    let log = story_log();
    let rows: &[(&str, Held)] = &[
        (
            "ani",
            (&["--as-of", "2020-04-20"], [("locked", None, Some("not-earned")), ("locked", None, Some("not-earned"))]),
        ),
        (
            "ani",
            (
                &["--as-of", "2020-05-07"],
                [("locked", Some("2020-05-08"), Some("not-due")), ("locked", Some("2020-06-08"), Some("not-due"))],
            ),
        ),
        (
            "ani",
            (
                &["--known-at", "11", "--as-of", "2020-05-08"],
                [("payable", Some("2020-05-08"), None), ("locked", Some("2020-06-08"), Some("not-due"))],
            ),
        ),
        (
            "ani",
            (
                &["--as-of", "2020-05-08"],
                [("in-transit", Some("2020-05-08"), None), ("locked", Some("2020-06-08"), Some("not-due"))],
            ),
        ),
        (
            "ani",
            (
                &["--as-of", "2020-06-09"],
                [("settled", Some("2020-05-08"), None), ("held", Some("2020-06-08"), Some("account-fault"))],
            ),
        ),
        ("ani", (&[], [("settled", Some("2020-05-08"), None), ("held", Some("2020-06-08"), Some("wave-closed"))])),
        ("budi", (&[], [("held", None, Some("membership-revoked")), ("held", None, Some("membership-revoked"))])),
        (
            "citra",
            (
                &["--as-of", "2020-07-01"],
                [("held", Some("2020-06-26"), Some("no-account")), ("locked", Some("2020-07-26"), Some("not-due"))],
            ),
        ),
    ];
    for (who, (args, expected)) in rows {
        let id = match *who {
            "ani" => ANI,
            "budi" => BUDI,
            _ => CITRA,
        };
        let said = on(log.path(), &[&["participant", &id.to_string(), "--json"], *args].concat());
        assert_eq!(said.code, 0, "{who} {args:?}: {said:?}");
        let document = said.json();
        for (place, (status, due, held)) in expected.iter().enumerate() {
            let entitlement = &document["entitlements"][place];
            let found = (&entitlement["status"], entitlement["due"].as_str(), entitlement["held"].as_str());
            assert_eq!(found, (&Value::from(*status), *due, *held), "{who} {args:?} {place}");
        }
    }
}
