//! Identifiers. On the API they are text; in the log 16 raw bytes (UUIDs) or 32 (digests).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Text that is no UUID in its hyphenated form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")]
pub struct NotAnId;

macro_rules! uuid_newtypes {
    ($($(#[$doc:meta])+ $name:ident;)+) => {$(
        $(#[$doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                uuid::Uuid::from_bytes(self.0).hyphenated().fmt(f)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                uuid::Uuid::from_bytes(id.0).hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()).to_owned()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl std::str::FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                if text.len() != 36 {
                    return Err(NotAnId);
                }
                uuid::Uuid::try_parse(text).map(|id| Self(id.into_bytes())).map_err(|_| NotAnId)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
    )+};
}

uuid_newtypes! {
    /// One person's single, lifelong membership.
    ParticipantId;
    /// One purchase of a course on a platform.
    PurchaseId;
    /// One registration of a payout account.
    LinkId;
    /// One case of staff or of the deadline job: a revocation, a reinstatement, a withdrawn completion.
    CaseId;
    /// One disbursement run.
    RunId;
    /// One demand for repayment.
    DemandId;
}

/// 32 bytes: an HMAC-SHA-256 of a national identity or family-card number, or a SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    /// Lower-case hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// Number of a wave (gelombang), from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wave(pub u32);

impl From<Wave> for i64 {
    fn from(wave: Wave) -> Self {
        wave.0.into()
    }
}

impl fmt::Display for Wave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Code of a kabupaten or kota without its dot: 12.75 (Kota Binjai) is 1275.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(pub u16);

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl Serialize for Region {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl std::str::FromStr for Region {
    type Err = NotARegion;

    fn from_str(text: &str) -> Result<Self, NotARegion> {
        let [a, b, b'.', c, d] = text.as_bytes() else { return Err(NotARegion) };
        [a, b, c, d]
            .into_iter()
            .try_fold(0u16, |code, digit| digit.is_ascii_digit().then(|| code * 10 + u16::from(digit - b'0')))
            .map(Region)
            .ok_or(NotARegion)
    }
}

/// Text that is no code of a kabupaten or kota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a kabupaten or kota code of the form NN.NN")]
pub struct NotARegion;

/// A log position, the reference under which a partner knows an instruction: 20 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// The position as a partner's reference, 20 digits (DOMAIN section 1, *instruction*).
    #[must_use]
    pub fn reference(self) -> String {
        let (mut text, mut rest) = (*b"00000000000000000000", self.0);
        for digit in text.iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The position that a partner's reference names; `None` unless it is exactly 20 digits.
    #[must_use]
    pub fn from_reference(text: &str) -> Option<Self> {
        (text.len() == 20 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok().map(Self)).flatten()
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_round_trip() {
        let id: ParticipantId = "0190b2c4-6f1e-7abc-8def-0123456789ab".parse().unwrap();
        assert_eq!(id.to_string(), "0190b2c4-6f1e-7abc-8def-0123456789ab");
        assert_eq!(String::from(id), id.to_string());
        assert_eq!("12.75".parse::<Region>().unwrap(), Region(1275));
        assert_eq!(Region(1101).to_string(), "11.01");
        for (position, text) in
            [(0, "00000000000000000000"), (7, "00000000000000000007"), (u64::MAX, "18446744073709551615")]
        {
            assert_eq!(Position(position).reference(), text);
            assert_eq!(Position::from_reference(text), Some(Position(position)));
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "0190b2c46f1e7abc8def0123456789ab", "{190b2c4-6f1e-7abc-8def-0123456789ab}", "é"] {
            assert_eq!(text.parse::<ParticipantId>(), Err(NotAnId), "{text}");
        }
        for text in ["", "1275", "12.7", "12.7a", "12,75"] {
            assert_eq!(text.parse::<Region>(), Err(NotARegion), "{text}");
        }
        for text in ["7", "0000000000000000000a", "+0000000000000000007", "99999999999999999999"] {
            assert_eq!(Position::from_reference(text), None, "{text}");
        }
    }
}
