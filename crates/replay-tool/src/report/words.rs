//! The report's words in both languages: sentences by key, and names of codes by the code itself.

/// The language of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Lang {
    /// Bahasa Indonesia.
    Id,
    /// English.
    En,
}

impl Lang {
    /// The code as in HTML's `lang`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::En => "en",
        }
    }

    const fn of<T: Copy>(self, (id, en): (T, T)) -> T {
        match self {
            Self::Id => id,
            Self::En => en,
        }
    }

    /// A number with its thousands set apart, as the language does.
    #[must_use]
    pub fn number(self, number: i64) -> String {
        let dotted = crate::output::text::rupiah(ledger_core::Rupiah::new(number));
        match self {
            Self::Id => dotted,
            Self::En => dotted.replace('.', ","),
        }
    }
}

macro_rules! words {
    ($($name:ident: $id:literal, $en:literal;)+) => {
        /// A sentence, heading or label of the report.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Word { $($name,)+ }

        impl Word {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            const fn both(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => ($id, $en),)+ }
            }

            /// In one language.
            #[must_use]
            pub const fn in_lang(self, lang: Lang) -> &'static str {
                lang.of(self.both())
            }
        }
    };
}

words! {
    Title: "Laporan audit penyaluran Kartu Prakerja", "Audit report on Kartu Prakerja disbursements";
    AsOf: "per tanggal", "as of";
    KnownRecords: "catatan yang diketahui", "records known";
    LogSize: "catatan dalam log", "records in the log";
    LogRoot: "akar RFC 6962 seluruh log", "RFC 6962 root of the whole log";
    SourceRead: "sumber yang dibaca", "source read";
    Tool: "alat", "tool";
    Everything: "Semua angka dihitung ulang dari log saja. Rupiah utuh.", "Every figure is computed again from the log alone. Whole rupiah.";
    Empty: "Tidak ada catatan.", "There are no records.";

    Summary: "Ringkasan", "Summary";
    Participants: "peserta", "participants";
    Live: "aktif", "live";
    Revoked: "dicabut", "revoked";
    Unlocked: "insentif terbuka", "incentives unlocked";
    Entitled: "hak seluruhnya", "whole entitlement";
    Spent: "dibelanjakan untuk pelatihan", "spent on training";
    Received: "diterima peserta", "received by participants";
    InTransit: "dalam proses bayar", "in transit";
    Treasury: "kembali ke kas negara", "back to the treasury";
    DueUnpaid: "jatuh tempo, belum dibayar", "due and not paid";
    Findings: "Temuan", "Findings";

    Flow: "Aliran dana", "Money flow";
    FlowNote: "Dari anggaran ke tempat dana berada sekarang. Saldo di bawah nol (anggaran, kelebihan bayar, pengembalian) hanya ada di tabel.",
        "From the budget to where the money is now. Balances below zero (budget, overpaid, repaid) stand in the table only.";
    Aid: "bantuan pelatihan", "training aid";
    Incentives: "insentif", "incentives";
    Account: "akun", "account";
    Amount: "rupiah", "rupiah";
    Total: "jumlah", "sum";
    Months: "Menurut waktu", "Along the time";
    MonthsNote: "Yang keluar dari kas dan yang diterima orang adalah dua angka yang berbeda pada setiap tanggal.",
        "What left the treasury and what people received are two different figures on every date.";
    Day: "per akhir hari", "at the end of";
    Funds: "Pagu menurut tahun", "Funds by year";
    Year: "tahun", "year";
    Appropriated: "pagu", "appropriated";
    Used: "terpakai", "used";

    Waves: "Gelombang", "Waves";
    Wave: "gelombang", "wave";
    Quota: "kuota", "quota";
    ClosedOn: "ditutup", "closed on";
    TrainingLeft: "saldo pelatihan", "training balance";
    Committed: "insentif belum diperintahkan", "incentives committed";

    Regions: "Wilayah", "Regions";
    RegionsNote: "Satu petak per provinsi; makin gelap, makin banyak yang diterima peserta. Luas petak tidak berarti apa-apa.",
        "One tile for each province; the darker, the more its participants received. Areas say nothing.";
    Province: "provinsi", "province";

    Partners: "Mitra pembayaran", "Payment partners";
    Partner: "mitra", "partner";
    Instructed: "diperintahkan", "instructed";
    Open: "menunggu hasil", "no outcome yet";
    InDoubt: "diragukan", "in doubt";
    Settled: "dibayar", "paid";
    Rejected: "ditolak", "rejected";
    Returned: "dikembalikan", "returned";
    Count: "banyaknya", "count";

    Schedule: "Jadwal dan pembayaran", "Schedule and payment";
    ScheduleNote: "Hari dari jatuh tempo sampai dibayar; untuk yang belum dibayar, sampai tanggal laporan.",
        "Days from the due date to the payment; for what is not paid, to the day of the report.";
    Days: "hari", "days";
    Paid: "dibayar", "paid";
    Unpaid: "belum dibayar", "not paid";

    Held: "Jatuh tempo dan belum dibayar, menurut sebab", "Due and not paid, by reason";
    HeldNote: "Pada akhir hari, sebagaimana diketahui pada hari itu.", "At the end of the day, as it was known on that day.";
    HeldNow: "Pada tanggal laporan, sebagaimana diketahui sekarang", "On the day of the report, as known now";
    Reason: "sebab", "reason";

    Forfeits: "Hak yang hangus", "What was lost";
    ForfeitsNote: "Menurut dasar pencabutan; tanpa pencabutan: yang hangus karena masa saldo atau gelombang ditutup.",
        "By ground of revocation; without one: what the closing of a balance period or a wave took.";
    Ground: "dasar", "ground";
    NotRevoked: "tidak dicabut", "not revoked";
    Losers: "kehilangan sesuatu", "lost something";
    Forfeited: "saldo pelatihan hangus", "forfeited";
    Lapsed: "saldo lewat masa", "lapsed";
    TreasuryReturned: "insentif kembali", "incentives returned";

    Answers: "Jawaban atas pertanyaan pemeriksa (D1-D10)", "Answers to the auditors' questions (D1 to D10)";
    AnswersNote: "Dihitung audit dari aturan yang ditulis sendiri, terpisah dari bagian lain laporan ini.",
        "Counted by the audit, by rules of its own, apart from the rest of this report.";
    CutOffs: "D1 dan D2 pada akhir tahun", "D1 and D2 at the end of each year";
    UnfinishedPurchases: "pelatihan belum selesai", "trainings not completed";
    Unfinished: "dibayar untuknya", "paid for them";
    LeftTreasury: "insentif keluar dari kas", "incentives that left the treasury";
    Notices: "Perlu dilihat orang", "To be looked at by a person";
    NoticesNote: "Tidak melanggar aturan: uangnya bergerak, dan buku besar wajib mencatatnya.",
        "No rule is broken: the money moved, and the ledger must record it.";

    Rule: "aturan", "rule";
    Where: "di mana", "where";
    Expected: "seharusnya", "expected";
    Found: "ditemukan", "found";
    Next: "tindak lanjut", "next step";
    NoFindings: "Tidak ada temuan.", "Nothing was found.";
    MoreFindings: "lagi; lihat replay-tool audit --json", "more; see replay-tool audit --json";

    Again: "Menghitung ulang", "To compute it again";
    AgainNote: "Setiap tabel dapat dihitung ulang dari log yang sama dengan perintah ini.",
        "Each table can be computed again from the same log with these commands.";
    Signature: "Tanda tangan", "Signature";
    Auditor: "Nama auditor", "Auditor's name";
    SignedOn: "Tanggal", "Date";
}

