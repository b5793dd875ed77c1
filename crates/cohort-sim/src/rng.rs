//! Seeded randomness that is the same on every machine, for ever.
//!
//! One [`Stream`] belongs to one named purpose and one index (usually a participant). It depends on nothing else, so
//! participant 7 lives the same life in a cohort of 10 and of 10 million. No result passes through a floating-point
//! function whose last bit differs between platforms: tables and arithmetic are integers.
//!
//! Every helper that returns one value takes exactly one draw, whatever its arguments. A changed probability therefore
//! changes that one decision and not the meaning of all later draws.

use std::ops::RangeInclusive;

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// Part of every key: a change of the derivation, or of a helper's arithmetic, takes the next number.
const DERIVATION: &[u8] = b"cohort-sim/stream/1\0";

/// A stream of draws for one purpose and one index.
///
/// ChaCha8 under the key `SHA-256(derivation | seed, little-endian | name)`, with the index as its stream number.
#[derive(Debug)]
pub struct Stream {
    cipher: ChaCha8Rng,
}

/// The key of all streams of one purpose, so that it is hashed once.
#[derive(Clone, Copy, Debug)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of the purpose `name` under `seed`.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Self {
        let mut key = Sha256::new();
        key.update(DERIVATION);
        key.update(seed.to_le_bytes());
        key.update(name.as_bytes());
        Self(key.finalize().into())
    }

    /// The stream of `index` (for example a participant's number).
    #[must_use]
    pub fn stream(&self, index: u64) -> Stream {
        let mut cipher = ChaCha8Rng::from_seed(self.0);
        cipher.set_stream(index);
        Stream { cipher }
    }
}

impl Stream {
    /// The stream of `index` (for example a participant's number) for the purpose `name` under `seed`.
    ///
    /// The same arguments give the same draws; streams that differ in any argument are unrelated.
    #[must_use]
    pub fn new(seed: u64, name: &str, index: u64) -> Self {
        Key::new(seed, name).stream(index)
    }

    /// A uniform draw over all of `u64`: what the catalogue's and the regions' weighted picks take.
    pub fn draw(&mut self) -> u64 {
        self.cipher.next_u64()
    }

    /// `N` uniform bytes, for ids and digests. Takes `N / 8` draws, rounded up.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.draw().to_le_bytes()[..chunk.len()]);
        }
        bytes
    }

    /// True with the given probability: 0.0 or less (and NaN) is never, 1.0 or more is always.
    pub fn chance(&mut self, probability: f64) -> bool {
        let draw = self.draw();
        // A product with a power of two is exact, so every platform sees the same threshold.
        probability >= 1.0 || draw < (probability * 18_446_744_073_709_551_616.0) as u64
    }

    /// A uniform number below `n`; 0 where `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        scale(self.draw(), n)
    }

    /// A uniform number of the range, ends included; its start where it is empty.
    pub fn range(&mut self, range: RangeInclusive<u64>) -> u64 {
        let span = range.end().saturating_sub(*range.start());
        let draw = self.draw();
        match span.checked_add(1) {
            Some(n) => range.start() + scale(draw, n),
            None => draw,
        }
    }

    /// An index of `weights`, drawn in proportion to them; `None` where they are empty or all zero.
    pub fn weighted(&mut self, weights: &[u32]) -> Option<usize> {
        weighted(self.draw(), weights.iter().map(|w| u64::from(*w)))
    }

    /// One of the items, each as likely; `None` where there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = self.below(items.len() as u64);
        items.get(index as usize)
    }

    /// Whole days by a table.
    pub fn days(&mut self, delay: &Delay) -> u32 {
        delay.at(self.draw())
    }

    /// Whole days with the given mean, each next day as likely as the one before; never more than `cap`.
    pub fn geometric_days(&mut self, mean: u32, cap: u32) -> u32 {
        let draw = self.draw();
        // Probability of a further day, and of having come so far, as fractions of 2^64.
        let further = (u128::from(mean) << 64) / (u128::from(mean) + 1);
        let (mut days, mut survive) = (0, further);
        while days < cap && u128::from(draw) < survive {
            days += 1;
            survive = (survive * further) >> 64;
        }
        days
    }

    /// Whole days with the given median and a long tail (the shape of a lognormal with sigma 0.8); never more than
    /// `cap`.
    pub fn skewed_days(&mut self, median: u32, cap: u32) -> u32 {
        let draw = self.draw();
        let cell = (draw >> 60) as usize;
        let within = (draw << 4) >> 32;
        let (low, high) = (LOGNORMAL[cell], LOGNORMAL[cell + 1]);
        let permille = low + (((high - low) * within) >> 32);
        // Rounded half up, so that the median's own cell gives the median.
        ((u64::from(median) * permille + 500) / 1000).min(u64::from(cap)) as u32
    }

    /// Seconds since midnight, WIB, of something a person does: quiet nights, busy mornings and evenings.
    pub fn second_of_day(&mut self) -> u32 {
        let mut rest = scale(self.draw(), 3600 * HOURS.iter().sum::<u64>());
        for (hour, weight) in (0..).zip(HOURS) {
            if rest < 3600 * weight {
                return hour * 3600 + (rest / weight) as u32;
            }
            rest -= 3600 * weight;
        }
        86_399
    }
}

