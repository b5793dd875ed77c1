//! A few things, each with a number: waves and years. Numbers mostly follow each other, and then each stands where it is
//! looked for first.

/// Things by their numbers, in order of these.
pub(crate) struct Few<N, T>(Vec<(N, T)>);

impl<N, T> Default for Few<N, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<N: Copy + Ord + Into<i64>, T> Few<N, T> {
    /// Where a number stands, or belongs.
    #[inline]
    fn place(&self, number: N) -> Result<usize, usize> {
        let first = self.0.first().map_or(0, |(first, _)| (*first).into());
        let guess = usize::try_from(number.into() - first).unwrap_or(usize::MAX);
        match self.0.get(guess) {
            Some((found, _)) if *found == number => Ok(guess),
            _ => self.0.binary_search_by_key(&number, |(found, _)| *found),
        }
    }

    #[inline]
    pub(crate) fn get(&self, number: N) -> Option<&T> {
        self.0.get(self.place(number).ok()?).map(|(_, thing)| thing)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, number: N) -> Option<&mut T> {
        let place = self.place(number).ok()?;
        self.0.get_mut(place).map(|(_, thing)| thing)
    }

    /// The thing with that number, which is a new one where there was none.
    pub(crate) fn of(&mut self, number: N) -> &mut T
    where
        T: Default,
    {
        let place = self.place(number).unwrap_or_else(|place| {
            self.0.insert(place, (number, T::default()));
            place
        });
        &mut self.0[place].1
    }

    /// Sets the thing with that number.
    pub(crate) fn set(&mut self, number: N, thing: T) {
        match self.place(number) {
            Ok(place) => self.0[place].1 = thing,
            Err(place) => self.0.insert(place, (number, thing)),
        }
    }

    /// All of them, in order of their numbers.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (N, &T)> {
        self.0.iter().map(|(number, thing)| (*number, thing))
    }
}

impl<N: Copy + Ord + Into<i64>, T> FromIterator<(N, T)> for Few<N, T> {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(things: I) -> Self {
        let mut few = Self::default();
        things.into_iter().for_each(|(number, thing)| few.set(number, thing));
        few
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_is_found_by_its_number(
            steps in prop::collection::vec((prop_oneof![-3..20i16, any::<i16>()], any::<bool>(), any::<u8>()), 0..60),
            other in any::<i16>(),
        ) {
            let (mut few, mut plain) = (Few::default(), BTreeMap::new());
            for (number, set, thing) in steps {
                if set {
                    few.set(number, thing);
                    plain.insert(number, thing);
                } else {
                    prop_assert_eq!(few.of(number), plain.entry(number).or_default());
                }
            }
            prop_assert!(few.iter().eq(plain.iter().map(|(number, thing)| (*number, thing))));
            for number in plain.keys().copied().chain([other]).collect::<Vec<_>>() {
                prop_assert_eq!(few.get(number), plain.get(&number));
                prop_assert_eq!(few.get_mut(number), plain.get_mut(&number));
            }
        }
    }
}
