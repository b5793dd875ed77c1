//! Checkpoints: the log's size and root, signed. C2SP `tlog-checkpoint` notes (<https://c2sp.org/tlog-checkpoint>) with
//! Ed25519 signatures of C2SP `signed-note` (<https://c2sp.org/signed-note>).
//!
//! ```text
//! prakerja.ledger/binjai                        the log's origin
//! 3808                                          its size
//! 9mH0…=                                        its root, base64
//!
//! — prakerja.ledger/binjai x08go/ZJ…            key name, base64 of key id (4 bytes) and signature
//! ```

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::head::Head;
use crate::merkle::Hash;

/// What a log is called where nobody gave it a name of its own.
pub const DEFAULT_ORIGIN: &str = "prakerja.ledger";

/// The signature type of Ed25519 in signed notes.
const ED25519: u8 = 1;
pub(crate) const SIGNATURE_LINE: &str = "— ";
const PRIVATE: &str = "PRIVATE+KEY+";

/// Why a key or a note is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not `name+id+key`, or the id is not the key's.
    #[error("not an Ed25519 key of a signed note: name+id+base64")]
    Key,
    /// A name that notes do not allow.
    #[error("a key's name must not be empty, nor have spaces or +")]
    Name,
    /// Not a note: text, an empty line, signature lines.
    #[error("not a signed note")]
    Malformed,
    /// No signature of this key.
    #[error("not signed by this key")]
    NotSigned,
    /// The signature does not fit the text.
    #[error("the signature is wrong: the note was changed, or another key signed it")]
    Signature,
    /// The text is no checkpoint: origin, size, root.
    #[error("not a checkpoint: origin, size and root, a line each")]
    NotACheckpoint,
}

/// What a checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// Its size and root.
    pub head: Head,
}

impl Checkpoint {
    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.head.size, STANDARD.encode(self.head.root))
    }

    /// The checkpoint of a note's text; extension lines are let through.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(NoteError::NotACheckpoint);
        };
        let canonical = |parsed: &u64| parsed.to_string() == size;
        let size = size.parse().ok().filter(canonical).ok_or(NoteError::NotACheckpoint)?;
        let root = STANDARD.decode(root).ok().and_then(|root| Hash::try_from(root).ok());
        let root = root.ok_or(NoteError::NotACheckpoint)?;
        if origin.is_empty() || lines.any(str::is_empty) {
            return Err(NoteError::NotACheckpoint);
        }
        Ok(Self { origin: origin.to_owned(), head: Head { size, root } })
    }
}

/// A private key with its name.
pub struct NoteSigner {
    name: String,
    key: SigningKey,
}

/// A public key with its name: what an auditor keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteVerifier {
    name: String,
    key: VerifyingKey,
}

fn checked_name(name: &str) -> Result<String, NoteError> {
    let allowed = !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c == '+');
    if allowed { Ok(name.to_owned()) } else { Err(NoteError::Name) }
}

/// First 4 bytes of SHA-256 over name, newline, signature type and public key.
fn key_id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([b'\n', ED25519]);
    hasher.update(key.as_bytes());
    let hash = hasher.finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

/// Name, id and key bytes of `name+id+base64`.
fn parts(text: &str) -> Result<(String, [u8; 4], [u8; 32]), NoteError> {
    let mut fields = text.trim_end().splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (fields.next(), fields.next(), fields.next()) else {
        return Err(NoteError::Key);
    };
    let id = u32::from_str_radix(id, 16).ok().filter(|_| id.len() == 8).ok_or(NoteError::Key)?;
    let key = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
    let (kind, key) = key.split_first().ok_or(NoteError::Key)?;
    let key = <[u8; 32]>::try_from(key).ok().filter(|_| *kind == ED25519).ok_or(NoteError::Key)?;
    Ok((checked_name(name)?, id.to_be_bytes(), key))
}

fn encoded(key: &[u8; 32]) -> String {
    let mut bytes = vec![ED25519];
    bytes.extend_from_slice(key);
    STANDARD.encode(bytes)
}

fn hexadecimal(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

impl NoteSigner {
    /// A key from 32 random bytes.
    ///
    /// # Errors
    ///
    /// The name is not allowed.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        Ok(Self { name: checked_name(name)?, key: SigningKey::from_bytes(seed) })
    }

    /// A key from its text form, see [`Self::to_text`].
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, id, seed) = parts(text.strip_prefix(PRIVATE).ok_or(NoteError::Key)?)?;
        let signer = Self::new(&name, &seed)?;
        if key_id(&name, &signer.key.verifying_key()) == id { Ok(signer) } else { Err(NoteError::Key) }
    }

    /// The private key as text, `PRIVATE+KEY+name+id+base64`: to be kept secret.
    #[must_use]
    pub fn to_text(&self) -> String {
        let id = hexadecimal(key_id(&self.name, &self.key.verifying_key()));
        format!("{PRIVATE}{}+{id}+{}", self.name, encoded(&self.key.to_bytes()))
    }

    /// The public key.
    #[must_use]
    pub fn verifier(&self) -> NoteVerifier {
        NoteVerifier { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// The key's name, a log's origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Signs a text that ends with a newline; gives the whole note.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let mut signature = key_id(&self.name, &self.key.verifying_key()).to_vec();
        signature.extend_from_slice(&self.key.sign(text.as_bytes()).to_bytes());
        format!("{text}\n{SIGNATURE_LINE}{} {}\n", self.name, STANDARD.encode(signature))
    }

    /// Signs the head of the log that goes by the key's name.
    #[must_use]
    pub fn checkpoint(&self, head: Head) -> String {
        self.sign(&Checkpoint { origin: self.name.clone(), head }.text())
    }
}

