//! What a participant does: is selected, links accounts, buys, completes, reviews, fills surveys.

use ledger_core::codes::{Partner, Platform};
use ledger_core::event::{
    CertificateIssued, PayoutAccountLinked, PayoutAccountUnlinked, PurchaseCancelled, Selected, SurveyFilled,
    TrainingBought, TrainingCompleted, TrainingReviewed,
};
use ledger_core::ids::{LinkId, PurchaseId, Region, Wave};
use ledger_core::money::Rupiah;
use ledger_core::state::{FactKind, Purchase, Status};
use ledger_core::time::Timestamp;

use crate::agenda::{Cause, Step, Training};
use crate::calendar::{BOARD, PAYDAY_CHANGE, at, day};
use crate::catalogue::{Course, PriceList, catalogue};
use crate::cohort::{Cohort, Now, sender};
use crate::parameters::{Scenario, SchemeName};
use crate::person::{Dice, Id};
use crate::rates;
use crate::regions::regions;
use crate::rng::Delay;

const SELECTION: &str = "selection/prakerja";
const ACCOUNTS: &str = "account/prakerja";
const SURVEYS: &str = "survey/prakerja";
/// The id of the key behind identity and family-card digests.
const KEY_ID: &str = "sim-1";
/// Nobody buys more often than this, cancelled purchases included.
const MOST_PURCHASES: usize = 6;

impl Cohort {
    pub(crate) fn select(&mut self, at: Timestamp, who: u32, wave: u8) {
        let mut dice = self.chance.dice(who, Dice::Person, 0);
        let family_card_digest = self.chance.family_card(who, &mut dice);
        let anywhere = regions().pick(dice.draw()).code;
        let event = Selected {
            wave: Wave(self.calendar.waves[usize::from(wave)].number),
            identity_digest: self.chance.identity(who),
            identity_key_id: KEY_ID.into(),
            family_card_digest,
            region: Region(self.parameters.region.unwrap_or(anywhere)),
        };
        let id = self.chance.participant(who);
        if !self.book.send_event(&sender(at, SELECTION, format!("sel-{who}")), Some(id), event) {
            return;
        }
        let Some(place) = self.book.state.place(id) else { return };
        self.place_of[who as usize - 1] = place;
        self.who_of.push(who);
        self.plan_life(Now { at, who, place });
    }

    /// What a participant will try; each step is decided when its time comes.
    fn plan_life(&mut self, now: Now) {
        let deadline = now.date().plus_days(self.rules.first_purchase_days.into());
        match self.parameters.scenario {
            Scenario::Selected => return,
            Scenario::NoPurchase | Scenario::Year => {
                self.plan(now.who, deadline.plus_days(1).midnight(), Step::Deadline);
            }
        }
        if self.parameters.scenario == Scenario::NoPurchase {
            return;
        }
        let mut dice = self.chance.dice(now.who, Dice::Plans, 0);

        let (links, days, second) = (dice.chance(rates::LINKS), dice.skewed_days(2, 45), dice.second_of_day());
        if links {
            self.later(now, days, second, Step::Link);
        }
        let delay = match self.parameters.scheme {
            SchemeName::SemiBansos => Delay::FIRST_PURCHASE_30,
            SchemeName::Normal => Delay::FIRST_PURCHASE_15,
        };
        let (buys, days, second) = (dice.chance(rates::BUYS), dice.days(&delay), dice.second_of_day());
        if buys {
            self.later(now, days, second, Step::Buy);
        }
        let (changes, payday) = (dice.chance(rates::CHANGES_ACCOUNT), dice.chance(rates::CHANGES_ON_PAYDAY));
        let (days, second) = (dice.range(20..=220) as u32, dice.second_of_day());
        if changes {
            self.some_day(now, days, second, payday.then_some(PAYDAY_CHANGE), Step::Link);
        }
        let (unlinks, days, second) = (dice.chance(rates::UNLINKS), dice.range(20..=220) as u32, dice.second_of_day());
        if unlinks {
            self.later(now, days, second, Step::Unlink);
        }
        let (revoked, board) = (dice.chance(rates::REVOKED), dice.chance(rates::REVOKED_BY_BOARD));
        let (days, second) = (dice.range(15..=200) as u32, dice.second_of_day());
        if revoked {
            self.some_day(now, days, second, board.then_some(BOARD), Step::Revoke(Cause::Case));
        }
        let (found, draw, second) = (dice.chance(rates::FOUND_INELIGIBLE), dice.draw(), dice.second_of_day());
        // The comparisons with other agencies' data come late in the year.
        let year = self.calendar.year;
        let (first, last) = (now.date().plus_days(45).max(day(year, 10, 1)), day(year, 12, 24));
        if let Ok(span @ 1..) = u64::try_from(last.days() - first.days())
            && found
        {
            let date = first.plus_days(crate::rng::scale(draw, span) as i32);
            self.plan(now.who, at(date, second), Step::Find);
        }
    }

