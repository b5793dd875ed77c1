//! `sample`: a random sample of participants that anyone can draw again, with each one's dossier.
//!
//! Everybody has a rank: the SHA-256 of the seed and the participant's id. The first of each stratum are the sample, so it
//! depends on nothing but the seed and who was selected. Strata get places in proportion to their people, the largest
//! remainders first.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write;
use std::ops::ControlFlow;

use ledger_core::event::Event;
use ledger_core::ids::{ParticipantId, Region, Wave};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::participant::{Dossier, entry};
use super::trial_balance::heading;
use crate::error::Error;
use crate::known::{Known, Window};
use crate::output::{self, Format, text};
use crate::source::Source;

/// What participants are divided by before the sample is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Their wave.
    Wave,
    /// Their region.
    Region,
}

impl std::str::FromStr for By {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "wave" => Ok(Self::Wave),
            "region" => Ok(Self::Region),
            _ => Err("neither wave nor region"),
        }
    }
}

/// The values by which a stratum is one; nothing where that is not divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Stratum {
    #[serde(skip_serializing_if = "Option::is_none")]
    wave: Option<Wave>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct Drawn {
    #[serde(flatten)]
    stratum: Stratum,
    participants: u64,
    sampled: u64,
}

/// Everybody that was selected, by stratum, with their ranks.
type People = BTreeMap<Stratum, Vec<(u64, ParticipantId)>>;

/// Draws the sample and writes it with the dossiers, in order of selection.
///
/// # Errors
///
/// The log could not be read, or the answer not be written.
pub fn run(
    source: &Source,
    (n, seed, by): (usize, u64, &[By]),
    window: &Window,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let people = people(source, window, seed, by)?;
    let (chosen, strata) = draw(people, n);
    let mut histories: HashMap<ParticipantId, Vec<output::life::Entry>> = HashMap::new();
    let known = Known::read_of(source, window, Some(&chosen), &mut |state, record| {
        if window.as_of.is_some_and(|date| record.occurred_at.wib_date() > date) {
            return;
        }
        match record.participant {
            Some(id) => histories.entry(id).or_default().extend(entry(state, record, id)),
            None => {
                for id in state.participants().iter().map(|participant| participant.id) {
                    histories.entry(id).or_default().extend(entry(state, record, id));
                }
            }
        }
    })?;
    let size = known.size();
    let history = |id| histories.get(&id).map(Vec::as_slice).unwrap_or_default();
    match format {
        Format::Json => {
            write!(out, "{{\"seed\":{seed},\"known_at\":{size},\"strata\":")?;
            output::json_part(out, &strata)?;
            write!(out, ",\"participants\":[")?;
            for (place, (view, balances)) in known.participants().enumerate() {
                out.write_all(if place == 0 { b"\n" } else { b",\n" })?;
                let dossier = Dossier { view: &view, balances: &balances, known: &known, history: history(view.id) };
                dossier.json(out)?;
            }
            writeln!(out, "\n]}}")?;
        }
        Format::Text => {
            writeln!(out, "{}\n", heading(&format!("Sample of seed {seed}"), known.as_of(), size))?;
            let mut rows = vec![["wave", "region", "participants", "sampled"].map(str::to_owned)];
            for drawn in &strata {
                let (wave, region) = (text::or_dash(drawn.stratum.wave), text::or_dash(drawn.stratum.region));
                rows.push([wave, region, text::count(drawn.participants), text::count(drawn.sampled)]);
            }
            out.write_all(text::table(&rows, [true, false, true, true]).as_bytes())?;
            for (view, balances) in known.participants() {
                writeln!(out)?;
                Dossier { view: &view, balances: &balances, known: &known, history: history(view.id) }.text(out)?;
            }
        }
    }
    Ok(out.flush()?)
}

fn people(source: &Source, window: &Window, seed: u64, by: &[By]) -> Result<People, Error> {
    let mut people = People::new();
    let mut seen = HashSet::new();
    source.for_each(&mut |record| {
        if !window.known_at.takes(record) {
            return ControlFlow::Break(());
        }
        let dated = window.as_of.is_none_or(|date| record.occurred_at.wib_date() <= date);
        if let (Event::Selected(e), Some(id), true) = (&record.event, record.participant, dated)
            && seen.insert(id)
        {
            let stratum = Stratum {
                wave: by.contains(&By::Wave).then_some(e.wave),
                region: by.contains(&By::Region).then_some(e.region),
            };
            people.entry(stratum).or_default().push((rank(seed, id), id));
        }
        ControlFlow::Continue(())
    })?;
    Ok(people)
}

/// The first 8 bytes of SHA-256 over the seed, 8 bytes big-endian, and the participant's 16.
fn rank(seed: u64, id: ParticipantId) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update(seed.to_be_bytes());
    hasher.update(id.0);
    hasher.finalize().first_chunk().copied().map_or(0, u64::from_be_bytes)
}

fn draw(people: People, n: usize) -> (HashSet<ParticipantId>, Vec<Drawn>) {
    let all: usize = people.values().map(Vec::len).sum();
    let n = n.min(all);
    let share = |count: usize| (count as u128 * n as u128, all.max(1) as u128);
    let mut places: Vec<_> = people.values().map(|people| (share(people.len()).0 / share(0).1) as usize).collect();
    let mut left = n - places.iter().sum::<usize>();
    let mut remainders: Vec<_> = people.values().enumerate().collect();
    remainders.sort_by_key(|(stratum, people)| (std::cmp::Reverse(share(people.len()).0 % share(0).1), *stratum));
    for (stratum, _) in remainders {
        let more = left.min(1);
        (places[stratum], left) = (places[stratum] + more, left - more);
    }
    let (mut chosen, mut strata) = (HashSet::new(), Vec::new());
    for ((stratum, mut people), sampled) in people.into_iter().zip(places) {
        people.sort_unstable();
        chosen.extend(people.iter().take(sampled).map(|(_, id)| *id));
        strata.push(Drawn { stratum, participants: people.len() as u64, sampled: sampled as u64 });
    }
    (chosen, strata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_proportion_and_none_is_lost() {
        let stratum = |wave| Stratum { wave: Some(Wave(wave)), region: None };
        let id = |wave: u8, who: u8| ParticipantId([wave, who, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let of =
            |wave: u8, count: u8| -> Vec<_> { (0..count).map(|who| (rank(7, id(wave, who)), id(wave, who))).collect() };
        for (n, expected) in [(0, [0, 0, 0]), (1, [0, 0, 1]), (10, [1, 3, 6]), (7, [1, 2, 4]), (100, [3, 9, 18])] {
            let people: People = [(stratum(1), of(1, 3)), (stratum(2), of(2, 9)), (stratum(3), of(3, 18))].into();
            let (chosen, strata) = draw(people, n);
            let sampled: Vec<_> = strata.iter().map(|drawn| drawn.sampled).collect();
            assert_eq!(sampled, expected, "{n}");
            assert_eq!(chosen.len() as u64, expected.iter().sum::<u64>(), "{n}");
        }
    }
}
