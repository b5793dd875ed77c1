//! Generated gRPC stubs of prakerja.ledger.v1: a client and a server for each service. The messages are in
//! [`ledger_proto::v1`].

pub mod batch;
pub mod client;
mod codec;

pub use codec::{DOMAIN, MALFORMED_REQUEST};

pub mod v1 {
    //! Package `prakerja.ledger.v1`: `event_service_client::EventServiceClient`, `event_service_server::EventServiceServer`
    //! and so on.
    #![allow(missing_docs, unreachable_pub, clippy::all, rustdoc::all)]

    include!(concat!(env!("OUT_DIR"), "/clients/prakerja.ledger.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/servers/prakerja.ledger.v1.rs"));
}

#[cfg(test)]
mod tests {
    use super::v1;

    #[test]
    fn services_have_their_published_names() {
        let names = [
            v1::audit_service_server::SERVICE_NAME,
            v1::disbursement_service_server::SERVICE_NAME,
            v1::event_service_server::SERVICE_NAME,
            v1::participant_service_server::SERVICE_NAME,
            v1::payout_service_server::SERVICE_NAME,
            v1::programme_service_server::SERVICE_NAME,
        ];
        let services = ["Audit", "Disbursement", "Event", "Participant", "Payout", "Programme"];
        assert_eq!(names.map(str::to_owned), services.map(|name| format!("prakerja.ledger.v1.{name}Service")));
    }
}
