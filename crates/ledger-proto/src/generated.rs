//! The build's output, in the modules that it expects of its packages.

#![allow(missing_docs, unreachable_pub, clippy::all, rustdoc::all)]

pub mod google {
    //! Google's common messages.

    pub mod protobuf {
        //! Package `google.protobuf`: `Timestamp` and `Any`.
        include!(concat!(env!("OUT_DIR"), "/google.protobuf.rs"));
        include!(concat!(env!("OUT_DIR"), "/google.protobuf.serde.rs"));
    }

    pub mod rpc {
        //! Package `google.rpc`: `Status`.
        include!(concat!(env!("OUT_DIR"), "/google.rpc.rs"));
        include!(concat!(env!("OUT_DIR"), "/google.rpc.serde.rs"));
    }

    pub mod r#type {
        //! Package `google.type`: `Date`.
        include!(concat!(env!("OUT_DIR"), "/google.r#type.rs"));
        include!(concat!(env!("OUT_DIR"), "/google.r#type.serde.rs"));
    }
}

pub mod prakerja {
    pub mod ledger {
        pub mod v1 {
            //! Package `prakerja.ledger.v1`.
            include!(concat!(env!("OUT_DIR"), "/prakerja.ledger.v1.rs"));
            include!(concat!(env!("OUT_DIR"), "/prakerja.ledger.v1.serde.rs"));
        }
    }
}
