//! Damaged bytes, lost files, and what a crash leaves.
