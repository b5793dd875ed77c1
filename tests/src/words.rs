//! The words of a test: short names for people, moments and requests.

use ledger_core::codes::{Auth, Component, Evidence, ExceptionCause, Ground, OutcomeKind, Partner, Platform, Reason};
use ledger_core::event::{
    BalancePeriodClosed, CertificateIssued, CompletionWithdrawn, Event, ExceptionResolved, FundsAppropriated,
    IneligibilityFound, IneligibilityWithdrawn, MembershipReinstated, MembershipRevoked, Outcome, OutcomeException,
    PayoutAccountLinked, PayoutAccountUnlinked, PurchaseCancelled, RepaymentDemanded, RepaymentReceived, SchemeEnacted,
    Selected, StatementReconciled, SurveyFilled, Text, Total, TrainingBought, TrainingCompleted, TrainingReviewed,
    WaveClosed, WaveOpened,
};
use ledger_core::ids::{CaseId, DemandId, Digest, LinkId, ParticipantId, Position, PurchaseId, Region, RunId, Wave};
use ledger_core::scheme::Scheme;
use ledger_core::time::{Date, Timestamp};
use ledger_core::{Command, Meta, Rupiah, State};

const NANOS: i64 = 1_000_000_000;

/// A WIB date of a test: `2020-04-30`.
///
/// # Panics
///
/// On any other text.
#[must_use]
pub fn day(text: &str) -> Date {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// Something that tells a moment: an instant, a date (its noon in WIB), or text, `2020-04-30` or `2020-04-30 23:59:59`.
pub trait Moment {
    /// The instant.
    fn instant(self) -> Timestamp;
}

impl Moment for Timestamp {
    fn instant(self) -> Timestamp {
        self
    }
}

impl Moment for Date {
    fn instant(self) -> Timestamp {
        Timestamp::from_nanos(self.midnight().nanos() + 12 * 3_600 * NANOS)
    }
}

impl Moment for &str {
    fn instant(self) -> Timestamp {
        let Some((date, clock)) = self.split_once(' ') else { return day(self).instant() };
        let seconds = clock.split(':').fold(0, |sum, part| sum * 60 + part.parse::<i64>().unwrap_or_default());
        Timestamp::from_nanos(day(date).midnight().nanos() + seconds * NANOS)
    }
}

/// Rupiah.
#[must_use]
pub const fn rp(amount: i64) -> Rupiah {
    Rupiah::new(amount)
}

/// A purchase.
#[must_use]
pub const fn purchase(n: u8) -> PurchaseId {
    PurchaseId([n; 16])
}

/// A payout account link.
#[must_use]
pub const fn link(n: u8) -> LinkId {
    LinkId([n; 16])
}

/// A case.
#[must_use]
pub const fn case(n: u8) -> CaseId {
    CaseId([n; 16])
}

/// A run.
#[must_use]
pub const fn run(n: u8) -> RunId {
    RunId([n; 16])
}

/// A demand for repayment.
#[must_use]
pub const fn demand(n: u8) -> DemandId {
    DemandId([n; 16])
}

/// What is asked of the ledger, by whom and when.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The request.
    pub command: Command<'static>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The ledger's clock; where not given it is `occurred_at`, never going back.
    pub clock: Option<Timestamp>,
    /// Who asks.
    pub actor: Text<'static>,
    /// The second person.
    pub approved_by: Option<Text<'static>>,
}

impl Ask {
    /// A request with a second person's approval.
    #[must_use]
    pub const fn new(command: Command<'static>, occurred_at: Timestamp) -> Self {
        let (actor, approver) = (Text::Borrowed("staff/first"), Text::Borrowed("staff/second"));
        Self { command, occurred_at, clock: None, actor, approved_by: Some(approver) }
    }

    /// The same request without a second person.
    #[must_use]
    pub fn alone(self) -> Self {
        Self { approved_by: None, ..self }
    }

