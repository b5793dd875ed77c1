//! One row per refusal.

use super::{DecodeError, decode, outline};

/// Key and value of a field, for the hand-written bytes below.
fn varint(number: u8, value: u8) -> Vec<u8> {
    vec![number << 3, value]
}

fn delimited(number: u8, bytes: &[u8]) -> Vec<u8> {
    let key = u16::from(number) << 3 | 2;
    let mut field = match u8::try_from(key) {
        Ok(key @ 0..0x80) => vec![key],
        _ => vec![(key & 0x7f | 0x80) as u8, (key >> 7) as u8],
    };
    field.push(u8::try_from(bytes.len()).unwrap());
    field.extend(bytes);
    field
}

/// A record with nothing but what has to be there, and those bytes behind it.
fn with(rest: &[&[u8]]) -> Vec<u8> {
    [&varint(7, 1)[..], &rest.concat()].concat()
}

const EVENT_ID: [u8; 16] = [7; 16];

#[test]
fn each_refusal_names_the_field() {
    use DecodeError::*;
    let completed = delimited(25, &delimited(1, &EVENT_ID));
    let settled = |fields: &[&[u8]]| delimited(34, &fields.concat());
    let big = |key: u8| [&[key][..], &[0xff; 9], &[2]].concat();

    assert!(decode(&with(&[&completed])).is_ok());
    assert!(decode(&with(&[&settled(&[&varint(8, 1)])])).is_ok());

    let rows: &[(&str, Vec<u8>, DecodeError)] = &[
        ("no bytes", vec![], UnknownValue { field: "StoredRecord.auth", number: 0 }),
        ("no event", with(&[]), NoEvent),
        ("an event of a later format", with(&[&delimited(45, &[])]), NoEvent),
        ("a field cut short", with(&[&completed[..9]]), Truncated { field: "StoredRecord.training_completed" }),
        ("text cut short", with(&[&[0x32, 5, b'a']]), Truncated { field: "StoredRecord.actor" }),
        ("a number cut short", with(&[&[0x08, 0x80]]), Truncated { field: "StoredRecord.position" }),
        ("a time cut short", with(&[&[0x21, 1, 2, 3]]), Truncated { field: "StoredRecord.occurred_at" }),
        (
            "a length beyond every address",
            with(&[&[0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]]),
            Truncated { field: "StoredRecord.actor" },
        ),
        ("an unknown field cut short", with(&[&completed, &[0x7d, 1]]), Truncated { field: "StoredRecord" }),
        ("a key cut short", with(&[&completed, &[0xff]]), Truncated { field: "StoredRecord" }),
        ("a number of 71 bits", with(&[&big(0x08)]), Overlong { field: "StoredRecord.position" }),
        ("a key of 71 bits", with(&[&big(0xff)]), Overlong { field: "StoredRecord" }),
        ("zeros behind the record", with(&[&completed, &[0, 0]]), NotAField { message: "StoredRecord", key: 0 }),
        (
            "zeros behind a message in it",
            with(&[&delimited(25, &[&delimited(1, &EVENT_ID)[..], &[0]].concat())]),
            NotAField { message: "StoredTrainingCompleted", key: 0 },
        ),
        ("a group", with(&[&completed, &[0x7b, 0x7c]]), NotAField { message: "StoredRecord", key: 0x7b }),
        ("a wire type that is none", with(&[&completed, &[0x7f]]), NotAField { message: "StoredRecord", key: 0x7f }),
        (
            "a key of more than 32 bits",
            with(&[&completed, &[0x80, 0x80, 0x80, 0x80, 0x10, 0]]),
            NotAField { message: "StoredRecord", key: 1 << 32 },
        ),
        (
            "a known field under a key with a byte too many",
            with(&[&completed, &[0x88, 0, 5]]),
            NotAField { message: "StoredRecord", key: 0x08 },
        ),
        (
            "an event under a key with a byte too many",
            with(&[&completed, &[0xca, 0x81, 0, 0]]),
            NotAField { message: "StoredRecord", key: 25 << 3 | 2 },
        ),
        ("a number as bytes", with(&[&[0x0a, 0]]), WireType { field: "StoredRecord.position" }),
        ("an event as a number", with(&[&[0xc8, 1, 0]]), WireType { field: "StoredRecord.training_completed" }),
        ("a number twice", with(&[&varint(1, 5), &varint(1, 6)]), Repeated { field: "StoredRecord.position" }),
        (
            "a number of its own presence twice",
            with(&[&varint(2, 0), &varint(2, 0)]),
            Repeated { field: "StoredRecord.previous_position" },
        ),
        ("text twice", with(&[&delimited(6, b"a"), &delimited(6, b"b")]), Repeated { field: "StoredRecord.actor" }),
        ("two events", with(&[&completed, &delimited(29, &[8, 1])]), Repeated { field: "StoredRecord.survey_filled" }),
        (
            "a message twice",
            with(&[&delimited(39, &[&varint(1, 1)[..], &delimited(4, &[]), &delimited(4, &[])].concat())]),
            Repeated { field: "StoredOutcomeException.outcome" },
        ),
        (
            "no message where there always is one",
            with(&[&delimited(39, &[varint(1, 1), varint(3, 1), varint(5, 1)].concat())]),
            Missing { field: "StoredOutcomeException.outcome" },
        ),
        (
            "a short participant",
            with(&[&delimited(3, &[1; 15]), &completed]),
            Length { field: "StoredRecord.participant", expected: 16, found: 15 },
        ),
        (
            "no id",
            with(&[&delimited(25, &[])]),
            Length { field: "StoredTrainingCompleted.purchase", expected: 16, found: 0 },
        ),
        (
            "a long digest",
            with(&[&delimited(66, &[delimited(1, &EVENT_ID), delimited(2, &[1; 33])].concat())]),
            Length { field: "StoredDisbursementRunApproved.items_sha256", expected: 32, found: 33 },
        ),
        (
            "no partner",
            with(&[&delimited(40, &[])]),
            UnknownValue { field: "StoredExceptionResolved.partner", number: 0 },
        ),
        (
            "a reason that no list has",
            with(&[&settled(&[&varint(6, 12), &varint(8, 1)])]),
            UnknownValue { field: "StoredPayoutOutcome.reason", number: 12 },
        ),
        (
            "evidence that fits in no byte",
            with(&[&settled(&[&[0x40, 0x81, 0x02]])]),
            UnknownValue { field: "StoredPayoutOutcome.evidence", number: 257 },
        ),
        (
            "a survey above 255",
            with(&[&delimited(29, &[8, 0x80, 2])]),
            OutOfRange { field: "StoredSurveyFilled.survey_number", number: 256 },
        ),
        (
            "a year above 32,767",
            with(&[&delimited(64, &[8, 0x80, 0x80, 2])]),
            OutOfRange { field: "StoredBalancePeriodClosed.year", number: 32_768 },
        ),
        (
            "a wave of 33 bits",
            with(&[&delimited(62, &[8, 0x80, 0x80, 0x80, 0x80, 0x10])]),
            OutOfRange { field: "StoredWaveClosed.wave", number: 1 << 32 },
        ),
        (
            "days that fit in no 16 bits, in a list",
            with(&[&delimited(
                60,
                &[&delimited(6, &[])[..], &delimited(7, &[]), &delimited(9, &[1, 0x80, 0x80, 4])].concat(),
            )]),
            OutOfRange { field: "StoredSchemeEnacted.survey_opening_days", number: 65_536 },
        ),
        (
            "a date of 33 bits",
            with(&[&delimited(41, &[0x18, 0x80, 0x80, 0x80, 0x80, 0x10])]),
            OutOfRange { field: "StoredIneligibilityFound.evidence_date", number: 1 << 32 },
        ),
        ("text that is none", with(&[&delimited(6, b"a\xff"), &completed]), NotUtf8 { field: "StoredRecord.actor" }),
        (
            "text that is none, in an event",
            with(&[&delimited(42, &delimited(2, b"\xc3"))]),
            NotUtf8 { field: "StoredIneligibilityWithdrawn.case_number" },
        ),
    ];
    for (what, bytes, expected) in rows {
        assert_eq!(decode(bytes).as_ref(), Err(expected), "{what}");
    }
    for error in rows.iter().map(|(_, _, error)| error) {
        assert!(error.to_string().starts_with("Stored"), "{error}");
    }
}

