//! How large a binary is, and the zip that is uploaded.

use std::{io::Write as _, path::Path};

use flate2::{Compression, write::DeflateEncoder};

use crate::Result;

#[derive(Clone, Copy)]
pub struct Size {
    pub binary: u64,
    pub zip: u64,
}

/// A zip of one file: its local header (30 bytes), its entry (46), the end (22), and the name `bootstrap` twice.
const AROUND_IT: u64 = 30 + 46 + 22 + 2 * 9;

pub fn measure(binary: &Path) -> Result<Size> {
    let bytes = std::fs::read(binary).map_err(|error| format!("{}: {error}", binary.display()))?;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes)?;
    let packed = encoder.finish()?.len();
    Ok(Size { binary: bytes.len().try_into()?, zip: u64::try_from(packed)? + AROUND_IT })
}