    /// The same request from somebody else.
    #[must_use]
    pub fn by(self, actor: &'static str) -> Self {
        Self { actor: Text::Borrowed(actor), ..self }
    }

    /// The same request, approved by somebody else.
    #[must_use]
    pub fn approved_by(self, approver: &'static str) -> Self {
        Self { approved_by: Some(Text::Borrowed(approver)), ..self }
    }

    /// The same request at another time.
    #[must_use]
    pub fn at(self, when: impl Moment) -> Self {
        Self { occurred_at: when.instant(), ..self }
    }

    /// The same request while the ledger's clock shows that.
    #[must_use]
    pub fn clock(self, when: impl Moment) -> Self {
        Self { clock: Some(when.instant()), ..self }
    }

    /// The event that is asked to be recorded.
    ///
    /// # Panics
    ///
    /// Where something else is asked.
    #[must_use]
    pub fn event(self) -> Event<'static> {
        let Command::Record { event, .. } = self.command else { panic!("not an event: {:?}", self.command) };
        event
    }

    /// Who asks, and when, on this state.
    #[must_use]
    pub fn meta(&self, state: &State) -> Meta<'static> {
        let clock = self.clock.unwrap_or(self.occurred_at);
        Meta {
            occurred_at: self.occurred_at,
            recorded_at: clock.max(state.last_recorded_at().unwrap_or(clock)),
            actor: self.actor.clone(),
            auth: Auth::Insecure,
            approved_by: self.approved_by.clone(),
            source_reference: Text::Borrowed("test"),
        }
    }
}

/// A participant of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct P(pub u8);

impl P {
    /// The participant's id.
    #[must_use]
    pub const fn id(self) -> ParticipantId {
        ParticipantId([self.0; 16])
    }

    /// The digest of the participant's identity number.
    #[must_use]
    pub const fn identity(self) -> Digest {
        Digest([self.0; 32])
    }

    /// An event of this participant.
    #[must_use]
    pub fn sends(self, event: impl Into<Event<'static>>, when: impl Moment) -> Ask {
        Ask::new(Command::Record { participant: Some(self.id()), event: event.into() }, when.instant())
    }

    /// Selection on a family card of its own.
    #[must_use]
    pub fn select(self, wave: u32, when: impl Moment) -> Ask {
        self.select_as(wave, self.identity(), self.0, when)
    }

    /// Selection under that identity and family card.
    #[must_use]
    pub fn select_as(self, wave: u32, identity_digest: Digest, family: u8, when: impl Moment) -> Ask {
        let event = Selected {
            wave: Wave(wave),
            identity_digest,
            identity_key_id: "key-1".into(),
            family_card_digest: Digest([family; 32]),
            region: Region(1275),
        };
        self.sends(event, when)
    }

    /// A payout account in the participant's own name.
    #[must_use]
    pub fn link(self, n: u8, partner: Partner, when: impl Moment) -> Ask {
        self.link_of(n, partner, self.identity(), when)
    }

    /// A payout account in somebody's name.
    #[must_use]
    pub fn link_of(self, n: u8, partner: Partner, holder_identity_digest: Digest, when: impl Moment) -> Ask {
        let account_token = "token".into();
        self.sends(PayoutAccountLinked { link: link(n), partner, account_token, holder_identity_digest }, when)
    }

    /// The payout account is taken away.
    #[must_use]
    pub fn unlink(self, n: u8, when: impl Moment) -> Ask {
        self.sends(PayoutAccountUnlinked { link: link(n) }, when)
    }

    /// A purchase on Tokopedia.
    #[must_use]
    pub fn buy(self, n: u8, price: i64, when: impl Moment) -> Ask {
        self.buy_from(Platform::Tokopedia, n, price, when)
    }

    /// A purchase.
    #[must_use]
    pub fn buy_from(self, platform: Platform, n: u8, price: i64, when: impl Moment) -> Ask {
        let price = rp(price);
        let event =
            TrainingBought { purchase: purchase(n), course: "course".into(), platform, provider: "lpk".into(), price };
        self.sends(event, when)
    }