/// Names of codes, as they stand in the records and in the other commands' answers: Indonesian, English.
#[rustfmt::skip]
const NAMES: &[(&str, &str, &str)] = &[
    ("budget", "anggaran", "budget"),
    ("training-balance", "saldo pelatihan", "training balance"),
    ("incentives-committed", "insentif belum diperintahkan", "incentives committed"),
    ("platform-unearned", "di platform, pelatihan belum selesai", "with platforms, training not completed"),
    ("platform-earned", "di platform, pelatihan selesai", "with platforms, training completed"),
    ("in-transit", "dalam proses bayar", "in transit"),
    ("received", "diterima peserta", "received by participants"),
    ("overpaid", "kelebihan bayar", "overpaid"),
    ("forfeited", "saldo pelatihan hangus", "training balance forfeited"),
    ("lapsed", "saldo lewat masa", "training balance lapsed"),
    ("treasury-returned", "insentif kembali ke kas negara", "incentives back to the treasury"),
    ("repaid", "dikembalikan peserta", "repaid by participants"),
    ("repayments", "penerimaan pengembalian", "repayments received"),
    ("payable", "dapat dibayar (menunggu penyaluran atau pagu)", "payable (waits for a run, or for funds)"),
    ("no-account", "tidak ada rekening", "no payout account"),
    ("account-fault", "rekening bermasalah", "account at fault"),
    ("ineligible", "temuan tidak layak terbuka", "ineligibility finding open"),
    ("in-doubt", "hasil bayar diragukan", "payment in doubt"),
    ("membership-revoked", "kepesertaan dicabut", "membership revoked"),
    ("wave-closed", "gelombang ditutup", "wave closed"),
    ("no-first-purchase", "tidak membeli pelatihan pertama", "no first purchase"),
    ("training-not-completed", "pelatihan tidak selesai", "training not completed"),
    ("false-data", "data palsu", "false data"),
    ("identity-mismatch", "identitas tidak cocok", "identity mismatch"),
    ("manipulation", "manipulasi", "manipulation"),
    ("proxy-use", "dipakai orang lain", "used by another person"),
    ("breach-of-terms", "pelanggaran ketentuan", "breach of terms"),
    ("d3_ineligible.received", "D3 temuan tidak layak terbuka: insentif diterima", "D3 ineligibility finding open: incentives received"),
    ("d3_ineligible.spent", "D3 temuan tidak layak terbuka: dibelanjakan", "D3 ineligibility finding open: spent on training"),
    ("d4_found_by", "D4 ada dalam data instansi lain", "D4 found in another agency's records"),
    ("d5_duplicates.second_memberships", "D5 identitas ganda", "D5 second memberships of an identity"),
    ("d5_duplicates.beyond_family_card", "D5 melebihi batas kartu keluarga", "D5 more than a family card allows"),
    ("d6_premature.certificates", "D6 sertifikat sebelum selesai", "D6 certificates before completion"),
    ("d6_premature.incentives", "D6 insentif sebelum selesai", "D6 incentives before completion"),
    ("d7_latest_days", "D7 hari keterlambatan terlama", "D7 the most days late"),
    ("d8_held_for_funds", "D8 ditahan karena pagu", "D8 held for want of funds"),
    ("d9_irregular.settled_twice", "D9 dibayar dua kali", "D9 settled twice"),
    ("d9_irregular.settled_after_rejection", "D9 dibayar sesudah ditolak", "D9 settled after rejection"),
    ("d9_irregular.settled_after_revocation", "D9 dibayar sesudah dicabut", "D9 settled after revocation"),
    ("d9_irregular.long_in_doubt", "D9 lama diragukan", "D9 long in doubt"),
    ("d10_reconciled.matched", "D10 laporan mitra: cocok", "D10 partners' statements: the same"),
    ("d10_reconciled.missing", "D10 laporan mitra: hanya di buku besar", "D10 partners' statements: in the ledger only"),
    ("d10_reconciled.extra", "D10 laporan mitra: hanya di laporan", "D10 partners' statements: in the statement only"),
    ("d10_reconciled.other_amount", "D10 laporan mitra: jumlah berbeda", "D10 partners' statements: another amount"),
    ("d10_reconciled.other_day", "D10 laporan mitra: hari berbeda", "D10 partners' statements: another day"),
    ("d10_reconciled.exceptions", "D10 kata mitra yang tidak cocok dengan apa pun", "D10 what partners said that fits nothing"),
    ("demanded", "pengembalian yang ditagih", "repayments demanded"),
    ("repaid_to_state", "pengembalian yang diterima", "repayments received"),
    ("bank", "bank", "bank"),
    ("linkaja", "LinkAja", "LinkAja"),
    ("ovo", "OVO", "OVO"),
    ("gopay", "GoPay", "GoPay"),
    ("dana", "DANA", "DANA"),
];

