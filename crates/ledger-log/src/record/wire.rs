//! Protobuf's bytes: keys, varints, lengths.

use super::DecodeError;

/// How a field's bytes are laid out: the lower three bits of its key.
pub(super) mod wire_type {
    pub(in crate::record) const VARINT: u32 = 0;
    pub(in crate::record) const FIXED64: u32 = 1;
    pub(in crate::record) const DELIMITED: u32 = 2;
    pub(in crate::record) const FIXED32: u32 = 5;
}

/// The bytes of one message that are not read yet.
#[derive(Clone, Copy)]
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    #[inline(always)]
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline(always)]
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes the key if it comes next. `key` is below 128: one byte.
    #[inline(always)]
    pub(super) fn take_key(&mut self, key: u32) -> bool {
        match self.0 {
            [first, rest @ ..] if u32::from(*first) == key => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// The number and wire type of the next field if its key has two bytes, without taking it.
    #[inline(always)]
    pub(super) fn peek_long_key(&self) -> Option<(u32, u32)> {
        match self.0 {
            [first @ 0x80..=0xff, second @ 1..0x80, ..] => {
                let key = u32::from(*first & 0x7f) | u32::from(*second) << 7;
                Some((key >> 3, key & 7))
            }
            _ => None,
        }
    }

    /// Takes the key that [`Self::peek_long_key`] saw.
    #[inline(always)]
    pub(super) fn take_long_key(&mut self) {
        self.0 = self.0.get(2..).unwrap_or_default();
    }

    #[inline(always)]
    pub(super) fn varint(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        match self.0 {
            [first @ 0..0x80, rest @ ..] => {
                self.0 = rest;
                Ok(u64::from(*first))
            }
            [first, second @ 0..0x80, rest @ ..] => {
                self.0 = rest;
                Ok(u64::from(*first & 0x7f) | u64::from(*second) << 7)
            }
            _ => self.long_varint(field),
        }
    }

    /// A number of three bytes or more: of up to eight at once, where as many are there.
    #[inline]
    fn long_varint(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        const ENDS: u64 = 0x8080_8080_8080_8080;
        if let Some(eight) = self.0.first_chunk() {
            let eight = u64::from_le_bytes(*eight);
            let ends = !eight & ENDS;
            if ends > 0 {
                self.0 = self.0.get(ends.trailing_zeros() as usize / 8 + 1..).unwrap_or_default();
                // The bytes up to the first end, seven bits of each; then groups of 7, 14 and 28 bits moved together.
                let bits = eight & (ends ^ (ends - 1)) & !ENDS;
                let bits = bits & 0x007F_007F_007F_007F | (bits & 0x7F00_7F00_7F00_7F00) >> 1;
                let bits = bits & 0x0000_3FFF_0000_3FFF | (bits & 0x3FFF_0000_3FFF_0000) >> 2;
                return Ok(bits & 0x0FFF_FFFF | (bits & 0x0FFF_FFFF_0000_0000) >> 4);
            }
        }
        self.longer_varint(field)
    }

    #[cold]
    fn longer_varint(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        let mut value = 0;
        for (index, &byte) in self.0.iter().enumerate().take(10) {
            // Of the tenth byte only the lowest bit is left.
            if index == 9 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.0 = &self.0[index + 1..];
                return Ok(value);
            }
        }
        Err(if self.0.len() < 10 { DecodeError::Truncated { field } } else { DecodeError::Overlong { field } })
    }

    #[inline(always)]
    pub(super) fn fixed64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(DecodeError::Truncated { field })?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// A length and as many bytes.
    #[inline(always)]
    pub(super) fn delimited(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let length = self.varint(field)?;
        let split = usize::try_from(length).ok().and_then(|length| self.0.split_at_checked(length));
        let (bytes, rest) = split.ok_or(DecodeError::Truncated { field })?;
        self.0 = rest;
        Ok(bytes)
    }

    /// Takes a field that `message` does not know. `known` are the fields that were not it: one of their numbers means that
    /// the field is stored differently from its type.
    #[cold]
    pub(super) fn skip(&mut self, message: &'static str, known: &[(u32, &'static str)]) -> Result<(), DecodeError> {
        let before = self.0;
        let key = self.varint(message)?;
        let not_a_field = DecodeError::NotAField { message, key };
        let key = u32::try_from(key).map_err(|_| not_a_field)?;
        // A key in more bytes than it needs is legal protobuf, but nobody writes it, and here it could hide a known field.
        let needed = key.checked_ilog2().unwrap_or_default() as usize / 7 + 1;
        if key >> 3 == 0 || before.len() - self.len() != needed {
            return Err(not_a_field);
        }
        if let Some(&(_, field)) = known.iter().find(|(number, _)| *number == key >> 3) {
            return Err(DecodeError::WireType { field });
        }
        match key & 7 {
            wire_type::VARINT => self.varint(message).map(drop),
            wire_type::FIXED64 => self.fixed64(message).map(drop),
            wire_type::DELIMITED => self.delimited(message).map(drop),
            wire_type::FIXED32 => {
                self.0 = self.0.get(4..).ok_or(DecodeError::Truncated { field: message })?;
                Ok(())
            }
            // Groups, which proto3 cannot declare, and two values that mean nothing.
            _ => Err(not_a_field),
        }
    }
}

#[inline(always)]
pub(super) fn put_key(number: u32, wire_type: u32, out: &mut Vec<u8>) {
    put_varint(u64::from(number << 3 | wire_type), out);
}

#[inline(always)]
pub(super) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// A field whose length is known only after `write`: one byte is kept for it, and the rest moved where it takes more.
#[inline(always)]
pub(super) fn put_delimited(number: u32, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    put_key(number, wire_type::DELIMITED, out);
    let start = out.len() + 1;
    out.push(0);
    write(out);
    match u8::try_from(out.len() - start) {
        Ok(length @ 0..0x80) => out[start - 1] = length,
        _ => widen_length(start, out),
    }
}

#[cold]
fn widen_length(start: usize, out: &mut Vec<u8>) {
    let length = out.len() - start;
    let extra = (length.ilog2() / 7) as usize;
    out.extend_from_slice(&[0; 10][..extra]);
    out.copy_within(start..start + length, start + extra);
    for (index, byte) in out[start - 1..start + extra].iter_mut().enumerate() {
        let more = if index < extra { 0x80 } else { 0 };
        *byte = (length >> (7 * index)).to_le_bytes()[0] & 0x7f | more;
    }
}
