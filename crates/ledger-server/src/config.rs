//! What a server can be told: by flags, by the environment, by a file, in this order of precedence, or not at all.
//!
//! [`OPTIONS`] is the one list. From it come the names of the environment's variables, what a file may say, the defaults,
//! and the tests that hold the flags, `ops/ledger-server.toml` and `docs/operations.md` against it. The layers are those
//! of the `config` crate; what a value may be is checked here, so that a refusal names the option and where it was set.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use config::{ConfigError, File, FileFormat, Map, Source, Value, ValueKind};

use crate::engine::Every;
use crate::port::TlsFiles;
use crate::schedule::TimeOfDay;

/// What can be set.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// Its name in a file; a dot divides table and key. The flag is `--name-with-dashes`.
    pub key: &'static str,
    /// What holds where nobody says otherwise; `None` where somebody must.
    pub default: Option<&'static str>,
    /// What it is, in one line.
    pub what: &'static str,
}

impl Opt {
    /// The variable of the environment that sets it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.key.replace('.', "_").to_uppercase())
    }
    /// The flag that sets it.
    #[must_use]
    pub fn flag(&self) -> String {
        format!("--{}", self.key.replace(['.', '_'], "-"))
    }
}

/// Every option of `serve`.
pub const OPTIONS: &[Opt] = &[
    Opt { key: "data", default: None, what: "folder of the log; created where missing" },
    Opt { key: "listen", default: Some("127.0.0.1:50051"), what: "address and port to listen on" },
    Opt { key: "insecure", default: Some("false"), what: "plain HTTP/2, on loopback addresses only: true or false" },
    Opt { key: "tls_cert", default: Some(""), what: "file of the server's certificate, PEM; needed unless insecure" },
    Opt { key: "tls_key", default: Some(""), what: "file of its key, PEM" },
    Opt { key: "client_ca", default: Some(""), what: "file of the CA that signs clients' certificates, PEM" },
    Opt {
        key: "clients",
        default: Some(""),
        what: "file that says which client certificate is whose; empty: their URIs say it, ledger:role/name",
    },
    Opt { key: "connections", default: Some("1000"), what: "most connections at a time" },
    Opt { key: "metrics", default: Some(""), what: "address and port of the metrics, GET /metrics; empty: none" },
    Opt { key: "min_free", default: Some("268435456"), what: "free disk space below which nothing is recorded, bytes" },
    Opt {
        key: "stop_grace_seconds",
        default: Some("5"),
        what: "how long calls in flight may take when the server stops",
    },
    Opt {
        key: "commit_limit_seconds",
        default: Some("60"),
        what: "how long one commit may take before the disk counts as failed; 0: no limit",
    },
    Opt { key: "log.format", default: Some("text"), what: "text, or json: one document a line" },
    Opt { key: "log.level", default: Some("info"), what: "error, warn, info, debug or trace" },
    Opt {
        key: "checkpoint_key",
        default: Some(""),
        what: "file of the key that signs checkpoints, as keygen writes it; empty: nothing is signed",
    },
    Opt {
        key: "checkpoint_every",
        default: Some("10"),
        what: "how often a growing log is signed, seconds; 0: at each run's close and on request only",
    },
    Opt {
        key: "snapshot_every",
        default: Some(""),
        what: "records between two snapshots of the state; 0: none is written; empty: as the log's size makes it worthwhile",
    },
    Opt { key: "jobs.deadlines", default: Some(""), what: "WIB time of day of the deadline job, HH:MM; empty: off" },
];

const PREFIX: &str = "LEDGER_";
/// The variable that names the file, as `--config` does.
const FILE_VARIABLE: &str = "LEDGER_CONFIG";
/// What an orchestrator sets by itself for a service that is named `ledger`.
const NOT_OURS: [&str; 2] = ["LEDGER_SERVICE_", "LEDGER_PORT"];