/// Maps a uniform 64-bit draw onto `0..n`, order-preserving; 0 where `n` is 0.
///
/// Without rejection, so that it always takes one draw; no value is off by more than `n` in 2^64.
#[must_use]
pub fn scale(draw: u64, n: u64) -> u64 {
    ((u128::from(draw) * u128::from(n)) >> 64) as u64
}

/// The index a uniform 64-bit draw falls on, in proportion to the weights; `None` where they are empty or all zero.
#[must_use]
pub fn weighted(draw: u64, weights: impl Iterator<Item = u64> + Clone) -> Option<usize> {
    let mut rest = scale(draw, weights.clone().sum());
    for (index, weight) in weights.enumerate() {
        if rest < weight {
            return Some(index);
        }
        rest -= weight;
    }
    None
}

/// A distribution of whole days as a table of integers.
///
/// A point `(share, day)` says that `share` of ten thousand draws are before `day`; between two points days are evenly
/// spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    points: &'static [(u32, u32)],
}

// How long people and partners take. Assumptions: public sources give the deadlines, not the curves.
impl Delay {
    /// From selection to the first purchase, where there are 30 days for it (DOMAIN section 2).
    pub const FIRST_PURCHASE_30: Self =
        Self::new(&[(0, 0), (1_500, 1), (4_500, 4), (6_500, 8), (8_000, 15), (9_000, 22), (9_700, 29), (10_000, 31)]);
    /// From selection to the first purchase, where there are 15 days for it (DOMAIN section 2).
    pub const FIRST_PURCHASE_15: Self =
        Self::new(&[(0, 0), (1_800, 1), (5_000, 3), (7_500, 7), (9_000, 11), (9_700, 14), (10_000, 16)]);
    /// From purchase to completion; the tail runs past a year's end for those who bought late.
    pub const COMPLETION: Self =
        Self::new(&[(0, 0), (500, 1), (3_500, 4), (6_500, 10), (8_500, 25), (9_600, 60), (10_000, 121)]);
    /// From completion to the provider's certificate.
    pub const CERTIFICATE: Self = Self::new(&[(0, 0), (7_000, 1), (9_000, 3), (10_000, 8)]);
    /// From completion to the participant's review.
    pub const REVIEW: Self = Self::new(&[(0, 0), (6_000, 1), (8_500, 3), (9_500, 10), (10_000, 31)]);
    /// From one finished training to the next purchase.
    pub const NEXT_PURCHASE: Self = Self::new(&[(0, 0), (3_000, 1), (6_000, 5), (8_500, 20), (10_000, 61)]);
    /// From a survey's opening to its being filled.
    pub const SURVEY: Self = Self::new(&[(0, 0), (4_000, 1), (7_500, 4), (9_200, 15), (10_000, 61)]);
    /// From an instruction to the partner's outcome.
    pub const OUTCOME: Self = Self::new(&[(0, 0), (9_300, 1), (9_850, 2), (10_000, 4)]);
    /// From an account fault to a new payout account.
    pub const ACCOUNT_MENDED: Self = Self::new(&[(0, 1), (4_000, 4), (7_500, 15), (10_000, 61)]);

    /// A table of points: shares rise from 0 to 10,000, days rise from the first day to the day after the last.
    ///
    /// # Panics
    /// Where the points are no such table; for a constant that is a compile error.
    #[must_use]
    pub const fn new(points: &'static [(u32, u32)]) -> Self {
        assert!(points.len() > 1 && points[0].0 == 0 && points[points.len() - 1].0 == 10_000);
        let mut i = 1;
        while i < points.len() {
            assert!(points[i - 1].0 < points[i].0 && points[i - 1].1 < points[i].1);
            i += 1;
        }
        Self { points }
    }

    /// The longest delay the table gives.
    #[must_use]
    pub const fn longest(&self) -> u32 {
        self.points[self.points.len() - 1].1 - 1
    }

