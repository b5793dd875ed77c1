//! The disbursement ledger served over gRPC.
