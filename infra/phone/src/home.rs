//! What the phone keeps: one file that only its owner may read.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Trouble;

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Phone {
    /// `otpauth://` addresses.
    pub codes: Vec<String>,
    pub devices: Vec<Device>,
    /// What was claimed and not answered yet.
    pub claimed: Option<Value>,
}

/// A key that is enrolled somewhere.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// `push`, `qr-code` or `in-app`.
    pub kind: String,
    pub api: String,
    pub tenant_id: String,
    /// Empty until the server has answered.
    pub user_id: String,
    pub user_authenticator_id: String,
    /// PKCS#8, base64.
    pub key: String,
}

/// The directory of the phone.
pub struct Home(PathBuf);

impl Home {
    pub fn at(directory: Option<PathBuf>) -> Result<Self, Trouble> {
        let of_user = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".countersign-phone"));
        directory.or_else(of_user).map(Self).ok_or_else(|| Trouble::new("say where the phone is kept: --home DIR"))
    }

    fn file(&self) -> PathBuf {
        self.0.join("phone.json")
    }

    pub fn read(&self) -> Result<Phone, Trouble> {
        let path = self.file();
        if !path.exists() {
            return Ok(Phone::default());
        }
        let text = fs::read_to_string(&path).map_err(|error| Trouble::about(&path, error))?;
        serde_json::from_str(&text).map_err(|error| Trouble::about(&path, error))
    }

    /// Writes it in place of the old, whole or not at all.
    pub fn write(&self, phone: &Phone) -> Result<(), Trouble> {
        let write = || {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
            let temporary = self.0.join("phone.json.new");
            let _ = fs::remove_file(&temporary);
            let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
            file.write_all(serde_json::to_string_pretty(phone)?.as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, self.file())
        };
        write().map_err(|error: std::io::Error| Trouble::about(&self.file(), error))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_its_owner_reads_it() {
        let folder = std::env::temp_dir().join(format!("countersign-phone-home-{}", std::process::id()));
        let home = Home::at(Some(folder.clone())).unwrap();
        assert!(home.read().unwrap().codes.is_empty());
        home.write(&Phone { codes: vec!["otpauth://totp/a?secret=A".into()], ..Phone::default() }).unwrap();
        assert_eq!(home.read().unwrap().codes.len(), 1);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join("phone.json"))), (0o700, 0o600));
        fs::remove_dir_all(folder).unwrap();
    }
}