#[test]
fn the_outline_alone_is_read_in_any_place_or_refused() {
    let id = delimited(3, &EVENT_ID);
    // Position 7, and recorded_at one nanosecond after 1970.
    let (position, recorded_at) = ([8, 7], [41, 1, 0, 0, 0, 0, 0, 0, 0]);
    let whole = [&position[..], &id, &recorded_at].concat();
    type Found = Result<(u64, bool), DecodeError>;
    let rows: &[(&str, Vec<u8>, Found)] = &[
        ("no participant", with(&[]), Ok((0, false))),
        ("behind other fields", [&delimited(29, &[8, 1])[..], &whole].concat(), Ok((7, true))),
        ("the other way round", [&recorded_at[..], &id, &position].concat(), Ok((7, true))),
        ("before what is damaged", [&whole[..], &[0]].concat(), Ok((7, true))),
        (
            "behind what is damaged",
            [&[0][..], &whole].concat(),
            Err(DecodeError::NotAField { message: "StoredRecord", key: 0 }),
        ),
        (
            "short",
            delimited(3, &[1; 4]),
            Err(DecodeError::Length { field: "StoredRecord.participant", expected: 16, found: 4 }),
        ),
        ("as a number", vec![0x18, 1], Err(DecodeError::WireType { field: "StoredRecord.participant" })),
    ];
    for (what, bytes, expected) in rows {
        let found = outline(bytes).map(|outline| (outline.position, outline.participant.is_some()));
        assert_eq!(found, *expected, "{what}");
    }
}