    /// The purchase is undone.
    #[must_use]
    pub fn cancel(self, n: u8, when: impl Moment) -> Ask {
        let (reason, refund_reference) = ("full".into(), "refund".into());
        self.sends(PurchaseCancelled { purchase: purchase(n), reason, refund_reference }, when)
    }

    /// The training is completed.
    #[must_use]
    pub fn complete(self, n: u8, when: impl Moment) -> Ask {
        self.sends(TrainingCompleted { purchase: purchase(n) }, when)
    }

    /// The completion is taken back.
    #[must_use]
    pub fn withdraw(self, n: u8, of_case: u8, when: impl Moment) -> Ask {
        let event = CompletionWithdrawn { purchase: purchase(n), case: case(of_case), reason: "not attended".into() };
        self.sends(event, when)
    }

    /// The certificate is issued.
    #[must_use]
    pub fn certify(self, n: u8, when: impl Moment) -> Ask {
        self.sends(CertificateIssued { purchase: purchase(n), certificate_number: "c".into() }, when)
    }

    /// The training is reviewed.
    #[must_use]
    pub fn review(self, n: u8, when: impl Moment) -> Ask {
        self.sends(TrainingReviewed { purchase: purchase(n), rating: 5 }, when)
    }

    /// A survey is filled in.
    #[must_use]
    pub fn survey(self, number: u8, when: impl Moment) -> Ask {
        self.sends(SurveyFilled { number }, when)
    }

    /// The membership is revoked.
    #[must_use]
    pub fn revoke(self, n: u8, ground: Ground, when: impl Moment) -> Ask {
        self.sends(MembershipRevoked { case: case(n), ground }, when)
    }

    /// The membership is given back.
    #[must_use]
    pub fn reinstate(self, n: u8, deadline: Option<Date>, when: impl Moment) -> Ask {
        let first_purchase_deadline = deadline;
        self.sends(MembershipReinstated { case: case(n), reason: "mended".into(), first_purchase_deadline }, when)
    }

    /// Evidence of ineligibility.
    #[must_use]
    pub fn find(self, case_number: &'static str, when: impl Moment) -> Ask {
        let at = when.instant();
        let (evidence_date, effective_date) = (at.wib_date(), at.wib_date());
        let case_number = case_number.into();
        self.sends(IneligibilityFound { source: "bpjs".into(), case_number, evidence_date, effective_date }, at)
    }

    /// The evidence was wrong.
    #[must_use]
    pub fn clear(self, case_number: &'static str, when: impl Moment) -> Ask {
        self.sends(IneligibilityWithdrawn { source: "bpjs".into(), case_number: case_number.into() }, when)
    }

    /// Money is asked back.
    #[must_use]
    pub fn owe(self, n: u8, amount: i64, when: impl Moment) -> Ask {
        let component = Component::TrainingIncentive;
        self.sends(RepaymentDemanded { demand: demand(n), component, amount: rp(amount) }, when)
    }

    /// Money is paid back.
    #[must_use]
    pub fn repay(self, n: u8, receipt: impl Into<Text<'static>>, amount: i64, when: impl Moment) -> Ask {
        let receipt_number = receipt.into();
        self.sends(RepaymentReceived { demand: demand(n), receipt_number, amount: rp(amount) }, when)
    }
}

/// A programme event.
#[must_use]
pub fn programme(event: impl Into<Event<'static>>, when: impl Moment) -> Ask {
    Ask::new(Command::Record { participant: None, event: event.into() }, when.instant())
}

/// A scheme takes effect.
#[must_use]
pub fn enact(scheme: Scheme<'static>, when: impl Moment) -> Ask {
    programme(SchemeEnacted { scheme }, when)
}