/// How a server is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The log folder.
    pub data: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Plain HTTP/2.
    pub insecure: bool,
    /// Certificates; where there are none, `insecure` is set.
    pub tls: Option<TlsFiles>,
    /// Most connections at a time.
    pub connections: usize,
    /// Where metrics are served.
    pub metrics: Option<SocketAddr>,
    /// Free space below which nothing is recorded, bytes.
    pub min_free: u64,
    /// How long calls in flight may take when the server stops.
    pub stop_grace: Duration,
    /// How long one commit may take; `None`: for ever.
    pub commit_limit: Option<Duration>,
    /// Log lines.
    pub log: Log,
    /// File of the key that signs checkpoints.
    pub checkpoint_key: Option<PathBuf>,
    /// How often a growing log is signed; `None`: at runs' closes and on request only.
    pub checkpoint_every: Option<Duration>,
    /// When snapshots of the state are written.
    pub snapshot_every: Every,
    /// When the deadline job runs, WIB.
    pub deadlines: Option<TimeOfDay>,
}

/// How log lines look, and which there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// One JSON document a line.
    pub json: bool,
    /// The least important lines that are written.
    pub level: tracing::Level,
}

impl Default for Log {
    fn default() -> Self {
        Self { json: false, level: tracing::Level::WARN }
    }
}

/// Why the server cannot run as it is told.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    /// A name that means nothing.
    #[error("{place} has no option \"{name}\"{}", hint(.name))]
    Unknown {
        /// The file, or the environment.
        place: String,
        /// The name.
        name: String,
    },
    /// A value that the option cannot have.
    #[error("{key} = \"{value}\" ({place}): must be {must}")]
    Value {
        /// The option.
        key: &'static str,
        /// What it was set to.
        value: String,
        /// Where.
        place: String,
        /// What it may be.
        must: &'static str,
    },
    /// No value where there must be one.
    #[error("{key} is not set: use {flag}, {variable}, or {key} in the file of --config")]
    Missing {
        /// The option.
        key: &'static str,
        /// Its flag.
        flag: String,
        /// Its variable.
        variable: String,
    },
    /// The file cannot be read as TOML.
    #[error("{} cannot be used: {error}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        error: ConfigError,
    },
    /// The layers do not fit.
    #[error(transparent)]
    Layers(#[from] ConfigError),
}

/// What flags say: pairs of an option's key and its value.
pub type Flags = Vec<(&'static str, String)>;

impl Settings {
    /// Reads flags, environment and file; `file` is what `--config` says, and the environment may name it too.
    ///
    /// # Errors
    ///
    /// Something is set that does not exist, or to what it cannot be, or is missing.
    pub fn read(flags: &Flags, environment: &[(String, String)], file: Option<&Path>) -> Result<Self, Wrong> {
        let file = file.map(Path::to_owned).or_else(|| {
            environment.iter().find(|(name, _)| name == FILE_VARIABLE).map(|(_, value)| PathBuf::from(value))
        });
        let mut builder = config::Config::builder();
        for option in OPTIONS {
            if let Some(default) = option.default {
                builder = builder.set_default(option.key, default)?;
            }
        }
        let in_file = match &file {
            Some(file) => Layer::file(file)?,
            None => Layer::default(),
        };
        let in_environment = Layer::environment(environment)?;
        builder = builder.add_source(in_file.clone()).add_source(in_environment.clone());
        for (key, value) in flags {
            builder = builder.set_override(*key, value.as_str())?;
        }
        let asked = Asked { config: builder.build()?, flags, in_environment: &in_environment, file: file.as_deref() };
        Self::check(&asked)
    }

    fn check(asked: &Asked<'_>) -> Result<Self, Wrong> {
        const SECONDS: &str = "a whole number of seconds";
        let every: u64 = asked.parse("checkpoint_every", SECONDS)?;
        let key = asked.text("checkpoint_key")?;
        let limit: u64 = asked.parse("commit_limit_seconds", SECONDS)?;
        Ok(Self {
            data: asked.parse("data", "a folder").and_then(|data: PathBuf| {
                if data.as_os_str().is_empty() { Err(asked.wrong("data", "a folder")) } else { Ok(data) }
            })?,
            listen: asked.parse("listen", "an address and a port, such as 127.0.0.1:50051")?,
            insecure: asked.parse("insecure", "true or false")?,
            tls: asked.tls()?,
            connections: asked.parse("connections", "a whole number")?,
            metrics: match asked.text("metrics")?.as_str() {
                "" => None,
                _ => Some(asked.parse("metrics", "an address and a port, such as 127.0.0.1:9464, or empty")?),
            },
            min_free: asked.parse("min_free", "a whole number of bytes")?,
            stop_grace: Duration::from_secs(asked.parse("stop_grace_seconds", SECONDS)?),
            commit_limit: (limit > 0).then(|| Duration::from_secs(limit)),
            checkpoint_key: (!key.is_empty()).then(|| key.into()),
            checkpoint_every: (every > 0).then(|| Duration::from_secs(every)),
            snapshot_every: match asked.text("snapshot_every")?.as_str() {
                "" => Every::Fitting,
                "0" => Every::Never,
                _ => Every::Records(asked.parse("snapshot_every", "a whole number of records, or empty")?),
            },
            log: Log {
                json: match asked.text("log.format")?.as_str() {
                    "text" => false,
                    "json" => true,
                    _ => return Err(asked.wrong("log.format", "text or json")),
                },
                level: asked.parse("log.level", "error, warn, info, debug or trace")?,
            },
            deadlines: match asked.text("jobs.deadlines")?.as_str() {
                "" => None,
                _ => Some(asked.parse("jobs.deadlines", "a time of day in WIB, such as 01:00, or empty")?),
            },
        })
    }
}

/// The layers, and who says what in them.
struct Asked<'a> {
    config: config::Config,
    flags: &'a Flags,
    in_environment: &'a Layer,
    file: Option<&'a Path>,
}

