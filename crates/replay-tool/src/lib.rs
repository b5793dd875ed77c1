//! Auditors command line: checks and recomputes a ledger from its log alone.
