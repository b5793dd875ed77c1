//! What rules say in Indonesian; in English they are the rules' own texts.

use super::words::Lang;
use crate::finding::{Finding, Rule};
use crate::rule::filled;

/// Code, what to do, what is expected and what was found; the last two are empty where each finding has words of its own, which
/// are the tool's English.
#[rustfmt::skip]
const RULES: &[(&str, &str, &str, &str)] = &[
    ("stored-log", "pulihkan folder log dari cadangan, atau minta pada pemegang salinan", "", ""),
    ("head", "minta checkpoint bertanda tangan pada pemegang buku besar, dan bandingkan dengan salinan log yang lebih lama", "", ""),
    ("behind", "pulihkan catatan yang hilang dari salinan atau cadangan; bila pemegangnya menyangkal, simpan checkpoint sebagai bukti", "", ""),
    ("forked", "simpan kedua log dan checkpoint bertanda tangan sebagai bukti, dan cari di mana keduanya berpisah: replay-tool compare dengan salinan atau cadangan", "", ""),
    ("inclusion", "minta bukti baru pada pemegang buku besar; bila tidak diberi, simpan tanda terima dan checkpoint sebagai bukti", "", ""),
    ("consistency", "minta bukti baru pada pemegang buku besar; bila tidak diberi, simpan kedua checkpoint sebagai bukti", "", ""),
    ("position", "bandingkan log dengan salinan yang lebih lama pada posisi ini", "", ""),
    ("decodable", "pakai alat sebaru buku besarnya; bila sudah, bandingkan catatan dengan yang ada di salinan", "", ""),
    ("back-pointer", "bandingkan log dengan salinan yang lebih lama: ada catatan yang dihapus, disisipkan atau ditukar", "", ""),
    ("recorded-at", "bandingkan log dengan salinan yang lebih lama: catatan ditukar, atau jam dimundurkan", "", ""),
    ("follows", "bandingkan log dengan salinan yang lebih lama: yang disebut catatan ini tidak pernah dicatat", "", ""),
    ("trial-balance", "laporkan pada pemegang buku besar: tidak ada aturan program yang mencipta atau menghilangkan uang", "", ""),
    ("below-zero", "lihat riwayat peserta: uang keluar dari akun yang tidak memilikinya", "", ""),
    ("closing-shares", "laporkan pada pemegang buku besar: penutupan memindahkan uang lain daripada milik para peserta", "", ""),
    ("run-closing", "hitung ulang rencana penyaluran dari log sampai known_at, dan bandingkan dengan perintah bayarnya", "", ""),
    ("whole-entitlement", "lihat riwayat peserta: uang datang dari, atau pergi ke, entah mana", "", ""),
    ("received-at-most", "lihat riwayat peserta: dibayar lebih dari yang diberi skema", "", ""),
    ("facts-and-postings", "laporkan pada pemegang buku besar: dua cara menghitung berbeda", "", ""),
    ("sum-of-participants", "laporkan pada pemegang buku besar: jumlahnya bukan jumlah para peserta", "", ""),
    ("names-unknown", "bandingkan log dengan salinan yang lebih lama: yang disebut catatan ini tidak pernah dicatat", "{0} yang dibawa catatan sebelumnya", "{0} {1}, yang tidak dibawa catatan mana pun"),
    ("recorded-twice", "tanyakan pada pemegang buku besar mengapa pengulangan dicatat: harus dijawab dengan posisi yang pertama", "satu catatan untuk {0} yang sama", "catatan kedua; yang pertama di posisi {1}"),
    ("occurred-ahead", "tanyakan pada pengirim kapan terjadinya, dan pada pemegang buku besar bagaimana itu lolos", "occurred_at paling lama lima menit sesudah recorded_at {0}", "{1}"),
    ("dated-before", "tanyakan pada pengirim kapan terjadinya", "tanggal tidak sebelum {0} pada {1}", "{2}"),
    ("four-eyes", "tanyakan siapa yang menyetujui, dan minta persetujuannya", "disetujui orang kedua, bukan oleh {0}", "disetujui oleh {1}"),
    ("second-membership", "hentikan pembayaran untuk kepesertaan kedua, dan tanyakan pada seleksi bagaimana satu identitas lolos dua kali", "satu kepesertaan untuk satu identitas", "yang kedua; yang pertama milik peserta {0}, di posisi {1}"),
    ("family-card-full", "hentikan pembayaran untuk kepesertaan terakhir, dan tanyakan pada seleksi bagaimana keluarga itu lolos", "paling banyak {0} peserta dalam satu kartu keluarga", "peserta ke-{1} dari kartu yang sama"),
    ("quota-exceeded", "tanyakan pada seleksi siapa yang memutuskan lebih dari kuota", "paling banyak {0} peserta di gelombang {1}", "peserta ke-{2}"),
    ("selected-in-closed-wave", "hentikan pembayaran untuk kepesertaan ini, dan tanyakan pada seleksi asal-usulnya", "seleksi sebelum gelombang {0} ditutup di posisi {1}", "seleksi sesudahnya"),
    ("after-revocation", "lihat riwayat peserta: kepesertaannya telah berakhir", "tidak ada {0} sesudah kepesertaan dicabut di posisi {1}", "{0}"),
    ("after-wave-closed", "lihat riwayat peserta: gelombangnya telah ditutup", "tidak ada {0} sesudah gelombang ditutup di posisi {1}", "{0}"),
    ("purchase-over-balance", "tagih selisihnya pada platform, dan tanyakan bagaimana penjualan itu lolos", "harga 1 sampai {0} rupiah, sisa saldonya", "{1}"),
    ("second-open-purchase", "lihat pembelian peserta: yang sebelumnya belum diulas", "tidak ada pembelian sebelum yang di posisi {0} selesai dan diulas", "pembelian terbuka kedua"),
    ("purchase-after-last-day", "tagih harganya pada platform: saldo sudah tidak dapat dibelanjakan", "pembelian paling lambat {0}, hari terakhir saldo", "{1}"),
    ("purchase-after-period", "tagih harganya pada platform: saldo sudah lewat masa", "tidak ada pembelian sesudah masa saldo ditutup di posisi {0}", "pembelian sesudahnya"),
    ("first-purchase-late", "lihat riwayat peserta: kepesertaannya seharusnya dicabut", "pembelian pertama paling lambat {0}", "{1}"),
    ("purchase-was-cancelled", "tagih pada platform yang telah dibayar untuk pembelian ini", "tidak ada {0} untuk pembelian yang dibatalkan di posisi {1}", "{0}"),
    ("purchase-was-completed", "tanyakan pada platform mana dari keduanya yang benar", "tidak ada {0} untuk pembelian yang selesai di posisi {1}", "{0}"),
    ("certificate-before-completion", "minta bukti kehadiran di balik sertifikat pada lembaga pelatihan", "sertifikat pada atau sesudah pelatihan selesai", "{0}"),
    ("review-before-completion", "tanyakan pada platform siapa yang menulis ulasan itu", "ulasan pada atau sesudah pelatihan selesai", "{0}"),
    ("withdrawal-without-completion", "lihat kasus di balik penarikan ini", "penarikan atas penyelesaian pelatihan", "penarikan atas pembelian yang belum selesai"),
    ("survey-out-of-order", "minta jawabannya pada layanan survei", "survei {0} diisi sebelum survei {1}", "survei {1} lebih dahulu"),
    ("survey-without-unlock", "tanyakan pada layanan survei mengapa survei itu terbuka", "survei sesudah pelatihan pertama selesai, bersertifikat dan diulas", "survei {0} sebelum itu"),
    ("survey-before-opening", "tanyakan pada layanan survei mengapa survei itu terbuka", "survei {0} tidak sebelum {1}", "{2}"),
    ("account-of-another", "minta mitra memastikan rekening siapa itu, dan hentikan pembayaran ke sana", "rekening atas identitas peserta sendiri", "rekening atas identitas lain"),
    ("link-not-in-force", "lihat rekening-rekening peserta", "rekening yang berlaku", "rekening lain"),
    ("payment-before-completion", "tagih kembali pembayarannya, dan tanyakan bagaimana penyaluran memerintahkannya", "{0} diperintahkan sesudah pelatihan pertama selesai, bersertifikat dan diulas", "diperintahkan sebelum itu"),
    ("payment-before-survey", "tagih kembali pembayarannya, dan tanyakan bagaimana penyaluran memerintahkannya", "{0} diperintahkan sesudah survei diisi", "diperintahkan sebelum itu"),
    ("over-entitlement", "tagih kembali pembayarannya, dan tanyakan bagaimana penyaluran memerintahkannya", "{0} diperintahkan hanya selagi ada dalam skema dan belum dibayar", "{1}"),
    ("instructed-in-transit", "tanyakan pada mitra hasil keduanya: bisa jadi dibayar dua kali", "{0} diperintahkan sekali selagi perintah di posisi {1} belum ada hasilnya", "perintah kedua"),
    ("instructed-in-doubt", "tanyakan pada mitra: bisa jadi dibayar dua kali", "{0} tidak diperintahkan selagi perintah di posisi {1} diragukan", "perintah kedua"),
    ("instructed-ineligible", "tahan atau tagih kembali pembayarannya sampai temuannya diputuskan", "{0} tidak diperintahkan selagi temuan tidak layak terbuka", "{1} terbuka"),
    ("payment-after-revocation", "tarik atau tagih kembali pembayarannya", "{0} tidak diperintahkan sesudah kepesertaan dicabut di posisi {1}", "diperintahkan"),
    ("payment-after-wave-closed", "tarik atau tagih kembali pembayarannya: uangnya telah kembali ke kas negara", "{0} tidak diperintahkan sesudah gelombang ditutup di posisi {1}", "diperintahkan"),
    ("instructed-before-due", "tanyakan bagaimana penyaluran memerintahkannya", "{0}, jatuh tempo {1}, diperintahkan penyaluran per tanggal itu atau sesudahnya", "oleh penyaluran per {2}"),
    ("wrong-due-date", "hitung jatuh temponya dari riwayat peserta", "{0} jatuh tempo {1}", "{2}"),
    ("wrong-amount", "tagih selisihnya, atau bayarkan", "{0} sebesar {1} rupiah, seperti dalam skema", "{2}"),
    ("wrong-partner", "tanyakan pada mitra yang diperintah ke rekening mana dibayarnya", "perintah pada {0}, yang memegang rekening", "pada {1}"),
    ("wrong-attempt", "cari perintah atas hak yang sama yang hilang atau ditambahkan", "percobaan {0} untuk {1}", "{2}"),
    ("wrong-expiry", "hitung batas waktunya dari skema", "batas waktu {0}", "{1}"),
    ("account-not-in-force", "tanyakan pada mitra rekening siapa yang dibayar", "perintah ke rekening yang berlaku pada tanggal penyaluran", "{0}"),
    ("account-at-fault", "tanyakan pada mitra rekening siapa yang dibayar", "perintah ke rekening yang dihubungkan sesudah masalah di posisi {0}", "rekening yang dihubungkan sebelumnya"),
    ("run-not-approved", "hentikan pembayaran penyaluran ini: tidak ada yang menyetujuinya", "penyaluran yang disetujui dan belum ditutup", "penyaluran {0} {1}"),
    ("approved-by-planner", "minta persetujuan orang kedua atas penyaluran ini", "persetujuan oleh orang lain daripada {0}, yang merencanakan penyaluran", "disetujui oleh {0}"),
    ("approved-other-digest", "tanyakan pada penyetuju daftar mana yang disetujui", "persetujuan atas sidik rencana {0}", "{1}"),
    ("plan-differs", "hitung ulang rencana penyaluran dari log sampai known_at, dan bandingkan dengan perintah bayarnya", "rencana {0} butir, {1} rupiah, sidik {2}", "{3} butir, {4} rupiah, sidik {5}"),
    ("not-planned", "tanyakan bagaimana butir yang tidak dapat dibayar saat penyaluran direncanakan sampai dibayar", "butir dalam rencana penyaluran", "{0}, yang tidak dapat dibayar saat penyaluran direncanakan"),
    ("other-account-than-planned", "tanyakan siapa yang mengganti rekening sesudah rencana, dan rekening siapa itu", "{0} ke rekening yang direncanakan, atau ditahan", "ke rekening lain"),
    ("run-out-of-order", "cari catatan penyaluran ini yang dipindahkan", "butir menurut jatuh tempo, peserta dan hak", "butir yang tempatnya sebelum yang di posisi {0}"),
    ("not-at-approval", "tanyakan kapan uangnya diperintahkan", "perintah bertanggal {0}, saat penyalurannya disetujui", "{1}"),
    ("run-as-of", "tanyakan mengapa penyaluran direncanakan untuk tanggal ini", "tanggal acuan dari {0} sampai {1}", "{2}"),
    ("funds-exceeded", "tanyakan siapa yang mengizinkan pembayaran melebihi pagu", "paling banyak {0} rupiah dari tahun {1} terpakai, yaitu pagunya", "{2}"),
    ("appropriation-below-zero", "minta dokumen anggaran tahun itu", "pagu tahun {0} yang berjumlah nol atau lebih", "{1}"),
    ("revoked-without-ground", "lihat riwayat peserta: pulihkan kepesertaan bila dasarnya tidak ada", "pencabutan karena {0} hanya bila dasarnya ada", "{1}"),
    ("reinstated-live", "lihat kasus di balik pemulihan ini", "pemulihan kepesertaan yang dicabut", "pemulihan kepesertaan yang aktif"),
    ("reinstatement-deadline", "lihat kasus di balik pemulihan ini", "batas pembelian pertama yang baru paling lambat {0} bila belum pernah membeli", "{1}"),
    ("outcome-amount", "minta catatan mitra tentang pembayaran ini", "hasil sebesar {0} rupiah, seperti perintahnya", "{1}"),
    ("outcome-transition", "minta catatan mitra tentang pembayaran ini", "tidak ada {0} untuk perintah yang {1}", "{0}"),
    ("returned-without-settlement", "minta catatan mitra tentang pembayaran ini", "pengembalian uang yang telah dibayar", "pengembalian untuk perintah yang {0}"),
    ("doubt-ended-by-partner", "minta hasil pertanyaan yang mengakhiri keraguan", "keraguan yang diakhiri pertanyaan, atau seseorang dengan penyetuju", "diakhiri kata mitra sendiri"),
    ("expired-early", "lihat batas waktu perintahnya", "tidak lewat waktu sebelum hari sesudah {0}", "{1}"),
    ("period-closed-early", "tanyakan siapa yang menutup masa saldo: saldo yang masih dapat dibelanjakan telah hangus", "penutupan sesudah {0}, hari terakhir gelombang-gelombang tahun itu", "{1}"),
    ("scheme-changed", "minta keputusan di balik skema: besaran dan tanggal bertumpu padanya", "satu penetapan skema {0}, di posisi {1}", "penetapan lain, {2}"),
    ("settled-twice", "tagih kembali pembayaran kedua pada mitra atau peserta", "{0} dibayar sekali", "dibayar lagi; sebelumnya di posisi {1}"),
    ("settled-after-rejection", "tanyakan pada mitra mana dari keduanya yang benar, dan pastikan tidak dibayar lagi", "tidak dibayar sesudah penolakan di posisi {0}", "dibayar"),
    ("settled-after-revocation", "putuskan apakah pembayarannya ditagih kembali", "tidak dibayar sesudah pencabutan di posisi {0}", "dibayar"),
    ("long-in-doubt", "tanyakan pada mitra", "hasil dalam {0} hari sejak {1}, saat mulai diragukan", "belum ada sampai {2}"),
];

