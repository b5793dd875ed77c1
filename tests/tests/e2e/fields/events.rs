//! Events of participants.

use ledger_proto::v1::event_input::Event;
use ledger_proto::{Timestamp, v1};
use ledger_tests::life::{Programme, at, bought, event, linked, person, selected, uuid};

use super::{YEAR_2019, YEAR_2200, date, long, names, seconds};
use crate::api::{as_status, rejection, server};

#[tokio::test(flavor = "multi_thread")]
async fn each_field_of_an_event() {
    let (_folder, server) = server();
    let programme = Programme::begin(server.channel().await).await;
    let mut table: Vec<(String, v1::EventInput)> = Vec::new();
    let common = rows! { v1::EventInput;
        "participant_id": |e| e.participant_id.clear();
        "participant_id": |e| e.participant_id = "1".to_owned();
        "participant_id": |e| e.participant_id = person(1).replace('-', "");
        "occurred_at": |e| e.occurred_at = None;
        "occurred_at": |e| e.occurred_at = seconds(YEAR_2019);
        "occurred_at": |e| e.occurred_at = seconds(YEAR_2200);
        "occurred_at": |e| e.occurred_at = seconds(i64::MAX);
        "occurred_at": |e| e.occurred_at = Some(Timestamp { seconds: 1_600_000_000, nanos: -1 });
        "occurred_at": |e| e.occurred_at = Some(Timestamp { seconds: 1_600_000_000, nanos: 1_000_000_000 });
        "source_reference": |e| e.source_reference = long(101);
        "source_reference": |e| e.source_reference = "a\nb".to_owned();
        "approved_by": |e| e.approved_by = "siti".to_owned();
        "approved_by": |e| e.approved_by = "/siti".to_owned();
        "event": |e| e.event = None;
    };
    for (field, change) in common {
        let mut event = selected(1);
        change(&mut event);
        table.push((field.to_owned(), event));
    }
    macro_rules! of {
        ($prefix:literal, $kind:ident, $good:expr; $($field:literal: $change:expr;)+) => {
            for (field, change) in rows!(v1::$kind; $($field: $change;)+) {
                let mut good: v1::$kind = $good;
                change(&mut good);
                table.push((format!("{}.{field}", $prefix), event(1, at(4, 20), Event::$kind(good))));
            }
        };
    }
    let Some(Event::Selected(good)) = selected(1).event else { panic!("a selection") };
    of! { "selected", Selected, good.clone();
        "identity_digest": |e| e.identity_digest = vec![1; 31].into();
        "identity_digest": |e| e.identity_digest.clear();
        "identity_key_id": |e| e.identity_key_id.clear();
        "identity_key_id": |e| e.identity_key_id = long(101);
        "family_card_digest": |e| e.family_card_digest = vec![1; 33].into();
        "region": |e| e.region.clear();
        "region": |e| e.region = "1275".to_owned();
    }
    let Some(Event::PayoutAccountLinked(good)) = linked(1).event else { panic!("a link") };
    of! { "payout_account_linked", PayoutAccountLinked, good.clone();
        "link_id": |e| e.link_id.clear();
        "partner": |e| e.partner = 0;
        "partner": |e| e.partner = 6;
        "partner": |e| e.partner = -1;
        "partner": |e| e.partner = 257;
        "account_token": |e| e.account_token.clear();
        "account_token": |e| e.account_token = long(101);
        "holder_identity_digest": |e| e.holder_identity_digest.clear();
    }
    of! { "payout_account_unlinked", PayoutAccountUnlinked, v1::PayoutAccountUnlinked::default();
        "link_id": |_| {};
    }
    let Some(Event::TrainingBought(good)) = bought(1).event else { panic!("a purchase") };
    of! { "training_bought", TrainingBought, good.clone();
        "purchase_id": |e| e.purchase_id = "x".to_owned();
        "course": |e| e.course.clear();
        "course": |e| e.course = long(101);
        "platform": |e| e.platform = 0;
        "platform": |e| e.platform = 9;
        "provider": |e| e.provider.clear();
        "price_rupiah": |e| e.price_rupiah = 0;
        "price_rupiah": |e| e.price_rupiah = -1;
        "price_rupiah": |e| e.price_rupiah = i64::MAX;
    }
    let id = || uuid(3, 1);
    let cancelled =
        || v1::PurchaseCancelled { purchase_id: id(), reason: "r".to_owned(), refund_reference: "f".to_owned() };
    of! { "purchase_cancelled", PurchaseCancelled, cancelled();
        "purchase_id": |e| e.purchase_id.clear();
        "reason": |e| e.reason = long(401);
        "refund_reference": |e| e.refund_reference.clear();
    }
    of! { "training_completed", TrainingCompleted, v1::TrainingCompleted::default(); "purchase_id": |_| {}; }
    let withdrawn = || v1::CompletionWithdrawn { purchase_id: id(), case_id: id(), reason: "r".to_owned() };
    of! { "completion_withdrawn", CompletionWithdrawn, withdrawn();
        "purchase_id": |e| e.purchase_id.clear();
        "case_id": |e| e.case_id.clear();
        "reason": |e| e.reason.clear();
    }
    let certificate = || v1::CertificateIssued { purchase_id: id(), certificate_number: "c".to_owned() };
    of! { "certificate_issued", CertificateIssued, certificate();
        "purchase_id": |e| e.purchase_id.clear();
        "certificate_number": |e| e.certificate_number.clear();
    }
    of! { "training_reviewed", TrainingReviewed, v1::TrainingReviewed { purchase_id: id(), rating: 5 };
        "purchase_id": |e| e.purchase_id.clear();
        "rating": |e| e.rating = 256;
    }
    of! { "survey_filled", SurveyFilled, v1::SurveyFilled { survey_number: 1 };
        "survey_number": |e| e.survey_number = 256;
    }
    of! { "membership_revoked", MembershipRevoked, v1::MembershipRevoked { case_id: id(), ground: 3 };
        "case_id": |e| e.case_id.clear();
        "ground": |e| e.ground = 0;
        "ground": |e| e.ground = 9;
    }
    let reinstated =
        || v1::MembershipReinstated { case_id: id(), reason: "r".to_owned(), first_purchase_deadline: None };
    of! { "membership_reinstated", MembershipReinstated, reinstated();
        "case_id": |e| e.case_id.clear();
        "reason": |e| e.reason.clear();
        "first_purchase_deadline": |e| e.first_purchase_deadline = date(2019, 12, 31);
        "first_purchase_deadline": |e| e.first_purchase_deadline = date(2020, 2, 30);
    }
    let found = || v1::IneligibilityFound {
        source: "BPJS".to_owned(),
        case_number: "1".to_owned(),
        evidence_date: date(2020, 5, 1),
        effective_date: date(2020, 5, 1),
    };
    of! { "ineligibility_found", IneligibilityFound, found();
        "source": |e| e.source.clear();
        "case_number": |e| e.case_number.clear();
        "evidence_date": |e| e.evidence_date = None;
        "effective_date": |e| e.effective_date = date(2101, 1, 1);
    }
    let finding = || v1::IneligibilityWithdrawn { source: "BPJS".to_owned(), case_number: "1".to_owned() };
    of! { "ineligibility_withdrawn", IneligibilityWithdrawn, finding();
        "source": |e| e.source.clear();
        "case_number": |e| e.case_number.clear();
    }
    of! { "repayment_demanded", RepaymentDemanded,
        v1::RepaymentDemanded { demand_id: id(), component: 1, amount_rupiah: 1 };
        "demand_id": |e| e.demand_id.clear();
        "component": |e| e.component = 4;
        "amount_rupiah": |e| e.amount_rupiah = 0;
        "amount_rupiah": |e| e.amount_rupiah = 1_000_000_000_001;
    }
    of! { "repayment_received", RepaymentReceived,
        v1::RepaymentReceived { demand_id: id(), state_receipt_number: "n".to_owned(), amount_rupiah: 1 };
        "demand_id": |e| e.demand_id.clear();
        "state_receipt_number": |e| e.state_receipt_number.clear();
        "amount_rupiah": |e| e.amount_rupiah = -1;
    }
    let results = programme.record(table.iter().map(|(_, event)| event.clone()).collect()).await;
    assert_eq!(results.len(), table.len());
    for ((field, _), result) in table.iter().zip(&results) {
        names(&as_status(rejection(result)), field);
    }
    let mut wave = selected(1);
    if let Some(Event::Selected(e)) = &mut wave.event {
        e.wave = 10_000;
    }
    names(&as_status(rejection(&programme.record(vec![wave]).await[0])), "wave");
}
