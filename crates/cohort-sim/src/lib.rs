//! Seeded generator of realistic cohort histories.
