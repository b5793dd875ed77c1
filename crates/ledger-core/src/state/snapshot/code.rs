//! The entries of a snapshot's pieces, byte by byte. Numbers are varints or little-endian.

use super::super::fact::Fact;
use super::super::life::Life;
use super::super::packed::{byte, put_varint, varint};
use super::super::participant::{Identity, Participant, Status};
use super::super::programme::{Block, ExceptionEntry, ExceptionKey, Run, Wave, Year};
use super::super::{Place, RareKey, RareKind, State};
use super::PARTNERS;
use crate::account::{Account, Balances};
use crate::codes::{EntitlementKind, Ground, OutcomeKind, Partner};
use crate::event::{Text, Total};
use crate::ids::{self, Digest, ParticipantId, Region, RunId};
use crate::money::Rupiah;
use crate::scheme::{Entitlement, MonthDay, Scheme};
use crate::time::{Date, Timestamp};

type Out = Vec<u8>;

fn number(out: &mut Out, number: u64) {
    put_varint(number, |byte| out.push(byte));
}

/// A number with a sign: 8 bytes.
fn signed(out: &mut Out, number: i64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn text(out: &mut Out, text: &str) {
    number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn option<T>(out: &mut Out, value: Option<T>, put: impl FnOnce(&mut Out, T)) {
    out.push(value.is_some().into());
    if let Some(value) = value {
        put(out, value);
    }
}

fn fact(out: &mut Out, fact: Fact) {
    out.extend_from_slice(&fact.position);
    out.extend_from_slice(&fact.day);
}

fn total(out: &mut Out, total: Total) {
    number(out, total.count);
    signed(out, total.amount.get());
}

fn list<T: Copy>(out: &mut Out, items: &[T], put: impl Fn(&mut Out, T)) {
    number(out, items.len() as u64);
    items.iter().for_each(|item| put(out, *item));
}

/// What is left of a piece. Every look gives `None` where it does not go on as it should.
pub(super) type Rest<'b> = &'b [u8];

fn take<const N: usize>(rest: &mut Rest<'_>) -> Option<[u8; N]> {
    let (first, others) = rest.split_first_chunk()?;
    *rest = others;
    Some(*first)
}

fn take_bytes<'b>(rest: &mut Rest<'b>) -> Option<&'b [u8]> {
    let len = usize::try_from(varint(rest)?).ok()?;
    let (bytes, others) = rest.split_at_checked(len)?;
    *rest = others;
    Some(bytes)
}

fn take_text(rest: &mut Rest<'_>) -> Option<String> {
    std::str::from_utf8(take_bytes(rest)?).ok().map(str::to_owned)
}

fn take_signed(rest: &mut Rest<'_>) -> Option<i64> {
    take(rest).map(i64::from_le_bytes)
}

fn take_rupiah(rest: &mut Rest<'_>) -> Option<Rupiah> {
    take_signed(rest).map(Rupiah::new)
}

fn take_small<T: TryFrom<u64>>(rest: &mut Rest<'_>) -> Option<T> {
    T::try_from(varint(rest)?).ok()
}

fn take_option<T>(rest: &mut Rest<'_>, take: impl FnOnce(&mut Rest<'_>) -> Option<T>) -> Option<Option<T>> {
    match byte(rest)? {
        0 => Some(None),
        1 => take(rest).map(Some),
        _ => None,
    }
}

fn take_fact(rest: &mut Rest<'_>) -> Option<Fact> {
    Some(Fact { position: take(rest)?, day: take(rest)? })
}

fn take_date(rest: &mut Rest<'_>) -> Option<Date> {
    Some(Date::from_days(i32::from_le_bytes(take(rest)?)))
}

fn take_total(rest: &mut Rest<'_>) -> Option<Total> {
    Some(Total { count: varint(rest)?, amount: take_rupiah(rest)? })
}

fn take_list<T>(rest: &mut Rest<'_>, take: impl Fn(&mut Rest<'_>) -> Option<T>) -> Option<Vec<T>> {
    (0..varint(rest)?).map(|_| take(rest)).collect()
}

