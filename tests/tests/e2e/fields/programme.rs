//! Commands and questions of the programme.

use ledger_proto::v1;
use ledger_rpc::v1::programme_service_client::ProgrammeServiceClient;
use ledger_tests::life::{at, semi_bansos};
use ledger_tests::server::from;

use super::{YEAR_2019, YEAR_2200, date, long, names, seconds};
use crate::api::server;

#[tokio::test(flavor = "multi_thread")]
async fn each_field_of_a_command_or_question() {
    let (_folder, server) = server();
    let mut client = ProgrammeServiceClient::new(server.channel().await);
    let good = || v1::EnactSchemeRequest {
        occurred_at: Some(at(4, 1)),
        approved_by: "approver/siti".to_owned(),
        scheme: Some(semi_bansos()),
        ..Default::default()
    };
    fn scheme(r: &mut v1::EnactSchemeRequest) -> &mut v1::Scheme {
        r.scheme.as_mut().expect("a scheme")
    }
    refuses! { client.enact_scheme, good(), v1::EnactSchemeRequest;
        "occurred_at": |r| r.occurred_at = seconds(YEAR_2200);
        "source_reference": |r| r.source_reference = long(101);
        "approved_by": |r| r.approved_by = "approver/".to_owned();
        "scheme": |r| r.scheme = None;
        "scheme.scheme_id": |r| scheme(r).scheme_id.clear();
        "scheme_id": |r| scheme(r).scheme_id = "Semi Bansos".to_owned();
        "training_aid_rupiah": |r| scheme(r).training_aid_rupiah = -1;
        "training_incentives_rupiah": |r| scheme(r).training_incentives_rupiah.clear();
        "training_incentives_rupiah": |r| scheme(r).training_incentives_rupiah = vec![1; 25];
        "survey_incentives_rupiah": |r| scheme(r).survey_incentives_rupiah[0] = i64::MAX;
        "scheme.first_purchase_days": |r| scheme(r).first_purchase_days = 65_536;
        "scheme.balance_last_day": |r| scheme(r).balance_last_day = None;
        "balance_last_day": |r| scheme(r).balance_last_day = Some(v1::MonthDay { month: 2, day: 29 });
        "scheme.complete_by": |r| scheme(r).complete_by = None;
        "complete_by": |r| scheme(r).complete_by = Some(v1::MonthDay { month: 13, day: 1 });
        "scheme.first_incentive_due_days": |r| scheme(r).first_incentive_due_days = u32::MAX;
        "scheme.survey_opening_days": |r| scheme(r).survey_opening_days[0] = u32::MAX;
        "survey_opening_days": |r| scheme(r).survey_opening_days.clear();
        "scheme.survey_due_days": |r| scheme(r).survey_due_days = u32::MAX;
        "scheme.instruction_expiry_days": |r| scheme(r).instruction_expiry_days = u32::MAX;
        "scheme.max_participants_per_family_card": |r| scheme(r).max_participants_per_family_card = 256;
        "max_participants_per_family_card": |r| scheme(r).max_participants_per_family_card = 0;
    }
    let good = || v1::OpenWaveRequest {
        occurred_at: Some(at(4, 2)),
        wave: 1,
        scheme_id: "semi-bansos".to_owned(),
        year: 2020,
        quota: 1,
        ..Default::default()
    };
    refuses! { client.open_wave, good(), v1::OpenWaveRequest;
        "occurred_at": |r| r.occurred_at = seconds(YEAR_2019);
        "wave": |r| r.wave = 0;
        "wave": |r| r.wave = 10_000;
        "scheme_id": |r| r.scheme_id.clear();
        "year": |r| r.year = 2019;
        "year": |r| r.year = 70_000;
        "quota": |r| r.quota = 0;
    }
    let good = || v1::CloseWaveRequest { wave: 1, approved_by: "approver/siti".to_owned(), ..Default::default() };
    refuses! { client.close_wave, good(), v1::CloseWaveRequest;
        "wave": |r| r.wave = 0;
        "approved_by": |r| r.approved_by = "x".to_owned();
        "occurred_at": |r| r.occurred_at = seconds(YEAR_2019);
    }
    let good = || v1::AppropriateFundsRequest {
        approved_by: "approver/siti".to_owned(),
        document_number: "DIPA".to_owned(),
        fiscal_year: 2020,
        amount_rupiah: 1,
        ..Default::default()
    };
    refuses! { client.appropriate_funds, good(), v1::AppropriateFundsRequest;
        "document_number": |r| r.document_number.clear();
        "document_number": |r| r.document_number = long(101);
        "fiscal_year": |r| r.fiscal_year = 1;
        "fiscal_year": |r| r.fiscal_year = u32::MAX;
        "amount_rupiah": |r| r.amount_rupiah = 0;
        "amount_rupiah": |r| r.amount_rupiah = i64::MIN;
    }
    let good = || v1::CloseBalancePeriodRequest { year: 2020, ..Default::default() };
    refuses! { client.close_balance_period, good(), v1::CloseBalancePeriodRequest;
        "year": |r| r.year = 0;
        "year": |r| r.year = u32::MAX;
        "source_reference": |r| r.source_reference = "\u{7}".to_owned();
    }
    let good = || v1::RunDeadlinesRequest { as_of: date(2020, 5, 1), ..Default::default() };
    refuses! { client.run_deadlines, good(), v1::RunDeadlinesRequest;
        "as_of": |r| r.as_of = None;
        "as_of": |r| r.as_of = date(2019, 5, 1);
        "as_of": |r| r.as_of = date(2020, 13, 1);
        "source_reference": |r| r.source_reference = long(101);
    }
    refuses! { client.get_wave_summary, v1::GetWaveSummaryRequest { wave: 1 }, v1::GetWaveSummaryRequest;
        "wave": |r| r.wave = 0;
    }
    let good = || v1::GetDueForecastRequest { from: date(2020, 5, 1), to: date(2020, 5, 31) };
    refuses! { client.get_due_forecast, good(), v1::GetDueForecastRequest;
        "from": |r| r.from = None;
        "from": |r| r.from = date(2000, 1, 1);
        "to": |r| r.to = None;
        "to": |r| r.to = date(2021, 5, 3);
        "to": |r| r.to = date(2020, 4, 30);
    }
}