/// A code's name; the code itself where it has none.
#[must_use]
pub fn name(code: &str, lang: Lang) -> &str {
    let found = NAMES.iter().find(|(named, ..)| *named == code);
    found.map_or(code, |(_, id, en)| lang.of((*id, *en)))
}

/// An account's name: `in-transit:gopay` is that of `in-transit` and the partner's.
#[must_use]
pub fn account(code: &str, lang: Lang) -> String {
    match code.split_once(':') {
        Some((account, whose)) => format!("{}: {}", name(account, lang), name(whose, lang)),
        None => name(code, lang).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ledger_core::account::Account;
    use ledger_core::codes::{Ground, Partner};

    use super::super::Wait;
    use super::*;

    #[test]
    fn every_sentence_has_both_languages() {
        for word in Word::ALL {
            let (id, en) = word.both();
            assert!(!id.trim().is_empty() && !en.trim().is_empty(), "{word:?}");
            // The same in both: only these.
            assert_eq!(id == en, matches!(word, Word::Amount), "{word:?}");
        }
    }

    #[test]
    fn every_code_that_a_report_shows_has_a_name_in_both_languages() {
        let accounts = Account::all().map(|account| account.to_string());
        let of = |codes: &[&'static str]| codes.iter().map(ToString::to_string).collect::<Vec<_>>();
        let grounds: Vec<_> = Ground::ALL.iter().map(|ground| ground.code()).collect();
        let partners: Vec<_> = Partner::ALL.iter().map(|partner| partner.code()).collect();
        let all = accounts.map(|code| code.split(':').next().unwrap_or_default().to_owned());
        let all = all.chain(of(&grounds)).chain(of(&partners)).chain(of(&Wait::ALL.map(Wait::code)));
        let named: BTreeSet<_> = NAMES.iter().map(|(code, ..)| *code).collect();
        assert_eq!(named.len(), NAMES.len(), "a code stands twice");
        for code in all {
            assert!(named.contains(code.as_str()), "{code}");
        }
        assert!(NAMES.iter().all(|(_, id, en)| !id.is_empty() && !en.is_empty()));
        assert_eq!(account("in-transit:gopay", Lang::En), "in transit: GoPay");
    }

    #[test]
    fn numbers_are_written_as_the_language_does() {
        assert_eq!(
            (Lang::Id.number(-1_234_567), Lang::En.number(-1_234_567)),
            ("-1.234.567".into(), "-1,234,567".into())
        );
    }
}
