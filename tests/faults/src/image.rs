//! What a disk holds: files and folders by path.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Files with their bytes, and folders (`None`), by path from the topmost folder; a folder comes before what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image(pub BTreeMap<PathBuf, Option<Vec<u8>>>);

impl Image {
    /// Puts everything below `dir`.
    ///
    /// # Errors
    ///
    /// Something cannot be written.
    pub fn write_to(&self, dir: &Path) -> io::Result<()> {
        for (path, content) in &self.0 {
            match content {
                None => std::fs::create_dir_all(dir.join(path))?,
                Some(bytes) => std::fs::write(dir.join(path), bytes)?,
            }
        }
        Ok(())
    }
}
