//! What the authenticator says: `authenticatorData` (WebAuthn Level 3, section 6.1).

use aws_lc_rs::digest;

use super::{
    cbor::{self, Value},
    policy::{Aaguid, RpId, UserVerification},
    refusal::Refusal,
};

const UP: u8 = 0x01;
const UV: u8 = 0x04;
const BE: u8 = 0x08;
const BS: u8 = 0x10;
const AT: u8 = 0x40;
const ED: u8 = 0x80;

/// Read whole: every byte is one that the flags announce.
#[derive(Debug)]
pub struct AuthenticatorData<'a> {
    rp_id_hash: [u8; 32],
    flags: u8,
    /// Zero where the authenticator counts nothing, as synced ones do.
    pub counter: u32,
    pub attested: Option<Attested<'a>>,
}

/// A new credential (6.5.1).
#[derive(Debug)]
pub struct Attested<'a> {
    pub aaguid: Aaguid,
    pub id: &'a [u8],
    pub key: Value<'a>,
}

/// Takes bytes off the front.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Refusal> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Refusal::AuthenticatorData)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], Refusal> {
        self.take(LENGTH)?.try_into().map_err(|_| Refusal::AuthenticatorData)
    }

    fn cbor(&mut self, what: &'static str) -> Result<Value<'a>, Refusal> {
        let (value, taken) = cbor::read(self.0).map_err(|fault| Refusal::Cbor(what, fault))?;
        self.take(taken)?;
        Ok(value)
    }
}

impl<'a> AuthenticatorData<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let mut parts = Parts(bytes);
        let (rp_id_hash, [flags], counter) = (parts.array()?, parts.array()?, u32::from_be_bytes(parts.array()?));
        let attested = if flags & AT == 0 { None } else { Some(Attested::read(&mut parts)?) };
        // Outputs of extensions that nobody asked for may be there, and are ignored (7.1 step 28, 7.2 step 23).
        if flags & ED != 0 && parts.cbor("The extensions' output")?.names().is_none() {
            return Err(Refusal::AuthenticatorData);
        }
        if !parts.0.is_empty() {
            return Err(Refusal::AuthenticatorData);
        }
        Ok(Self { rp_id_hash, flags, counter, attested })
    }

    /// The steps that both ceremonies share: 7.1, 14 to 17, and 7.2, 15 to 18.
    pub fn check(&self, id: &RpId, presence: Presence, verification: UserVerification) -> Result<(), Refusal> {
        // 7.1 step 14, 7.2 step 15: the hash is the expected relying party's.
        if digest::digest(&digest::SHA256, id.as_str().as_bytes()).as_ref() != self.rp_id_hash {
            return Err(Refusal::OtherRelyingParty(id.to_string()));
        }
        // 7.1 step 15, 7.2 step 16: somebody is present, which conditional create alone spares.
        if presence == Presence::Required && self.flags & UP == 0 {
            return Err(Refusal::NotPresent);
        }
        // 7.1 step 16, 7.2 step 17: the user is verified where that is required; else the flag is only told.
        if verification == UserVerification::Required && !self.is_verified() {
            return Err(Refusal::NotVerified);
        }
        // 7.1 step 17, 7.2 step 18: what cannot be backed up is not.
        if self.is_backed_up() && !self.is_eligible() {
            return Err(Refusal::BackedUpButNotEligible);
        }
        Ok(())
    }

    /// UV: by PIN, fingerprint or face.
    pub const fn is_verified(&self) -> bool {
        self.flags & UV != 0
    }

    /// BE: it may be on several devices.
    pub const fn is_eligible(&self) -> bool {
        self.flags & BE != 0
    }

    /// BS: it is backed up now.
    pub const fn is_backed_up(&self) -> bool {
        self.flags & BS != 0
    }
}

impl<'a> Attested<'a> {
    fn read(parts: &mut Parts<'a>) -> Result<Self, Refusal> {
        let (aaguid, length) = (Aaguid(parts.array()?), u16::from_be_bytes(parts.array()?));
        let id = parts.take(usize::from(length))?;
        Ok(Self { aaguid, id, key: parts.cbor("The public key")? })
    }
}

/// Whether somebody has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Required,
    /// A password manager may make a passkey by itself (`mediation: "conditional"`).
    Conditional,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_announced_by_a_flag() {
        let of = |flags: u8, rest: &[u8]| [&[7; 32][..], &[flags, 0, 0, 1, 2], rest].concat();
        let is_read = |bytes: &[u8]| AuthenticatorData::read(bytes).map(|_| ());
        let attested = [&[1; 16][..], &[0, 2, 9, 9, 0xa0]].concat();
        let both = [&attested[..], &[0xa0]].concat();
        assert_eq!(AuthenticatorData::read(&of(0, &[])).unwrap().counter, 258);
        for (flags, rest) in [(0, &[][..]), (AT, &attested), (ED, &[0xa0]), (AT | ED, &both)] {
            assert_eq!(is_read(&of(flags, rest)), Ok(()), "{flags}");
            assert!(is_read(&of(flags, &[rest, &[0]].concat())).is_err(), "one byte more, {flags}");
            let whole = of(flags, rest);
            for length in 0..whole.len() {
                assert!(is_read(&whole[..length]).is_err(), "cut off at {length}, {flags}");
            }
        }
        assert_eq!(is_read(&of(ED, &[0x80])), Err(Refusal::AuthenticatorData), "extensions are a map");
        assert_eq!(is_read(&of(0, &attested)), Err(Refusal::AuthenticatorData));
    }
}