    fn at(&self, draw: u64) -> u32 {
        // Ten thousandths are too coarse to spread a wide segment evenly: 2^20 steps of each.
        let x = scale(draw, 10_000 << 20);
        let upper = self.points.partition_point(|(share, _)| (u64::from(*share) << 20) <= x);
        let ((low_share, low_day), (high_share, high_day)) = (self.points[upper - 1], self.points[upper]);
        let along = x - (u64::from(low_share) << 20);
        let width = u64::from(high_share - low_share) << 20;
        low_day + (along * u64::from(high_day - low_day) / width) as u32
    }
}

/// Sixteenth quantiles of a lognormal with median 1000 and sigma 0.8; its ends are cut at a tenth and six times.
const LOGNORMAL: [u64; 17] =
    [100, 293, 398, 492, 583, 676, 775, 882, 1000, 1134, 1290, 1479, 1715, 2033, 2510, 3413, 6000];

/// How busy each hour of the day is, WIB.
const HOURS: [u64; 24] = [2, 1, 1, 1, 2, 4, 8, 14, 22, 28, 28, 26, 22, 24, 26, 26, 24, 22, 24, 28, 30, 26, 14, 6];

#[cfg(test)]
mod tests {
    use super::*;

    const N: u64 = 100_000;

    fn draws(stream: &mut Stream) -> Vec<u64> {
        (0..100).map(|_| stream.draw()).collect()
    }

    /// Computed from the specifications of SHA-256 and ChaCha8 by a program in another language.
    #[test]
    fn the_bytes_are_fixed_for_ever() {
        let mut stream = Stream::new(20_200_411, "participant", 135);
        assert_eq!(
            [stream.draw(), stream.draw(), stream.draw()],
            [0x7657_0c9d_f80c_cace, 0x6711_38c7_6310_b2b4, 0x77da_56fa_86bb_bea7]
        );
        // Past the cipher's buffer of 32 draws.
        assert_eq!((3..40).map(|_| stream.draw()).last(), Some(0xf28f_57c6_fcc7_cd77));
    }

    #[test]
    fn a_stream_depends_on_seed_name_and_index_and_on_nothing_else() {
        let one = draws(&mut Stream::new(1, "life", 7));
        let _others: Vec<_> = (0..1000).map(|i| draws(&mut Stream::new(1, "life", i))).collect();
        assert_eq!(draws(&mut Stream::new(1, "life", 7)), one);
        for (seed, name, index) in [(2, "life", 7), (1, "lifE", 7), (1, "life", 8), (1, "life", 7 + (1 << 32))] {
            let other = draws(&mut Stream::new(seed, name, index));
            assert!(other.iter().zip(&one).all(|(a, b)| a != b), "{seed} {name} {index}");
        }
    }

    #[test]
    fn every_helper_takes_one_draw_whatever_its_arguments() {
        type Helper = fn(&mut Stream);
        let helpers: &[Helper] = &[
            |s| _ = s.chance(0.0),
            |s| _ = s.chance(1.0),
            |s| _ = s.below(0),
            |s| _ = s.range(0..=u64::MAX),
            |s| _ = s.weighted(&[]),
            |s| _ = s.weighted(&[1, 2]),
            |s| _ = s.pick::<u8>(&[]),
            |s| _ = s.days(&Delay::REVIEW),
            |s| _ = s.geometric_days(40, 400),
            |s| _ = s.skewed_days(40, 400),
            |s| _ = s.second_of_day(),
            |s| _ = s.bytes::<3>(),
        ];
        for (i, helper) in helpers.iter().enumerate() {
            let mut stream = Stream::new(3, "one", 0);
            helper(&mut stream);
            let mut plain = Stream::new(3, "one", 0);
            plain.draw();
            assert_eq!(stream.draw(), plain.draw(), "helper {i}");
        }
    }

    #[test]
    fn chance_meets_its_probability_and_its_ends() {
        let mut stream = Stream::new(4, "chance", 0);
        let hits = (0..N).filter(|_| stream.chance(0.004)).count();
        assert!((330..=470).contains(&hits), "{hits} of {N} at 0.4%");
        for (probability, expected) in
            [(0.0, false), (-1.0, false), (f64::NAN, false), (1.0, true), (2.0, true), (f64::INFINITY, true)]
        {
            assert!((0..1000).all(|_| stream.chance(probability) == expected), "{probability}");
        }
    }

    #[test]
    fn scale_covers_its_range_without_leaving_it() {
        for n in [1, 2, 3, 514, u64::MAX] {
            assert_eq!((scale(0, n), scale(u64::MAX, n)), (0, n - 1), "{n}");
        }
        assert_eq!(scale(u64::MAX, 0), 0);
    }