/// A wave opens.
#[must_use]
pub fn open(wave: u32, scheme: &'static str, year: i16, quota: u32, when: impl Moment) -> Ask {
    programme(WaveOpened { wave: Wave(wave), scheme: scheme.into(), year, quota }, when)
}

/// A wave closes.
#[must_use]
pub fn close_wave(wave: u32, when: impl Moment) -> Ask {
    programme(WaveClosed { wave: Wave(wave) }, when)
}

/// Funds are made available, or cut.
#[must_use]
pub fn funds(document: &'static str, fiscal_year: i16, amount: i64, when: impl Moment) -> Ask {
    programme(FundsAppropriated { document_number: document.into(), fiscal_year, amount: rp(amount) }, when)
}

/// The balance period closes.
#[must_use]
pub fn close_period(year: i16, when: impl Moment) -> Ask {
    programme(BalancePeriodClosed { year }, when)
}

/// A partner's statement was compared.
#[must_use]
pub fn statement(partner: Partner, file: u8, when: impl Moment) -> Ask {
    let at = when.instant();
    let none = Total::default();
    let event = StatementReconciled {
        partner,
        file_digest: Digest([file; 32]),
        period_from: at.wib_date(),
        period_to: at.wib_date(),
        matched: none,
        missing: none,
        extra: none,
        other_amount: none,
        other_day: none,
    };
    programme(event, at)
}

/// An exception is cleared up.
#[must_use]
pub fn resolve(
    partner: Partner,
    reference: impl Into<Text<'static>>,
    kind: OutcomeKind,
    resolution: &'static str,
    when: impl Moment,
) -> Ask {
    let event =
        ExceptionResolved { partner, transaction_reference: reference.into(), kind, resolution: resolution.into() };
    programme(event, when)
}

/// A run is planned by one person.
#[must_use]
pub fn plan_run(n: u8, as_of: Date, when: impl Moment) -> Ask {
    Ask::new(Command::PlanRun { run: run(n), as_of }, when.instant()).by("staff/planner")
}

/// A run is approved by another.
#[must_use]
pub fn approve_run(n: u8, items_digest: Digest, when: impl Moment) -> Ask {
    Ask::new(Command::ApproveRun { run: run(n), items_digest }, when.instant()).by("staff/approver")
}

/// What a partner says of one instruction, without anything that may be left out.
#[must_use]
pub fn outcome(position: u64, amount: i64, reference: impl Into<Text<'static>>) -> Outcome<'static> {
    Outcome {
        instruction: Position(position),
        amount: rp(amount),
        transaction_reference: reference.into(),
        raw_code: "00".into(),
        code_system: None,
        reason: None,
        account_fault: false,
        evidence: Evidence::Partner,
        evidence_reason: "".into(),
    }
}

/// The outcome, resting on other evidence.
#[must_use]
pub fn found_by(evidence: Evidence, outcome: Outcome<'static>) -> Outcome<'static> {
    let evidence_reason = if evidence == Evidence::Manual { "seen in the statement".into() } else { "".into() };
    Outcome { evidence, evidence_reason, ..outcome }
}

/// The outcome, with the account at fault.
#[must_use]
pub fn account_fault(outcome: Outcome<'static>) -> Outcome<'static> {
    Outcome { account_fault: true, reason: Some(Reason::AccountClosed), ..outcome }
}

/// A report of an outcome.
#[must_use]
pub fn report(partner: Partner, kind: OutcomeKind, outcome: Outcome<'static>, when: impl Moment) -> Ask {
    let instruction = outcome.instruction.reference().into();
    Ask::new(Command::ReportOutcome { partner, instruction, kind, outcome }, when.instant())
}

/// The exception that keeps such a report aside.
#[must_use]
pub fn exception(
    partner: Partner,
    kind: OutcomeKind,
    outcome: Outcome<'static>,
    cause: ExceptionCause,
) -> Event<'static> {
    let instruction = outcome.instruction.reference().into();
    OutcomeException { partner, instruction, kind, outcome, cause }.into()
}
