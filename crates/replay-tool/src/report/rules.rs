//! The rules of findings in Indonesian. In English they are the rules' own texts.

use super::words::Lang;
use crate::finding::Rule;

/// Code, what is wrong where the rule is broken, and what to do.
const RULES: &[(&str, &str, &str)] = &[
    (
        "stored-log",
        "isi berkas tidak sama dengan yang ditulis",
        "pulihkan folder log dari cadangan, atau minta pada pemegang salinan",
    ),
    (
        "head",
        "catatan tidak menghasilkan akar yang disebut kepala log",
        "minta checkpoint bertanda tangan, dan bandingkan dengan salinan log yang lebih lama",
    ),
    ("behind", "log lebih pendek daripada checkpoint", "simpan checkpoint sebagai bukti, dan minta log yang lengkap"),
    ("forked", "log bercabang dari checkpoint", "simpan keduanya sebagai bukti, dan tanyakan pada pemegang log"),
    (
        "inclusion",
        "bukti tidak menunjukkan catatan itu ada dalam log",
        "simpan bukti dan checkpoint, dan minta bukti baru",
    ),
    ("consistency", "log baru bukan kelanjutan log lama", "simpan kedua checkpoint sebagai bukti"),
    ("position", "posisi tidak berurutan tanpa celah", "bandingkan log dengan salinan yang lebih lama pada posisi ini"),
    (
        "decodable",
        "catatan tidak terbaca",
        "pakai alat sebaru buku besarnya; bila sudah, bandingkan catatan dengan salinan",
    ),
    (
        "back-pointer",
        "catatan tidak menunjuk catatan sebelumnya dari peserta yang sama",
        "bandingkan dengan salinan yang lebih lama: ada catatan yang dihapus, disisipkan atau ditukar",
    ),
    (
        "recorded-at",
        "waktu pencatatan mundur",
        "bandingkan dengan salinan yang lebih lama: catatan ditukar, atau jam dimundurkan",
    ),
    (
        "follows",
        "catatan tidak dapat mengikuti yang sebelumnya",
        "bandingkan dengan salinan yang lebih lama: yang disebut catatan ini tidak pernah dicatat",
    ),
    (
        "trial-balance",
        "neraca saldo tidak nol",
        "laporkan pada pemegang buku besar: tidak ada aturan yang mencipta atau menghilangkan uang",
    ),
    ("below-zero", "akun di bawah nol", "lihat riwayat peserta: uang keluar dari akun yang tidak memilikinya"),
    (
        "closing-shares",
        "bagian peserta tidak sama dengan penutupan yang dicatat",
        "laporkan pada pemegang buku besar: penutupan memindahkan uang lain daripada milik peserta",
    ),
    (
        "run-closing",
        "penutupan penyaluran tidak sesuai rencananya",
        "hitung ulang rencananya dari log sampai known_at, dan bandingkan dengan perintah bayarnya",
    ),
    (
        "whole-entitlement",
        "akun peserta tidak berjumlah hak seluruhnya",
        "lihat riwayat peserta: uang datang dari, atau pergi ke, entah mana",
    ),
    ("received-at-most", "diterima lebih dari haknya", "lihat riwayat peserta: dibayar lebih dari ketentuan skema"),
    ("facts-and-postings", "dua cara menghitung berbeda", "laporkan pada pemegang buku besar"),
    (
        "sum-of-participants",
        "jumlah semua peserta bukan neraca saldo",
        "laporkan pada pemegang buku besar: jumlahnya bukan jumlah para peserta",
    ),
];

/// A rule in words; its code where there are none.
#[must_use]
pub(super) fn says(rule: Rule, lang: Lang) -> &'static str {
    match (lang, RULES.iter().find(|(code, ..)| *code == rule.code())) {
        (Lang::Id, Some((_, says, _))) => says,
        _ => rule.code(),
    }
}

/// What to do where a rule is broken.
#[must_use]
pub(super) fn next(rule: Rule, lang: Lang) -> &'static str {
    match (lang, RULES.iter().find(|(code, ..)| *code == rule.code())) {
        (Lang::Id, Some((_, _, next))) => next,
        _ => rule.next(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_speaks_both_languages() {
        for rule in Rule::ALL {
            let found = RULES.iter().find(|(code, ..)| *code == rule.code());
            assert!(found.is_some_and(|(_, says, next)| !says.is_empty() && !next.is_empty()), "{rule}");
        }
        let known: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.code()).collect();
        assert!(RULES.iter().all(|(code, ..)| known.contains(code)), "a text for no rule");
    }
}