    #[test]
    fn range_includes_both_ends() {
        let mut stream = Stream::new(5, "range", 0);
        let mut seen = [0_u32; 3];
        (0..N).for_each(|_| seen[(stream.range(10..=12) - 10) as usize] += 1);
        assert!(seen.iter().all(|n| (32_000..=34_700).contains(n)), "{seen:?}");
        assert_eq!(stream.range(5..=5), 5);
        #[expect(clippy::reversed_empty_ranges)]
        let empty = stream.range(9..=2);
        assert_eq!(empty, 9);
    }

    #[test]
    fn weights_are_proportions_and_zero_is_never() {
        let mut stream = Stream::new(6, "weights", 0);
        let mut seen = [0_u32; 4];
        (0..N).for_each(|_| seen[stream.weighted(&[10, 0, 30, 60]).expect("weights are not zero")] += 1);
        assert_eq!(seen[1], 0);
        assert!(seen[0].abs_diff(10_000) < 600 && seen[2].abs_diff(30_000) < 900, "{seen:?}");
        assert_eq!([stream.weighted(&[]), stream.weighted(&[0, 0])], [None, None]);
        assert_eq!([weighted(0, [0, 5].into_iter()), weighted(u64::MAX, [5, 0].into_iter())], [Some(1), Some(0)]);
    }

    #[test]
    fn a_delay_follows_its_table() {
        let mut stream = Stream::new(7, "delay", 0);
        let mut days = [0_u64; 31];
        (0..N).for_each(|_| days[stream.days(&Delay::FIRST_PURCHASE_30) as usize] += 1);
        for (share, day) in Delay::FIRST_PURCHASE_30.points {
            let before: u64 = days[..*day as usize].iter().sum();
            assert!(before.abs_diff(u64::from(*share) * N / 10_000) < 700, "{before} before day {day}");
        }
        assert!(days.iter().all(|n| *n > 0), "{days:?}");
    }

    #[test]
    fn delays_keep_within_their_ends() {
        for (delay, first, last) in [
            (Delay::FIRST_PURCHASE_30, 0, 30),
            (Delay::FIRST_PURCHASE_15, 0, 15),
            (Delay::COMPLETION, 0, 120),
            (Delay::CERTIFICATE, 0, 7),
            (Delay::REVIEW, 0, 30),
            (Delay::NEXT_PURCHASE, 0, 60),
            (Delay::SURVEY, 0, 60),
            (Delay::OUTCOME, 0, 3),
            (Delay::ACCOUNT_MENDED, 1, 60),
        ] {
            assert_eq!((delay.at(0), delay.at(u64::MAX), delay.longest()), (first, last, last));
        }
    }

    #[test]
    fn geometric_days_meet_their_mean_and_cap() {
        let mut stream = Stream::new(8, "geometric", 0);
        let sum: u64 = (0..N).map(|_| u64::from(stream.geometric_days(10, 10_000))).sum();
        assert!(sum.abs_diff(10 * N) < N / 5, "mean {}", sum as f64 / N as f64);
        assert!((0..N).all(|_| stream.geometric_days(10, 12) <= 12));
        assert!((0..1000).all(|_| stream.geometric_days(0, 12) == 0));
        assert!((0..1000).all(|_| stream.geometric_days(u32::MAX, 12) <= 12));
    }

    #[test]
    fn skewed_days_meet_their_median_tail_and_cap() {
        let mut stream = Stream::new(9, "skewed", 0);
        let mut days: Vec<u32> = (0..N).map(|_| stream.skewed_days(20, 1_000)).collect();
        days.sort_unstable();
        assert!((19..=21).contains(&days[days.len() / 2]));
        assert!((33..=36).contains(&days[days.len() * 3 / 4]));
        assert!(days[0] >= 2 && days[days.len() - 1] <= 120);
        assert!((0..N).all(|_| stream.skewed_days(20, 30) <= 30));
    }

    #[test]
    fn the_day_is_busier_than_the_night() {
        let mut stream = Stream::new(10, "hours", 0);
        let mut hours = [0_u64; 24];
        (0..N).for_each(|_| hours[(stream.second_of_day() / 3600) as usize] += 1);
        let all: u64 = HOURS.iter().sum();
        for (hour, (seen, weight)) in hours.iter().zip(HOURS).enumerate() {
            assert!(seen.abs_diff(N * weight / all) < 500, "{seen} in hour {hour}");
        }
    }
}
