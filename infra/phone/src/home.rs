//! What the phone keeps: one file that only its owner may read.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::trouble::Trouble;

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Phone {
    /// `otpauth://` addresses.
    pub codes: Vec<String>,
    pub devices: Vec<Device>,
    /// What was scanned and not answered yet.
    pub claimed: Option<Claimed>,
}

/// A key that is enrolled somewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// `push`, `qr-code` or `in-app`.
    pub kind: String,
    pub api: String,
    pub tenant_id: String,
    pub user_id: String,
    /// Empty until the server has answered.
    pub user_authenticator_id: String,
    /// `ios` or `android`: what it says it is, and whose spellings it uses.
    pub platform: String,
    pub name: String,
    /// PKCS#8, base64.
    pub key: String,
}

/// A sign-in that was scanned.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claimed {
    /// The device that has it.
    pub user_authenticator_id: String,
    pub shown: Value,
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
        let about = |error: &dyn std::fmt::Display| Trouble::about(&path, error);
        let mode = match fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Phone::default()),
            known => known.map_err(|error| about(&error))?.permissions().mode(),
        };
        if mode & 0o077 != 0 {
            return Err(about(&"it holds private keys, and others may read it; run `chmod 600` on it"));
        }
        let text = fs::read_to_string(&path).map_err(|error| about(&error))?;
        serde_json::from_str(&text).map_err(|error| about(&error))
    }

    /// Changes it, whole or not at all, while no other `phone` does.
    pub fn change<T>(&self, change: impl FnOnce(&mut Phone) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let about = |error: std::io::Error| Trouble::about(&self.0, error);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(about)?;
        let lock = self.0.join("lock");
        let lock = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(lock).map_err(about)?;
        lock.lock().map_err(about)?;
        let mut phone = self.read()?;
        let made = change(&mut phone)?;
        self.write(&phone).map_err(|error| Trouble::about(&self.file(), error))?;
        Ok(made)
    }

    fn write(&self, phone: &Phone) -> std::io::Result<()> {
        let temporary = self.0.join("phone.json.new");
        let _ = fs::remove_file(&temporary);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(serde_json::to_string_pretty(phone)?.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, self.file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_owner_reads_it_and_no_change_is_lost() {
        let folder = std::env::temp_dir().join(format!("countersign-phone-home-{}", std::process::id()));
        let home = Home::at(Some(folder.clone())).unwrap();
        assert!(home.read().unwrap().codes.is_empty());
        std::thread::scope(|scope| {
            for index in 0..8 {
                let home = &home;
                scope.spawn(move || {
                    home.change(|phone| {
                        phone.codes.push(format!("otpauth://totp/{index}?secret=A"));
                        Ok(())
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(home.read().unwrap().codes.len(), 8);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&home.file())), (0o700, 0o600));
        fs::set_permissions(home.file(), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(home.read().err().unwrap().to_string().contains("chmod 600"));
        fs::remove_dir_all(folder).unwrap();
    }
}
