//! What the contract promises of its own form.

use std::collections::BTreeMap;

use prost_types::DescriptorProto;

fn messages() -> BTreeMap<String, DescriptorProto> {
    let files = crate::contract();
    files.into_iter().flat_map(|file| file.message_type).map(|message| (message.name().to_owned(), message)).collect()
}

#[test]
fn stored_and_api_messages_do_not_share() {
    let messages = messages();
    for (name, message) in &messages {
        for field in &message.field {
            let Some(used) = field.type_name().strip_prefix(".prakerja.ledger.v1.") else {
                assert!(
                    !(name.starts_with("Stored") && field.type_name().starts_with(".google.")),
                    "{name}.{} is not plain",
                    field.name()
                );
                continue;
            };
            if messages.contains_key(used) {
                assert_eq!(name.starts_with("Stored"), used.starts_with("Stored"), "{name}.{}", field.name());
            }
        }
    }
}

#[test]
fn events_have_one_number_on_the_api_and_in_the_log() {
    let messages = messages();
    let events = |message: &str| -> BTreeMap<String, i32> {
        let fields = messages[message].field.iter().filter(|field| field.number() >= 20);
        fields.map(|field| (field.name().to_owned(), field.number())).collect()
    };
    let (stored, sent) = (events("StoredRecord"), events("EventInput"));
    assert_eq!((stored.len(), sent.len()), (34, 16));
    for (name, number) in sent {
        assert_eq!(stored.get(&name), Some(&number), "{name}");
    }
}

#[test]
fn services_and_methods_are_the_published_ones() {
    let mut methods: Vec<String> = Vec::new();
    for file in crate::contract() {
        for service in &file.service {
            methods.extend(service.method.iter().map(|method| format!("{}.{}", service.name(), method.name())));
        }
    }
    methods.sort();
    assert_eq!(
        methods,
        [
            "AuditService.GetCheckpoint",
            "AuditService.GetConsistencyProof",
            "AuditService.GetHead",
            "AuditService.GetInclusionProof",
            "AuditService.StreamRecords",
            "DisbursementService.ApproveRun",
            "DisbursementService.GetRun",
            "DisbursementService.ListRuns",
            "DisbursementService.PlanRun",
            "DisbursementService.ResolveException",
            "DisbursementService.ResolveInDoubt",
            "EventService.RecordEventStream",
            "EventService.RecordEvents",
            "ParticipantService.FindByIdentityDigest",
            "ParticipantService.GetParticipant",
            "ParticipantService.ListParticipantEvents",
            "ParticipantService.ListParticipants",
            "PayoutService.GetInstruction",
            "PayoutService.ListExceptions",
            "PayoutService.ListOutstandingInstructions",
            "PayoutService.ReconcileStatement",
            "PayoutService.ReportOutcomes",
            "PayoutService.StreamInstructions",
            "ProgrammeService.AppropriateFunds",
            "ProgrammeService.CloseBalancePeriod",
            "ProgrammeService.CloseWave",
            "ProgrammeService.EnactScheme",
            "ProgrammeService.GetDueForecast",
            "ProgrammeService.GetTrialBalance",
            "ProgrammeService.GetWaveSummary",
            "ProgrammeService.OpenWave",
            "ProgrammeService.RunDeadlines",
        ]
    );
}
