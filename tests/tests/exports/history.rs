//! A year of a cohort as an archive, and the money that the oracle finds in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cohort_sim::{Parameters, Scenario, SchemeName};
use ledger_core::event::Record;
use ledger_log::{ArchiveWriter, AtRest, record};
use ledger_tests::oracle::Oracle;
use serde_json::Value;

/// Accounts that are not zero, by the ledger's names.
pub(crate) type Accounts = BTreeMap<String, i64>;

pub(crate) struct History {
    folder: tempfile::TempDir,
    pub(crate) records: u64,
}

impl History {
    /// A cohort's year.
    pub(crate) fn of_year(participants: u32, scheme: SchemeName) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let parameters = Parameters::new(participants, 11, scheme, Scenario::Year);
        let (_, head) =
            cohort_sim::archive::write(&parameters, u64::MAX, &folder.path().join("archive")).expect("written");
        Self { folder, records: head.size }
    }

    /// The same with every record changed, and hashed anew.
    pub(crate) fn changed(&self, change: impl Fn(&mut Record<'_>)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut archive = ArchiveWriter::open(folder.path().join("archive").as_path(), 20).expect("a new archive");
        self.for_each(|record| {
            let mut record = record.clone().into_owned();
            change(&mut record);
            let mut bytes = Vec::new();
            record::encode(&record, &mut bytes);
            archive.push(&bytes).expect("written");
        });
        let head = archive.finish().expect("written");
        Self { folder, records: head.size }
    }

    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Record<'_>)) {
        let examined = AtRest::archive(self.folder.path().join("archive")).expect("an archive").examine(|_, bytes| {
            visit(&record::decode(bytes)?);
            Ok(())
        });
        assert_eq!(examined.expect("readable").findings, []);
    }

    pub(crate) fn oracle(&self) -> Oracle {
        let mut oracle = Oracle::default();
        self.for_each(|record| oracle.observe(record));
        oracle
    }

    /// Runs the tool on it; gives what it printed.
    pub(crate) fn replay(&self, arguments: &[&str]) -> String {
        let archive = self.path("archive");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let all = [&["replay-tool"], arguments, &["--archive", archive.to_str().expect("UTF-8")]].concat();
        let code = replay_tool::cli::run(all.iter().map(Into::into), &mut out, &mut err);
        assert_eq!(code, 0, "{arguments:?}: {}", String::from_utf8_lossy(&err));
        String::from_utf8(out).expect("UTF-8")
    }

    /// The trial balance of the tool.
    pub(crate) fn trial_balance(&self, clocks: &[&str]) -> Accounts {
        let said = self.replay(&[&["trial-balance", "--json"], clocks].concat());
        let document: Value = serde_json::from_str(&said).expect("JSON");
        let lines = document["accounts"].as_array().expect("a list").iter();
        let text = |line: &Value, key: &str| line[key].as_str().expect("text").to_owned();
        let pairs = lines.map(|line| (text(line, "account"), text(line, "amount").parse().expect("a number")));
        pairs.filter(|(_, amount)| *amount != 0).collect()
    }

    /// Exports it; gives where.
    pub(crate) fn export(&self, format: &str, clocks: &[&str]) -> PathBuf {
        let to = self.path(&format!("export{}.{format}", clocks.join("")));
        self.replay(&[&["export", "--format", format, "--to", to.to_str().expect("UTF-8")], clocks].concat());
        to
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }
}

/// The ledger's names for what a journal's accounts hold, without those that are zero.
pub(crate) fn own_names<'a>(accounts: impl IntoIterator<Item = (&'a str, i64)>) -> Accounts {
    let own = |name: &str| name.split_once(':').expect("a root").1.to_lowercase();
    accounts.into_iter().filter(|(_, amount)| *amount != 0).map(|(name, amount)| (own(name), amount)).collect()
}