    /// Plans a step some days on; where an hour is given, on the next run's day at that hour.
    fn some_day(&mut self, now: Now, days: u32, second: u32, run_hour: Option<u32>, step: Step) {
        let date = now.date().plus_days(days.cast_signed());
        match run_hour.zip(self.calendar.run_from(date)) {
            Some((hour, run)) => self.plan(now.who, at(run, hour + second % 600), step),
            None => self.plan(now.who, at(date, second), step),
        }
    }

    pub(crate) fn link(&mut self, now: Now) {
        let participant = self.participant(now);
        let (id, holder) = (participant.id, self.chance.identity(now.who));
        let ordinal = participant.count(FactKind::Linked) as u16;
        let mut dice = self.chance.dice(now.who, Dice::Link, ordinal);
        let partner = catalogue().pick_partner(self.calendar.year, dice.draw());
        let event = PayoutAccountLinked {
            link: LinkId(self.chance.id(now.who, Id::Link, ordinal)),
            partner: Partner::from_code(partner.id).expect("the catalogue's partners are the ledger's"),
            account_token: format!("acct-{:016x}", dice.draw()).into(),
            holder_identity_digest: holder,
        };
        let reference = format!("link-{}-{ordinal}", now.who);
        self.book.send_event(&sender(now.at, ACCOUNTS, reference), Some(id), event);
    }

    pub(crate) fn unlink(&mut self, now: Now) {
        let participant = self.participant(now);
        let Some((ordinal, link, _)) = participant.link() else { return };
        let (id, link) = (participant.id, link.id);
        let reference = format!("unlink-{}-{ordinal}", now.who);
        if self.book.send_event(&sender(now.at, ACCOUNTS, reference), Some(id), PayoutAccountUnlinked { link }) {
            let mut dice = self.chance.dice(now.who, Dice::Unlink, ordinal);
            let (again, days, second) =
                (dice.chance(rates::LINKS_AGAIN), dice.range(3..=40) as u32, dice.second_of_day());
            if again {
                self.later(now, days, second, Step::Link);
            }
        }
    }

    pub(crate) fn buy(&mut self, now: Now) {
        let (state, participant) = (&self.book.state, self.participant(now));
        let date = now.date();
        let first = !participant.has_bought();
        let too_late = state.balance_last_day(participant).is_none_or(|last| date > last)
            || first && state.first_purchase_deadline(participant).is_none_or(|last| date > last);
        let done = |(purchase, index): (Purchase, u16)| {
            purchase.cancelled || purchase.completed && participant.fact(FactKind::Reviewed, index).is_some()
        };
        let busy = !participant.purchases().zip(0..).all(done);
        let completed = participant.purchases().filter(|p| p.completed && !p.cancelled).count();
        let bought = participant.count(FactKind::Bought);
        let wants = self.chance.dice(now.who, Dice::Wanted, 0).weighted(&rates::WANTED).unwrap_or(0) + 1;
        if too_late || busy || completed >= wants || bought >= MOST_PURCHASES {
            return;
        }
        let ordinal = bought as u8;
        let budget = u64::try_from(state.training_balance(participant).get()).unwrap_or(0);
        let id = participant.id;

        let mut dice = self.chance.dice(now.who, Dice::Buy, ordinal.into());
        let platform = catalogue().pick_platform(dice.draw()).id;
        let Some(course) = catalogue().pick_course(platform, self.prices(), budget, dice.draw()) else { return };
        let event = TrainingBought {
            purchase: PurchaseId(self.chance.id(now.who, Id::Purchase, ordinal.into())),
            course: course.id.into(),
            platform: Platform::from_code(platform).expect("the catalogue's platforms are the ledger's"),
            provider: course.provider.id.into(),
            price: Rupiah::new(course.price(self.prices()).unwrap_or(0).cast_signed()),
        };
        let reference = format!("order-{}-{ordinal}", now.who);
        if !self.book.send_event(&sender(now.at, format!("platform/{platform}"), reference), Some(id), event) {
            return;
        }
        let (cancels, drops_out) = (dice.chance(rates::CANCELS), dice.chance(rates::DROPS_OUT));
        let (cancelled, completed) = (dice.range(1..=10) as u32, dice.days(&Delay::COMPLETION));
        let second = dice.second_of_day();
        if cancels {
            self.later(now, cancelled, second, Step::Cancel(ordinal));
        } else if !drops_out {
            let place = catalogue().courses().iter().position(|other| std::ptr::eq(other, course)).unwrap_or(0);
            self.later(now, completed, second, Step::Complete(Training { purchase: ordinal, course: place as u8 }));
        }
    }

    const fn prices(&self) -> PriceList {
        match self.parameters.scheme {
            SchemeName::SemiBansos => PriceList::SemiBansos,
            SchemeName::Normal => PriceList::Normal,
        }
    }

    /// A participant's purchase by its place.
    pub(crate) fn purchase(&self, now: Now, ordinal: u8) -> Purchase {
        self.participant(now).purchases().nth(ordinal.into()).expect("a purchase that was made")
    }

    fn sends(&mut self, now: Now, actor: String, reference: String, event: impl Into<ledger_core::Event<'static>>) {
        let id = self.participant(now).id;
        self.book.send_event(&sender(now.at, actor, reference), Some(id), event);
    }

