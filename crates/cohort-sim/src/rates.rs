//! How often things happen. Published where named, else assumed: chosen so that a cohort of some hundreds shows what a
//! year has.

/// Links a payout account in the first weeks.
pub(crate) const LINKS: f64 = 0.97;
/// Buys within the first-purchase deadline.
pub(crate) const BUYS: f64 = 0.96;
/// How many trainings a participant wants: one, two, three.
pub(crate) const WANTED: [u32; 3] = [45, 35, 20];
/// A purchase is cancelled.
pub(crate) const CANCELS: f64 = 0.025;
/// A purchase is never completed.
pub(crate) const DROPS_OUT: f64 = 0.03;
/// Buys again after a cancellation, or after a finished training while more are wanted.
pub(crate) const BUYS_AGAIN: f64 = 0.9;
/// The provider issues a certificate.
pub(crate) const CERTIFIED: f64 = 0.995;
/// The participant reviews a finished training.
pub(crate) const REVIEWS: f64 = 0.985;
/// Ratings 1 to 5.
pub(crate) const RATINGS: [u32; 5] = [1, 2, 7, 35, 55];
/// A survey is filled once it is open; who skips one fills none after it.
pub(crate) const FILLS_SURVEY: f64 = 0.92;
/// A completion is found untrue and withdrawn.
pub(crate) const WITHDRAWN: f64 = 0.003;
/// The platform cancels the purchase whose completion was withdrawn.
pub(crate) const CANCELLED_AFTER_WITHDRAWAL: f64 = 0.5;

/// Changes the payout account some time.
pub(crate) const CHANGES_ACCOUNT: f64 = 0.03;
/// Of those, on a payday between plan and approval.
pub(crate) const CHANGES_ON_PAYDAY: f64 = 0.2;
/// Takes the payout account away some time.
pub(crate) const UNLINKS: f64 = 0.008;
/// Links one again after that.
pub(crate) const LINKS_AGAIN: f64 = 0.6;
/// Links a new account after a fault.
pub(crate) const MENDS_ACCOUNT: f64 = 0.85;

/// The membership is revoked on a ground other than a missed deadline.
pub(crate) const REVOKED: f64 = 0.012;
/// Of those, by the board on a run's day.
pub(crate) const REVOKED_BY_BOARD: f64 = 0.5;
/// A revocation for no first purchase is undone on appeal.
pub(crate) const REINSTATED_NO_PURCHASE: f64 = 0.08;
/// A revocation on another ground is undone on appeal.
pub(crate) const REINSTATED: f64 = 0.15;
/// Buys after such a reinstatement.
pub(crate) const BUYS_AFTER_REINSTATEMENT: f64 = 0.8;
/// Goes on with an open training though revoked.
pub(crate) const COMPLETES_THOUGH_REVOKED: f64 = 0.5;
/// The platform cancels the open purchase of somebody revoked.
pub(crate) const CANCELLED_AFTER_REVOCATION: f64 = 0.35;

/// Another agency's data show that the participant was not eligible (119,494 of 5.6 million were found in 2020).
pub(crate) const FOUND_INELIGIBLE: f64 = 0.022;
/// Such a finding is taken back.
pub(crate) const FINDING_WITHDRAWN: f64 = 0.25;
/// Money is asked back after a finding.
pub(crate) const DEMANDED: f64 = 0.45;
/// The membership is revoked after a finding.
pub(crate) const REVOKED_AS_INELIGIBLE: f64 = 0.25;
/// How a demand is met: in full, in two halves, in part, with too much, not at all.
pub(crate) const REPAID: [u32; 5] = [45, 15, 10, 5, 25];

/// Of ten thousand instructions: settled, rejected (0.4% is published for 2020), settled and returned, in doubt.
pub(crate) const OUTCOMES: [u32; 4] = [9_925, 40, 20, 15];
/// The partner accepts an instruction before it pays.
pub(crate) const ACCEPTED: f64 = 0.9;
/// The account is at fault where a payout is rejected.
pub(crate) const ACCOUNT_FAULT: f64 = 0.75;
/// The account is at fault where money is returned.
pub(crate) const RETURNED_FOR_ACCOUNT: f64 = 0.5;
/// A recall reaches the partner before it pays.
pub(crate) const RECALL_WORKS: f64 = 0.6;
/// A partner pays after all what it rejected, perhaps after it was instructed again.
pub(crate) const PAID_AFTER_ALL: f64 = 0.05;
/// How a doubt ends: the inquiry says settled, the inquiry says rejected, a person decides for rejected.
pub(crate) const DOUBT_ENDS: [u32; 3] = [70, 22, 8];