impl Asked<'_> {
    fn text(&self, key: &'static str) -> Result<String, Wrong> {
        match self.config.get_string(key) {
            Ok(text) => Ok(text),
            Err(ConfigError::NotFound(_)) => {
                let option = OPTIONS.iter().find(|option| option.key == key);
                let (flag, variable) = option.map(|option| (option.flag(), option.variable())).unwrap_or_default();
                Err(Wrong::Missing { key, flag, variable })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The files of TLS: all three, or none.
    fn tls(&self) -> Result<Option<TlsFiles>, Wrong> {
        let file =
            |key| Ok::<_, Wrong>(Some(PathBuf::from(self.text(key)?)).filter(|file| !file.as_os_str().is_empty()));
        let missing = |key| {
            let option = OPTIONS.iter().find(|option| option.key == key);
            let (flag, variable) = option.map(|option| (option.flag(), option.variable())).unwrap_or_default();
            Wrong::Missing { key, flag, variable }
        };
        let clients = file("clients")?;
        match (file("tls_cert")?, file("tls_key")?, file("client_ca")?) {
            (None, None, None) => Ok(None),
            (Some(cert), Some(key), Some(client_ca)) => Ok(Some(TlsFiles { cert, key, client_ca, clients })),
            (None, ..) => Err(missing("tls_cert")),
            (_, None, _) => Err(missing("tls_key")),
            (.., None) => Err(missing("client_ca")),
        }
    }

    fn parse<T: FromStr>(&self, key: &'static str, must: &'static str) -> Result<T, Wrong> {
        self.text(key)?.parse().map_err(|_| self.wrong(key, must))
    }

    fn wrong(&self, key: &'static str, must: &'static str) -> Wrong {
        let option = OPTIONS.iter().find(|option| option.key == key);
        let place = if self.flags.iter().any(|(flag, _)| *flag == key) {
            option.map(Opt::flag)
        } else if self.in_environment.0.contains_key(key) {
            option.map(Opt::variable)
        } else {
            self.file.map(|file| file.display().to_string())
        };
        Wrong::Value {
            key,
            value: self.config.get_string(key).unwrap_or_default(),
            place: place.unwrap_or_else(|| "default".to_owned()),
            must,
        }
    }
}

/// One layer: values by option.
#[derive(Clone, Debug, Default)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }
    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

impl Layer {
    fn file(file: &Path) -> Result<Self, Wrong> {
        let unusable = |error| Wrong::File { file: file.to_owned(), error };
        let tree = File::from(file).format(FileFormat::Toml).collect().map_err(unusable)?;
        let mut layer = Self::default();
        layer.take(&file.display().to_string(), "", tree)?;
        Ok(layer)
    }

    /// Takes what is known of a table, and refuses what is not.
    fn take(&mut self, place: &str, within: &str, table: Map<String, Value>) -> Result<(), Wrong> {
        for (key, value) in table {
            let name = format!("{within}{key}");
            let inner = format!("{name}.");
            if OPTIONS.iter().any(|option| option.key == name) {
                self.0.insert(name, value);
                continue;
            }
            match value.kind {
                ValueKind::Table(table) if OPTIONS.iter().any(|option| option.key.starts_with(&inner)) => {
                    self.take(place, &inner, table)?;
                }
                _ => return Err(Wrong::Unknown { place: place.to_owned(), name }),
            }
        }
        Ok(())
    }

    fn environment(environment: &[(String, String)]) -> Result<Self, Wrong> {
        let mut layer = Self::default();
        for (name, value) in environment.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
            if name == FILE_VARIABLE || NOT_OURS.iter().any(|theirs| name.starts_with(theirs)) {
                continue;
            }
            let Some(option) = OPTIONS.iter().find(|option| option.variable() == *name) else {
                return Err(Wrong::Unknown { place: "the environment".to_owned(), name: name.clone() });
            };
            layer.0.insert(option.key.to_owned(), Value::new(Some(name), value.as_str()));
        }
        Ok(layer)
    }
}

/// The option that was meant, where it is near enough.
fn hint(name: &str) -> String {
    let names = OPTIONS.iter().map(|o| if name.starts_with(PREFIX) { o.variable() } else { o.key.to_owned() });
    let nearest = names.map(|known| (distance(&known, name), known)).min();
    nearest.filter(|(far, _)| *far <= 3).map(|(_, known)| format!("; did you mean \"{known}\"?")).unwrap_or_default()
}

/// How many letters must change to make one name the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("server.toml");
        std::fs::write(&file, text).expect("a file");
        (folder, file)
    }

    fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn data() -> Flags {
        vec![("data", "d".to_owned())]
    }

    #[test]
    fn flags_come_before_the_environment_before_the_file_before_the_default() {
        let (_folder, file) = written("data = \"from-file\"\nmin_free = 1\n[log]\nformat = \"json\"\n");
        let flags = vec![("data", "from-flag".to_owned())];
        let variables = env(&[("LEDGER_DATA", "from-env"), ("LEDGER_MIN_FREE", "2"), ("PATH", "x")]);
        let read =
            |flags: &Flags, variables: &[(String, String)]| Settings::read(flags, variables, Some(&file)).unwrap();
        let all = read(&flags, &variables);
        assert_eq!((all.data, all.min_free, all.log.json), (PathBuf::from("from-flag"), 2, true));
        let two = read(&Flags::new(), &variables);
        assert_eq!((two.data, two.min_free), (PathBuf::from("from-env"), 2));
        let one = read(&Flags::new(), &[]);
        assert_eq!((one.data, one.min_free, one.stop_grace), (PathBuf::from("from-file"), 1, Duration::from_secs(5)));
        let named = Settings::read(&Flags::new(), &env(&[("LEDGER_CONFIG", &file.display().to_string())]), None);
        assert_eq!(named.unwrap().min_free, 1);
    }

    #[test]
    fn what_is_wrong_in_a_file_is_named_with_the_file() {
        let rows = [
            ("min_fre = 1", "no option \"min_fre\"; did you mean \"min_free\"?"),
            ("[log]\nfromat = \"json\"", "no option \"log.fromat\"; did you mean \"log.format\"?"),
            ("[elephants]\nmany = 1", "no option \"elephants\""),
            ("min_free = \"much\"", "min_free = \"much\""),
            ("min_free = -1", "min_free = \"-1\""),
            ("min_free = 1.5", "min_free = \"1.5\""),
            ("insecure = \"perhaps\"", "insecure = \"perhaps\""),
            ("listen = \"localhost\"", "listen = \"localhost\""),
            ("log = 1", "no option \"log\""),
            ("[log]\nlevel = \"loud\"", "log.level = \"loud\""),
            ("[log]\nformat = \"xml\"", "log.format = \"xml\""),
            ("[jobs]\ndeadlines = \"25:00\"", "jobs.deadlines = \"25:00\""),
            ("stop_grace_seconds = \"soon\"", "stop_grace_seconds = \"soon\""),
            ("commit_limit_seconds = 0.5", "commit_limit_seconds = \"0.5\""),
            ("checkpoint_every = -1", "checkpoint_every = \"-1\""),
            ("min_free = [1]", "min_free"),
            ("min_free = ", "TOML"),
        ];
        for (text, said) in rows {
            let (_folder, file) = written(text);
            let wrong = Settings::read(&data(), &[], Some(&file)).expect_err(text).to_string();
            assert!(wrong.contains(said), "{text}: {wrong}");
            assert!(wrong.contains("server.toml"), "{text}: {wrong}");
        }
    }

    #[test]
    fn what_is_wrong_elsewhere_is_named_with_its_place() {
        let none = Path::new("/nowhere/server.toml");
        let rows = [
            (data(), env(&[("LEDGER_MIN_FRE", "1")]), None, "environment has no option \"LEDGER_MIN_FRE\""),
            (data(), env(&[("LEDGER_MIN_FREE", "x")]), None, "(LEDGER_MIN_FREE)"),
            (vec![("min_free", "x".to_owned())], env(&[("LEDGER_DATA", "d")]), None, "(--min-free)"),
            (Flags::new(), Vec::new(), None, "data is not set: use --data, LEDGER_DATA"),
            (data(), Vec::new(), Some(none), "/nowhere/server.toml"),
        ];
        for (flags, variables, file, said) in rows {
            let wrong = Settings::read(&flags, &variables, file).expect_err(said).to_string();
            assert!(wrong.contains(said), "{wrong}");
        }
        let theirs = env(&[("LEDGER_SERVICE_HOST", "10.0.0.1"), ("LEDGER_PORT", "tcp://10.0.0.1:1")]);
        Settings::read(&data(), &theirs, None).expect("what the orchestrator sets is not ours");
    }

    fn repository(file: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file)
    }

    #[test]
    fn the_example_file_names_every_option_with_its_default() {
        let file = repository("ops/ledger-server.toml");
        let example = Settings::read(&Flags::new(), &[], Some(&file)).expect("a good file");
        let mut flags = data();
        flags.push(("insecure", "true".to_owned()));
        let default = Settings::read(&flags, &[], None).expect("defaults");
        assert_eq!(Settings { data: default.data.clone(), ..example }, default);
        let layer = Layer::file(&file).expect("a good file");
        for option in OPTIONS {
            let set = layer.0.get(option.key).unwrap_or_else(|| panic!("{} is missing", option.key));
            let set = set.clone().into_string().expect("text");
            if let Some(default) = option.default.filter(|_| option.key != "insecure") {
                assert_eq!(set, default, "{}", option.key);
            }
        }
    }

    #[test]
    fn the_operations_manual_lists_every_option() {
        let manual = std::fs::read_to_string(repository("docs/operations.md")).expect("the manual");
        for option in OPTIONS {
            let default = match option.default {
                None => "required".to_owned(),
                Some("") => "empty".to_owned(),
                Some(default) => format!("`{default}`"),
            };
            let row = format!(
                "| `{}` | `{}` | `{}` | {default} | {} |",
                option.key,
                option.flag(),
                option.variable(),
                option.what
            );
            assert!(manual.contains(&row), "docs/operations.md must have the row\n{row}");
        }
    }
}
