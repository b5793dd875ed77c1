//! A vector that grows by segments: growing never copies, so memory never doubles.

/// Items by dense index.
pub struct Segmented<T> {
    segments: Vec<Vec<T>>,
    len: u32,
}

impl<T> Default for Segmented<T> {
    fn default() -> Self {
        Self { segments: Vec::new(), len: 0 }
    }
}

impl<T> Segmented<T> {
    /// Items of a segment.
    pub(super) const SEGMENT: usize = 1 << 12;

    /// The items of these segments, all but the last of which are full.
    pub(super) fn of(segments: Vec<Vec<T>>) -> Option<Self> {
        let (_, full) = segments.split_last().unwrap_or((&Vec::new(), &[]));
        let len: usize = segments.iter().map(Vec::len).sum();
        let whole = full.iter().all(|segment| segment.len() == Self::SEGMENT);
        whole.then(|| u32::try_from(len).ok()).flatten().map(|len| Self { segments, len })
    }

    /// How many items there are.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One item.
    #[must_use]
    pub fn get(&self, index: u32) -> Option<&T> {
        self.segments.get(index as usize / Self::SEGMENT)?.get(index as usize % Self::SEGMENT)
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.segments.get_mut(index as usize / Self::SEGMENT)?.get_mut(index as usize % Self::SEGMENT)
    }

    /// Adds an item; gives its index, `None` where 32 bits are full.
    pub(crate) fn push(&mut self, item: T) -> Option<u32> {
        let index = self.len;
        self.len = index.checked_add(1)?;
        if (index as usize).is_multiple_of(Self::SEGMENT) {
            self.segments.push(Vec::with_capacity(Self::SEGMENT));
        }
        self.segments.last_mut()?.push(item);
        Some(index)
    }

    pub(crate) fn last_mut(&mut self) -> Option<&mut T> {
        self.segments.last_mut()?.last_mut()
    }

    /// How many items at the front are `before` what is looked for, where all of those are in front.
    pub(crate) fn partition_point(&self, before: impl Fn(&T) -> bool) -> u32 {
        let (mut start, mut end) = (0, self.len);
        while start < end {
            let middle = start + (end - start) / 2;
            if self.get(middle).is_some_and(&before) {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        start
    }

    /// All items in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.segments.iter().flatten()
    }
}