impl fmt::Debug for NoteSigner {
    /// The key itself is never printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NoteSigner").field("name", &self.name).finish_non_exhaustive()
    }
}

impl NoteVerifier {
    /// A public key from its text form, `name+id+base64`.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, id, key) = parts(text)?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_| NoteError::Key)?;
        if key_id(&name, &key) == id { Ok(Self { name, key }) } else { Err(NoteError::Key) }
    }

    /// The public key as text, `name+id+base64`.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}+{}+{}", self.name, hexadecimal(key_id(&self.name, &self.key)), encoded(self.key.as_bytes()))
    }

    /// The text of a note that this key signed; signatures of other keys are passed over.
    ///
    /// # Errors
    ///
    /// The note is malformed, or not signed by this key.
    pub fn verify<'n>(&self, note: &'n str) -> Result<&'n str, NoteError> {
        let (before, signatures) = note.rsplit_once("\n\n").ok_or(NoteError::Malformed)?;
        let text = note.get(..=before.len()).ok_or(NoteError::Malformed)?;
        if !signatures.ends_with('\n') {
            return Err(NoteError::Malformed);
        }
        let id = key_id(&self.name, &self.key);
        let mut signed = Err(NoteError::NotSigned);
        for line in signatures.lines() {
            let (name, signature) =
                line.strip_prefix(SIGNATURE_LINE).and_then(|line| line.rsplit_once(' ')).ok_or(NoteError::Malformed)?;
            let signature = STANDARD.decode(signature).map_err(|_| NoteError::Malformed)?;
            let (key, signature) = signature.split_first_chunk::<4>().ok_or(NoteError::Malformed)?;
            if name == self.name && *key == id {
                let signature = Signature::from_slice(signature).map_err(|_| NoteError::Malformed)?;
                self.key.verify_strict(text.as_bytes(), &signature).map_err(|_| NoteError::Signature)?;
                signed = Ok(text);
            }
        }
        signed
    }

    /// The checkpoint of a note that this key signed.
    ///
    /// # Errors
    ///
    /// The note is malformed, not signed by this key, no checkpoint, or of another log than the key's.
    pub fn checkpoint(&self, note: &str) -> Result<Checkpoint, NoteError> {
        let checkpoint = Checkpoint::parse(self.verify(note)?)?;
        if checkpoint.origin == self.name { Ok(checkpoint) } else { Err(NoteError::NotACheckpoint) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Go's `golang.org/x/mod/sumdb/note`, the origin of the format.
    const PRIVATE_KEY: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const PUBLIC_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn signer() -> NoteSigner {
        NoteSigner::new("prakerja.ledger/test", &[7; 32]).expect("a name")
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: "prakerja.ledger/test".to_owned(), head: Head { size: 3_808, root: [9; 32] } }
    }

    #[test]
    fn the_formats_own_example_is_signed_and_verified() {
        let signer = NoteSigner::parse(PRIVATE_KEY).expect("a key");
        assert_eq!(signer.to_text(), PRIVATE_KEY);
        assert_eq!(signer.verifier().to_text(), PUBLIC_KEY);
        let text = NOTE.split_once("\n\n").expect("a note").0.to_owned() + "\n";
        assert_eq!(signer.sign(&text), NOTE);
        assert_eq!(NoteVerifier::parse(PUBLIC_KEY).expect("a key").verify(NOTE), Ok(text.as_str()));
    }

    #[test]
    fn a_checkpoint_comes_back_as_it_was_signed() {
        let note = signer().checkpoint(checkpoint().head);
        assert_eq!(signer().verifier().checkpoint(&note), Ok(checkpoint()));
        let other = NoteSigner::new("prakerja.ledger/other", &[8; 32]).expect("a name");
        let witnessed = format!("{note}{}", other.sign("x\n").split_once("\n\n").expect("a note").1);
        assert_eq!(signer().verifier().checkpoint(&witnessed), Ok(checkpoint()), "other signatures are let through");
    }

    #[test]
    fn whatever_is_changed_is_refused() {
        let note = signer().checkpoint(checkpoint().head);
        let verifier = signer().verifier();
        for at in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(verifier.checkpoint(&changed).is_err(), "byte {at}: {changed}");
            }
        }
        for end in 0..note.len() {
            if let Some(cut) = note.get(..end) {
                assert!(verifier.checkpoint(cut).is_err(), "cut at {end}");
            }
        }
        let same_name = NoteSigner::new("prakerja.ledger/test", &[8; 32]).expect("a name");
        assert_eq!(verifier.checkpoint(&same_name.checkpoint(checkpoint().head)), Err(NoteError::NotSigned));
        let foreign = Checkpoint { origin: "another log".to_owned(), ..checkpoint() };
        assert_eq!(verifier.checkpoint(&signer().sign(&foreign.text())), Err(NoteError::NotACheckpoint));
    }

    #[test]
    fn keys_and_checkpoints_have_one_form() {
        for text in ["", "a+b", "a+c74f20a3+AYEK", "PeterNeumann+00000000+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"]
        {
            assert_eq!(NoteVerifier::parse(text), Err(NoteError::Key), "{text}");
        }
        for name in ["", "a b", "a+b"] {
            assert_eq!(NoteSigner::new(name, &[1; 32]).err(), Some(NoteError::Name), "{name}");
        }
        let root = STANDARD.encode([9; 32]);
        for text in ["", "o\n", "o\n07\nAA==\n", &format!("o\n+7\n{root}\n"), &format!("\n7\n{root}\n"), "o\n7\nAA==\n"]
        {
            assert_eq!(Checkpoint::parse(text), Err(NoteError::NotACheckpoint), "{text}");
        }
    }
}
