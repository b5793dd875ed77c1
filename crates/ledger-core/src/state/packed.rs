//! Numbers as varints: seven bits a byte, the least first.

pub(super) fn put_varint(mut value: u64, mut put: impl FnMut(u8)) {
    while value >= 0x80 {
        put((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    put(value as u8);
}

pub(super) fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, others) = rest.split_first()?;
    *rest = others;
    Some(*first)
}

/// The next number; `None` where there is no whole one.
#[inline]
pub(super) fn varint(rest: &mut &[u8]) -> Option<u64> {
    // Mostly one byte.
    let (first, others) = rest.split_first()?;
    if *first < 0x80 {
        *rest = others;
        return Some((*first).into());
    }
    match rest.first_chunk() {
        Some(eight) => long_varint(u64::from_le_bytes(*eight), rest),
        None => slow_varint(rest),
    }
}

const ENDS: u64 = 0x8080_8080_8080_8080;

/// A number of up to eight bytes at once, without a branch for each.
#[inline]
fn long_varint(eight: u64, rest: &mut &[u8]) -> Option<u64> {
    let ends = !eight & ENDS;
    if ends == 0 {
        return slow_varint(rest);
    }
    *rest = rest.get(ends.trailing_zeros() as usize / 8 + 1..)?;
    Some(gather(eight & (ends ^ (ends - 1)) & !ENDS))
}

/// Groups of 7, 14, 28 bits moved together.
#[inline]
const fn gather(bits: u64) -> u64 {
    let bits = bits & 0x007F_007F_007F_007F | (bits & 0x7F00_7F00_7F00_7F00) >> 1;
    let bits = bits & 0x0000_3FFF_0000_3FFF | (bits & 0x3FFF_0000_3FFF_0000) >> 2;
    bits & 0x0FFF_FFFF | (bits & 0x0FFF_FFFF_0000_0000) >> 4
}

/// The next eight bytes as one number; 0 for each behind the end.
#[inline(always)]
fn eight(rest: &[u8]) -> u64 {
    match rest.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => rest.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)),
    }
}

/// The next two numbers, at once where both are in the next eight bytes; `None` where there are not two whole ones.
#[inline(always)]
pub(super) fn two_varints(rest: &mut &[u8]) -> Option<(u64, u64)> {
    let eight = eight(rest);
    let first = !eight & ENDS;
    let second = first & first.wrapping_sub(1);
    if second == 0 {
        return Some((varint(rest)?, varint(rest)?));
    }
    *rest = rest.get(second.trailing_zeros() as usize / 8 + 1..)?;
    // All bits of the second number follow those of the first: seven bytes of 7 bits at most.
    let both = gather(eight & (second ^ (second - 1)) & !ENDS);
    let of_first = first.trailing_zeros() / 8 * 7 + 7;
    Some((both & ((1 << of_first) - 1), both >> of_first))
}

#[cold]
fn slow_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = byte(rest)?;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// How many bytes so many numbers have; `None` where there are not that many whole ones.
#[inline]
pub(super) fn varints(rest: &[u8], count: usize) -> Option<usize> {
    let mut ends = !eight(rest) & ENDS;
    for _ in 1..count {
        ends &= ends.wrapping_sub(1);
    }
    let bytes = match ends {
        0 => rest.iter().enumerate().filter(|(_, byte)| **byte < 0x80).nth(count - 1)?.0 + 1,
        _ => ends.trailing_zeros() as usize / 8 + 1,
    };
    (bytes <= rest.len()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = u64> {
        (any::<u64>(), 0..64u32).prop_map(|(number, shift)| number >> shift)
    }

    proptest! {
        #[test]
        fn numbers_come_back(numbers in prop::collection::vec(number(), 0..20)) {
            let mut bytes = Vec::new();
            let mut ends = Vec::new();
            for number in &numbers {
                put_varint(*number, |byte| bytes.push(byte));
                ends.push(bytes.len());
            }
            let mut rest = &bytes[..];
            for number in &numbers {
                prop_assert_eq!(varint(&mut rest), Some(*number));
            }
            prop_assert_eq!((rest.len(), varint(&mut rest)), (0, None));
            let mut rest = &bytes[..];
            for pair in numbers.chunks_exact(2) {
                let whole = rest;
                prop_assert_eq!(two_varints(&mut rest), Some((pair[0], pair[1])));
                let mut cut = &whole[..whole.len() - rest.len() - 1];
                prop_assert_eq!(two_varints(&mut cut), None);
            }
            prop_assert_eq!(two_varints(&mut rest), None);
            for (count, end) in (1..).zip(&ends) {
                prop_assert_eq!(varints(&bytes, count), Some(*end));
                prop_assert_eq!(varints(&bytes[..end - 1], count), None);
            }
        }

        #[test]
        fn any_bytes_are_a_number_or_none(bytes in prop::collection::vec(any::<u8>(), 0..24)) {
            let mut rest = &bytes[..];
            while varint(&mut rest).is_some() {}
            prop_assert!(rest.len() <= bytes.len());
            let (mut rest, mut one_by_one) = (&bytes[..], &bytes[..]);
            while let Some(two) = two_varints(&mut rest) {
                prop_assert_eq!((varint(&mut one_by_one), varint(&mut one_by_one)), (Some(two.0), Some(two.1)));
                prop_assert_eq!(rest, one_by_one);
            }
        }
    }
}