    pub(crate) fn cancel(&mut self, now: Now, ordinal: u8) {
        let purchase = self.purchase(now, ordinal);
        if purchase.cancelled || purchase.completed {
            return;
        }
        let actor = format!("platform/{}", purchase.platform);
        let mut dice = self.chance.dice(now.who, Dice::Cancel, ordinal.into());
        let reasons = ["the participant's wish", "the course is no longer given", "bought by mistake"];
        let event = PurchaseCancelled {
            purchase: purchase.id,
            reason: (*dice.pick(&reasons).unwrap_or(&reasons[0])).into(),
            refund_reference: format!("refund-{}-{ordinal}", now.who).into(),
        };
        self.sends(now, actor, format!("cancel-{}-{ordinal}", now.who), event);
        self.buy_again(now, &mut dice);
    }

    fn buy_again(&mut self, now: Now, dice: &mut crate::rng::Stream) {
        let (again, days, second) =
            (dice.chance(rates::BUYS_AGAIN), dice.days(&Delay::NEXT_PURCHASE), dice.second_of_day());
        if again && self.participant(now).status == Status::Live {
            self.later(now, days, second, Step::Buy);
        }
    }

    pub(crate) fn complete(&mut self, now: Now, training: Training) {
        let live = self.participant(now).status == Status::Live;
        let ordinal = training.purchase;
        let purchase = self.purchase(now, ordinal);
        let mut dice = self.chance.dice(now.who, Dice::Complete, ordinal.into());
        let goes_on = dice.chance(rates::COMPLETES_THOUGH_REVOKED) || live;
        if purchase.cancelled || purchase.completed || !goes_on {
            return;
        }
        let (actor, purchase) = (format!("platform/{}", purchase.platform), purchase.id);
        self.sends(now, actor, format!("done-{}-{ordinal}", now.who), TrainingCompleted { purchase });

        let (certified, days, second) =
            (dice.chance(rates::CERTIFIED), dice.days(&Delay::CERTIFICATE), dice.second_of_day());
        if certified {
            self.later(now, days, second, Step::Certify(training));
        }
        let (reviews, days, second) = (dice.chance(rates::REVIEWS), dice.days(&Delay::REVIEW), dice.second_of_day());
        if reviews {
            self.later(now, days, second, Step::Review(ordinal));
        }
        let (withdrawn, days, second) =
            (dice.chance(rates::WITHDRAWN), dice.range(3..=45) as u32, dice.second_of_day());
        if withdrawn {
            self.later(now, days, second, Step::Withdraw(ordinal));
        }
    }

    pub(crate) fn certify(&mut self, now: Now, training: Training) {
        let Training { purchase: ordinal, course } = training;
        let purchase = self.purchase(now, ordinal);
        if purchase.cancelled || !purchase.completed {
            return;
        }
        let Course { id, provider, .. } = &catalogue().courses()[usize::from(course)];
        let event = CertificateIssued {
            purchase: purchase.id,
            certificate_number: format!("{id}/{}/{:08}-{ordinal}", self.calendar.year, now.who).into(),
        };
        self.sends(now, format!("provider/{}", provider.id), format!("cert-{}-{ordinal}", now.who), event);
        self.expect_survey(now, 1);
    }

    pub(crate) fn review(&mut self, now: Now, ordinal: u8) {
        let purchase = self.purchase(now, ordinal);
        if purchase.cancelled || !purchase.completed {
            return;
        }
        let mut dice = self.chance.dice(now.who, Dice::Review, ordinal.into());
        let (actor, purchase) = (format!("platform/{}", purchase.platform), purchase.id);
        let rating = dice.weighted(&rates::RATINGS).unwrap_or(4) as u8 + 1;
        let event = TrainingReviewed { purchase, rating };
        self.sends(now, actor, format!("review-{}-{ordinal}", now.who), event);
        self.expect_survey(now, 1);
        self.buy_again(now, &mut dice);
    }

    /// Once a survey will open, plans whether and when it is filled. The first one is looked at twice, after certificate
    /// and review; only then is it unlocked, and the same draws come again for a later training.
    fn expect_survey(&mut self, now: Now, number: u8) {
        let participant = self.participant(now);
        let filled = participant.survey_filled_on(number).is_some();
        let Some(opens) = participant.survey_opens(&self.rules, number).filter(|_| !filled) else { return };
        let mut dice = self.chance.dice(now.who, Dice::Survey, number.into());
        let (fills, days, second) = (dice.chance(rates::FILLS_SURVEY), dice.days(&Delay::SURVEY), dice.second_of_day());
        if fills {
            let open = Now { at: now.at.max(opens.midnight()), ..now };
            self.later(open, days, second, Step::Survey(number));
        }
    }

    pub(crate) fn fill_survey(&mut self, now: Now, number: u8) {
        let participant = self.participant(now);
        let open = participant.survey_opens(&self.rules, number).is_some_and(|opens| opens <= now.date());
        if !open || participant.survey_filled_on(number).is_some() {
            return;
        }
        self.sends(now, SURVEYS.to_owned(), format!("survey-{}-{number}", now.who), SurveyFilled { number });
        self.expect_survey(now, number + 1);
    }
}