fn entry(rule: Rule) -> Option<&'static (&'static str, &'static str, &'static str, &'static str)> {
    RULES.iter().find(|(code, ..)| *code == rule.code())
}

/// What to do where a rule is broken.
pub(super) fn next(rule: Rule, lang: Lang) -> &'static str {
    match (lang, entry(rule)) {
        (Lang::Id, Some((_, next, ..))) => next,
        _ => rule.next(),
    }
}

/// What a finding expected, and what was there.
pub(super) fn texts(finding: &Finding, lang: Lang) -> [String; 2] {
    match (lang, entry(finding.rule)) {
        (Lang::Id, Some((_, _, expected, found))) if !expected.is_empty() && !finding.values.is_empty() => {
            [expected, found].map(|text| filled(text, &finding.values))
        }
        _ => [finding.expected.clone(), finding.found.clone()],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The places for values in a text.
    fn places(text: &str) -> BTreeSet<&str> {
        text.match_indices('{').filter_map(|(at, _)| text.get(at..at + 3)).collect()
    }

    #[test]
    fn every_rule_speaks_both_languages() {
        for rule in Rule::ALL {
            let Some((_, next, expected, found)) = entry(*rule) else { panic!("{rule} has no Indonesian") };
            assert!(!next.is_empty(), "{rule}");
            let (theirs_expected, theirs_found) = rule.texts().unwrap_or_default();
            for (ours, theirs) in [(*expected, theirs_expected), (*found, theirs_found)] {
                assert_eq!(ours.is_empty(), theirs.is_empty(), "{rule}: {theirs}");
                assert_eq!(places(ours), places(theirs), "{rule}: {ours}");
            }
        }
        let known: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.code()).collect();
        assert!(RULES.iter().all(|(code, ..)| known.contains(code)), "a text for no rule");
        assert_eq!(RULES.len(), Rule::ALL.len());
    }

    #[test]
    fn a_finding_is_told_with_its_values() {
        let finding = Finding::told(Rule::QuotaExceeded, ["5", "2", "6"].map(str::to_owned).to_vec());
        let id = ["paling banyak 5 peserta di gelombang 2", "peserta ke-6"];
        let en = ["at most 5 participants of wave 2", "participant number 6"];
        assert_eq!((texts(&finding, Lang::Id), texts(&finding, Lang::En)), (id.map(Into::into), en.map(Into::into)));
        let own = Finding::new(Rule::BelowZero, "0 or more", "-5");
        assert_eq!(texts(&own, Lang::Id), ["0 or more", "-5"]);
    }
}