/// How many entries of each sort follow the programme's piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Following {
    pub(super) participants: u32,
    pub(super) instructions: [usize; PARTNERS],
}

pub(super) fn put_programme(out: &mut Out, state: &State) {
    number(out, state.participants.len().into());
    state.instructions.iter().for_each(|list| number(out, list.len() as u64));
    number(out, state.size);
    option(out, state.last_recorded_at, |out, at| signed(out, at.nanos()));
    option(out, state.last_programme_position, number);
    state.totals.iter().for_each(|(_, amount)| signed(out, amount.get()));
    number(out, state.schemes.len() as u64);
    for (scheme, enacted) in &state.schemes {
        put_scheme(out, scheme);
        fact(out, *enacted);
    }
    number(out, state.waves.iter().len() as u64);
    for (number_of, wave) in state.waves.iter() {
        number(out, number_of.0.into());
        put_wave(out, wave);
    }
    number(out, state.years.iter().len() as u64);
    for (number_of, year) in state.years.iter() {
        out.extend_from_slice(&number_of.to_le_bytes());
        signed(out, year.appropriated.get());
        signed(out, year.used.get());
        option(out, year.closed, fact);
        number(out, year.funds_since);
    }
    number(out, state.runs.len() as u64);
    state.runs.iter().for_each(|run| put_run(out, run));
}

/// The programme's part of a state, with nobody in it yet.
pub(super) fn take_programme(rest: &mut Rest<'_>) -> Option<(State, Following)> {
    let mut state = State::new();
    let mut following = Following { participants: take_small(rest)?, instructions: [0; PARTNERS] };
    for list in &mut following.instructions {
        *list = take_small(rest)?;
    }
    state.size = varint(rest)?;
    state.last_recorded_at = take_option(rest, |rest| take_signed(rest).map(Timestamp::from_nanos))?;
    state.last_programme_position = take_option(rest, varint)?;
    let mut totals = Balances::default();
    for account in Account::all() {
        totals.add(account, take_rupiah(rest)?);
    }
    state.totals = totals;
    state.schemes = take_list(rest, |rest| Some((take_scheme(rest)?, take_fact(rest)?)))?;
    let waves = take_list(rest, |rest| Some((ids::Wave(take_small(rest)?), take_wave(rest)?)))?;
    state.waves = waves.into_iter().collect();
    let year = |rest: &mut Rest<'_>| {
        let number = i16::from_le_bytes(take(rest)?);
        let (appropriated, used) = (take_rupiah(rest)?, take_rupiah(rest)?);
        Some((number, Year { appropriated, used, closed: take_option(rest, take_fact)?, funds_since: varint(rest)? }))
    };
    state.years = take_list(rest, year)?.into_iter().collect();
    state.runs = take_list(rest, take_run)?;
    Some((state, following))
}

fn put_scheme(out: &mut Out, scheme: &Scheme<'_>) {
    text(out, &scheme.scheme);
    signed(out, scheme.training_aid.get());
    list(out, &scheme.training_incentives, |out, amount| signed(out, amount.get()));
    list(out, &scheme.survey_incentives, |out, amount| signed(out, amount.get()));
    number(out, scheme.first_purchase_days.into());
    for day in [scheme.balance_last_day, scheme.complete_by] {
        out.extend_from_slice(&[day.month, day.day]);
    }
    number(out, scheme.first_incentive_days.into());
    list(out, &scheme.survey_opening_days, |out, days| number(out, days.into()));
    number(out, scheme.survey_due_days.into());
    number(out, scheme.instruction_expiry_days.into());
    out.push(scheme.max_participants_per_family_card);
}

