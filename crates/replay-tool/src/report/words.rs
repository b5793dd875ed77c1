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

    Rule: "aturan", "rule";
    Where: "di mana", "where";
    Expected: "seharusnya", "expected";
    Found: "ditemukan", "found";
    Next: "tindak lanjut", "next step";
    NoFindings: "Tidak ada temuan.", "Nothing was found.";
    MoreFindings: "temuan lagi; semuanya: replay-tool audit --json", "more; all of them: replay-tool audit --json";

    Again: "Menghitung ulang", "To compute it again";
    AgainNote: "Setiap tabel dapat dihitung ulang dari log yang sama dengan perintah ini.",
        "Each table can be computed again from the same log with these commands.";
    Signature: "Tanda tangan", "Signature";
    Auditor: "Nama auditor", "Auditor's name";
    SignedOn: "Tanggal", "Date";
}

/// Names of codes, as they stand in the records and in the other commands' answers: Indonesian, English.
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
