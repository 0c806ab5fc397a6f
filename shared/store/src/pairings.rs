//! Pairings: a link is used by one device, and its page says once whether that one is the user's.

use aws_sdk_dynamodb::types::TransactWriteItem;

use countersign_domain::{
    challenge::Subject,
    clock::Timestamp,
    error::Error,
    id::{ActionId, AuthenticatorId, UserUid},
    pairing::{Newcomer, Pairing, PairingId, State},
};

use super::{
    Expressions, Refusal, TenantStore, contended,
    item::{Attributes, Item, Row, document, n, s, time},
    keys::{
        self,
        attributes::{ACTION_ID, AT, AUTHENTICATOR_ID, DEVICE, EXPIRES_AT, FINGERPRINT, STATE, TTL, UID, USER_ID},
    },
};

/// A device may still ask on the next day what has become of its pairing.
const KEPT_SECONDS: i64 = 24 * 3600;

mod name {
    pub const OPEN: &str = "OPEN";
    pub const WAITING: &str = "WAITING";
    pub const CONFIRMED: &str = "CONFIRMED";
    pub const REFUSED: &str = "REFUSED";
}

/// How the use of a link went.
pub enum Redeemed {
    /// By this key, now or before.
    ByIt(Box<Pairing>),
    /// By another key, or its time has passed.
    Over,
    NoSuch,
}

/// The pairing that a page confirms or refuses. It must be of this action of this user, which the condition of the
/// write holds.
#[derive(Clone, Copy)]
pub struct Of<'a> {
    pub pairing: &'a PairingId,
    pub uid: &'a UserUid,
    pub action: &'a ActionId,
    pub now: Timestamp,
}

fn read(item: &Attributes) -> Result<Pairing, Error> {
    let row = Row(item);
    let state = match row.text(STATE)? {
        name::OPEN => State::Open,
        name::WAITING => State::Waiting(Box::new(row.document(DEVICE)?)),
        name::CONFIRMED => State::Confirmed { by: row.id(AUTHENTICATOR_ID)?, at: row.time(AT)? },
        name::REFUSED => State::Refused,
        _ => return Err(Error::internal("a stored pairing is damaged")),
    };
    Ok(Pairing {
        subject: Subject { user: row.id(USER_ID)?, uid: row.id(UID)? },
        action: row.id(ACTION_ID)?,
        expires_at: row.time(EXPIRES_AT)?,
        fingerprint: row.text_opt(FINGERPRINT).map(str::to_owned),
        state,
    })
}

impl TenantStore<'_> {
    /// Writes a new pairing.
    pub async fn begin_pairing(&self, id: &PairingId, pairing: &Pairing) -> Result<(), Error> {
        let mut item = Item::at(&keys::pairing(self.tenant, id));
        item.put(STATE, s(name::OPEN));
        item.put(USER_ID, s(pairing.subject.user.as_str()));
        item.put(UID, s(pairing.subject.uid.as_str()));
        item.put(ACTION_ID, s(pairing.action.as_str()));
        item.put(EXPIRES_AT, time(pairing.expires_at));
        item.put(TTL, n(pairing.expires_at.as_second() + KEPT_SECONDS));
        let write =
            async || self.store.transact(vec![self.put_if(item.clone(), "attribute_not_exists(pk)", None)?]).await;
        match contended(write).await {
            // Its id is random: what stands there is this very pairing, written by a call whose answer was lost.
            Ok(()) | Err(Refusal::Cancelled(_)) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    /// One pairing, consistently.
    pub async fn pairing(&self, id: &PairingId) -> Result<Option<Pairing>, Error> {
        self.store.get(&keys::pairing(self.tenant, id)).await?.map(|item| read(&item)).transpose()
    }

    /// A device uses the link: the first one does. The same key again is the same answer, and changes nothing.
    pub async fn redeem_pairing(
        &self,
        id: &PairingId,
        fingerprint: &str,
        device: &Newcomer,
        now: Timestamp,
    ) -> Result<Redeemed, Error> {
        let redeem = Expressions::default()
            .set("st = :waiting, fp = :fp, dev = :dev")
            .require("st = :open AND #exp > :now")
            .name("#exp", EXPIRES_AT)
            .value(":waiting", s(name::WAITING))
            .value(":open", s(name::OPEN))
            .value(":fp", s(fingerprint))
            .value(":dev", document(device)?)
            .value(":now", time(now));
        match self.update_one(&keys::pairing(self.tenant, id), &redeem).await {
            Ok(item) => Ok(Redeemed::ByIt(Box::new(read(&item)?))),
            Err(Refusal::Condition(None)) => Ok(Redeemed::NoSuch),
            Err(Refusal::Condition(Some(item))) => {
                let pairing = read(&item)?;
                let is_its = pairing.fingerprint.as_deref() == Some(fingerprint);
                Ok(if is_its { Redeemed::ByIt(Box::new(pairing)) } else { Redeemed::Over })
            }
            Err(other) => Err(other.into()),
        }
    }

    /// The device that waits is not the user's, and is forgotten; `false` where none waits.
    pub async fn refuse_pairing(&self, of: Of<'_>) -> Result<bool, Error> {
        let refuse = waits(of).set("st = :refused").remove(DEVICE).value(":refused", s(name::REFUSED));
        match self.update_one(&keys::pairing(self.tenant, of.pairing), &refuse).await {
            Ok(_) => Ok(true),
            Err(Refusal::Condition(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// The pairing's half of the write that enrols its device.
    pub(super) fn confirm_pairing(
        &self,
        of: Of<'_>,
        fingerprint: &str,
        by: &AuthenticatorId,
    ) -> Result<TransactWriteItem, Error> {
        let confirm = waits(of)
            .set("st = :confirmed, aid = :by, #at = :now")
            .remove(DEVICE)
            .require("fp = :fp")
            .name("#at", AT)
            .value(":confirmed", s(name::CONFIRMED))
            .value(":by", s(by.as_str()))
            .value(":fp", s(fingerprint));
        self.update(&keys::pairing(self.tenant, of.pairing), &confirm)
    }
}

/// A device waits for the word of this page, and its time has not passed.
fn waits(of: Of<'_>) -> Expressions {
    Expressions::default()
        .require("st = :waiting AND #exp > :now AND uid = :uid AND act = :act")
        .name("#exp", EXPIRES_AT)
        .value(":waiting", s(name::WAITING))
        .value(":now", time(of.now))
        .value(":uid", s(of.uid.as_str()))
        .value(":act", s(of.action.as_str()))
}