fn take_scheme(rest: &mut Rest<'_>) -> Option<Scheme<'static>> {
    let day = |rest: &mut Rest<'_>| take(rest).map(|[month, day]| MonthDay { month, day });
    Some(Scheme {
        scheme: Text::Owned(take_text(rest)?),
        training_aid: take_rupiah(rest)?,
        training_incentives: take_list(rest, take_rupiah)?,
        survey_incentives: take_list(rest, take_rupiah)?,
        first_purchase_days: take_small(rest)?,
        balance_last_day: day(rest)?,
        complete_by: day(rest)?,
        first_incentive_days: take_small(rest)?,
        survey_opening_days: take_list(rest, take_small)?,
        survey_due_days: take_small(rest)?,
        instruction_expiry_days: take_small(rest)?,
        max_participants_per_family_card: byte(rest)?,
    })
}

fn put_wave(out: &mut Out, wave: &Wave) {
    number(out, wave.scheme as u64);
    out.extend_from_slice(&wave.year.to_le_bytes());
    number(out, wave.quota.into());
    number(out, wave.selected.into());
    for day in [wave.balance_last_day, wave.complete_by] {
        out.extend_from_slice(&day.days().to_le_bytes());
    }
    fact(out, wave.opened);
    option(out, wave.closed, fact);
    signed(out, wave.training_balance);
    signed(out, wave.committed);
}

fn take_wave(rest: &mut Rest<'_>) -> Option<Wave> {
    Some(Wave {
        scheme: take_small(rest)?,
        year: i16::from_le_bytes(take(rest)?),
        quota: take_small(rest)?,
        selected: take_small(rest)?,
        balance_last_day: take_date(rest)?,
        complete_by: take_date(rest)?,
        opened: take_fact(rest)?,
        closed: take_option(rest, take_fact)?,
        training_balance: take_signed(rest)?,
        committed: take_signed(rest)?,
    })
}

fn put_run(out: &mut Out, run: &Run) {
    out.extend_from_slice(&run.id.0);
    out.extend_from_slice(&run.as_of.days().to_le_bytes());
    number(out, run.known_at);
    out.extend_from_slice(&run.items_digest.0);
    total(out, run.planned_items);
    text(out, &run.planned_by);
    fact(out, run.planned);
    option(out, run.approved, fact);
    signed(out, run.approved_at.nanos());
    option(out, run.closed, fact);
    total(out, run.instructed);
    total(out, run.held);
    option(out, run.last_instructed, |out, (due, participant, entitlement)| {
        out.extend_from_slice(&due.days().to_le_bytes());
        out.extend_from_slice(&participant.0);
        out.extend_from_slice(&[entitlement.kind.number(), entitlement.number]);
    });
}

fn take_run(rest: &mut Rest<'_>) -> Option<Run> {
    Some(Run {
        id: RunId(take(rest)?),
        as_of: take_date(rest)?,
        known_at: varint(rest)?,
        items_digest: Digest(take(rest)?),
        planned_items: take_total(rest)?,
        planned_by: take_text(rest)?,
        planned: take_fact(rest)?,
        approved: take_option(rest, take_fact)?,
        approved_at: take_signed(rest).map(Timestamp::from_nanos)?,
        closed: take_option(rest, take_fact)?,
        instructed: take_total(rest)?,
        held: take_total(rest)?,
        last_instructed: take_option(rest, |rest| {
            let (due, participant) = (take_date(rest)?, ParticipantId(take(rest)?));
            let [kind, number] = take(rest)?;
            Some((due, participant, Entitlement { kind: EntitlementKind::from_number(kind)?, number }))
        })?,
    })
}

pub(super) fn put_rare(out: &mut Out, key: &RareKey, at: Fact) {
    out.push(key.kind as u8);
    out.extend_from_slice(&key.participant);
    out.extend_from_slice(&key.id);
    fact(out, at);
}

pub(super) fn take_rare(rest: &mut Rest<'_>) -> Option<(RareKey, Fact)> {
    let kind = *RareKind::ALL.get(usize::from(byte(rest)?).checked_sub(1)?)?;
    Some((RareKey { kind, participant: take(rest)?, id: take(rest)? }, take_fact(rest)?))
}

/// What was resolved later is not resolved yet.
pub(super) fn put_exception(out: &mut Out, key: &ExceptionKey, entry: &ExceptionEntry, size: u64) {
    out.push(key.partner.number());
    text(out, &key.reference);
    out.push(key.kind.number());
    fact(out, entry.recorded);
    out.extend_from_slice(&entry.content.to_le_bytes());
    option(out, entry.resolved.filter(|resolved| resolved.position() < size), fact);
}

pub(super) fn take_exception(rest: &mut Rest<'_>) -> Option<(ExceptionKey, ExceptionEntry)> {
    let partner = Partner::from_number(byte(rest)?)?;
    let (reference, kind) = (take_text(rest)?, OutcomeKind::from_number(byte(rest)?)?);
    let entry = ExceptionEntry {
        recorded: take_fact(rest)?,
        content: u128::from_le_bytes(take(rest)?),
        resolved: take_option(rest, take_fact)?,
    };
    Some((ExceptionKey { partner, reference, kind }, entry))
}

/// The first `count` entries of a block.
pub(super) fn put_block(out: &mut Out, partner: usize, block: &Block, count: usize) {
    let (last, used) = block.up_to(count);
    out.push(partner as u8);
    number(out, block.first);
    number(out, last);
    number(out, count as u64);
    number(out, used as u64);
    out.extend_from_slice(block.bytes.get(..used).unwrap_or_default());
}

/// A block with its partner and the number of its entries.
pub(super) fn take_block(rest: &mut Rest<'_>) -> Option<(usize, Block, usize)> {
    let partner = byte(rest)?.into();
    let (first, last, count) = (varint(rest)?, varint(rest)?, take_small(rest)?);
    Some((partner, Block { first, last, bytes: take_bytes(rest)?.to_vec() }, count))
}

pub(super) fn put_participant(out: &mut Out, place: Place, participant: &Participant, repaid: Rupiah) {
    let p = participant;
    out.extend_from_slice(&place.to_le_bytes());
    out.extend_from_slice(&p.id.0);
    out.extend_from_slice(&p.identity.0);
    fact(out, p.last);
    for number in [p.first_purchase_deadline, p.status_since, p.region.0] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    let status = match p.status {
        Status::Live => 0,
        Status::Revoked(ground) => ground.number(),
    };
    out.extend_from_slice(&[status, p.open_findings, p.passing]);
    for amount in [p.wave.0, p.training_balance, p.forfeited, p.lapsed] {
        number(out, amount.into());
    }
    option(out, Some(repaid).filter(|repaid| *repaid != Rupiah::ZERO), |out, repaid| signed(out, repaid.get()));
    number(out, p.life().len() as u64);
    out.extend_from_slice(p.life());
}

pub(super) fn take_participant(rest: &mut Rest<'_>) -> Option<(Place, Participant, Option<Rupiah>)> {
    let place = Place::from_le_bytes(take(rest)?);
    let (id, identity, last) = (ParticipantId(take(rest)?), Identity(take(rest)?), take_fact(rest)?);
    let first_purchase_deadline = u16::from_le_bytes(take(rest)?);
    let (status_since, region) = (u16::from_le_bytes(take(rest)?), Region(u16::from_le_bytes(take(rest)?)));
    let [status, open_findings, passing] = take(rest)?;
    let status = match status {
        0 => Status::Live,
        ground => Status::Revoked(Ground::from_number(ground)?),
    };
    let wave = ids::Wave(take_small(rest)?);
    let (training_balance, forfeited, lapsed) = (take_small(rest)?, take_small(rest)?, take_small(rest)?);
    let repaid = take_option(rest, take_rupiah)?;
    let life = Life::of(take_bytes(rest)?);
    let participant = Participant {
        id,
        identity,
        life,
        last,
        first_purchase_deadline,
        status_since,
        region,
        wave,
        training_balance,
        forfeited,
        lapsed,
        status,
        open_findings,
        passing,
    };
    Some((place, participant, repaid))
}
