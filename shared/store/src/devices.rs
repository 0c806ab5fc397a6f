//! Keys of devices: whose they are, how their device is reached, and how they come and go.

use aws_sdk_dynamodb::types::AttributeValue;

use countersign_domain::{
    action::Verification,
    authenticator::Authenticator,
    challenge::{Challenge, State},
    clock::Timestamp,
    error::Error,
    id::{ActionId, AuthenticatorId, ChallengeId, UserId, UserUid},
    method::{Method, device::DeviceKey},
    pairing::PairingId,
    user::{MAX_AUTHENTICATORS, MAX_TOTP, User},
};

use super::{
    Expressions, PairingOf, Refusal, TenantStore,
    authenticators::read_authenticator,
    challenges::read_challenge,
    contended,
    item::{Attributes, Item, Row, document, n, s, time},
    keys::{
        self,
        attributes::{
            AUTHENTICATOR_ID, DOCUMENT, ENDPOINT, ERROR_CODE, ERRORED_AT, EXPIRES_AT, PUSH_TOKEN, UID, USER_ID,
        },
    },
    users::read_user,
};

/// The owner of a device's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    pub method: Method,
    pub user: UserId,
    pub uid: UserUid,
    pub authenticator: AuthenticatorId,
}

impl Credential {
    pub(super) fn read(item: &Attributes, method: Method) -> Result<Self, Error> {
        let row = Row(item);
        Ok(Self { method, user: row.id(USER_ID)?, uid: row.id(UID)?, authenticator: row.id(AUTHENTICATOR_ID)? })
    }
}

/// A device about to be enrolled.
pub struct NewDevice<'a> {
    pub description: &'a Authenticator,
    pub key: &'a DeviceKey,
    /// The token by which its push service knows it.
    pub push_token: Option<&'a str>,
    /// Whether a number can be typed on it.
    pub takes_numbers: bool,
    /// The action whose token enrols it: it must still be one that may.
    pub action: EnrollingAction<'a>,
    /// The user has nothing enrolled, which the write repeats as its condition.
    pub is_first: bool,
    /// The notice to the user's other devices, where one was sent.
    pub notice: Option<&'a Challenge>,
    /// The pairing of the link that the device used. This write is its page's confirmation, on the condition that the
    /// device waits for it.
    pub pairing: Option<&'a PairingId>,
    pub now: Timestamp,
}

/// The action whose token enrols a device.
#[derive(Clone, Copy)]
pub struct EnrollingAction<'a> {
    pub key: &'a keys::Key,
    pub id: &'a ActionId,
    /// What succeeded it, which must not have come to its end.
    pub success: Option<&'a Verification>,
}

/// How an enrolment went.
#[derive(Debug, PartialEq, Eq)]
pub enum Enrolled {
    Yes,
    /// The key is enrolled already, for this user or another.
    KeyTaken,
    /// What was read had changed by then.
    Stale,
}

/// A challenge, and where the device is to be found that it goes to.
#[derive(Clone, Debug)]
pub struct Addressed {
    pub challenge: Challenge,
    /// Absent where the user no longer has the device.
    pub recipient: Option<Recipient>,
}

/// A device, and how it is reached.
#[derive(Clone, Debug)]
pub struct Recipient {
    pub device: Authenticator,
    pub address: DeviceAddress,
}

/// How a device is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAddress {
    pub push_token: Option<String>,
    /// ARN of its SNS endpoint, once it has one.
    pub endpoint: Option<String>,
}

impl TenantStore<'_> {
    /// Whose key this is; `None` for one that nobody enrolled.
    pub async fn credential(&self, method: Method, fingerprint: &str) -> Result<Option<Credential>, Error> {
        let found = self.store.get(&keys::credential(self.tenant, method, fingerprint)).await?;
        found.map(|item| Credential::read(&item, method)).transpose()
    }

    /// Enrols a device's key: the user's list, its description, and the key's owner, all or nothing.
    pub async fn enrol_device(&self, user: &User, new: &NewDevice<'_>) -> Result<Enrolled, Error> {
        let NewDevice { description, .. } = new;
        let mut add = Expressions::default()
            .set("att.#i = :method")
            .require("uid = :uid AND size(att) < :max AND attribute_not_exists(att.#i)")
            .name("#i", description.id.as_str())
            .value(":method", s(description.method.as_str()))
            .value(":max", n(MAX_AUTHENTICATORS - MAX_TOTP))
            .value(":uid", s(user.uid.as_str()));
        if new.is_first {
            add = add.nothing_to_answer_with(user);
        }
        if let Some(success) = new.action.success {
            add = add.not_ended(success, new.action.id);
        }
        add = add.listed(self.tenant, &user.id, true);
        add = add.enrolling(user, &description.id, Some(new.action.id), new.now);
        if description.method == Method::Push && new.push_token.is_none() {
            add = add.add("ur :silent").value(":silent", AttributeValue::Ss(vec![description.id.to_string()]));
        }
        if description.method == Method::Push && new.takes_numbers {
            add = add.add("tn :typing").value(":typing", AttributeValue::Ss(vec![description.id.to_string()]));
        }
        let mut open = Expressions::enrollable(new.action.id, &user.uid, new.now);
        let mut credential = Item::at(&keys::credential(self.tenant, description.method, &new.key.fingerprint()));
        credential.put(USER_ID, s(user.id.as_str()));
        credential.put(UID, s(user.uid.as_str()));
        credential.put(AUTHENTICATOR_ID, s(description.id.as_str()));
        let mut item = Item::at(&keys::authenticator(self.tenant, &user.id, &description.id));
        item.put(UID, s(user.uid.as_str()));
        item.put(DOCUMENT, document(description)?);
        if let Some(token) = new.push_token {
            item.put(PUSH_TOKEN, s(token));
        }
        // The action that enrols the user's first device, and no other, entitles to what goes with it, such as recovery
        // codes.
        let enrols = match new.is_first {
            true => {
                open = open.set("en = :enrolled").value(":enrolled", s(description.id.as_str()));
                self.update(new.action.key, &open)?
            }
            false => self.check(new.action.key, &open)?,
        };
        let write = async || {
            let mut writes = vec![
                self.put_if(credential.clone(), "attribute_not_exists(pk)", None)?,
                self.update_user(&user.id, &add)?,
                self.put_if(item.clone(), "attribute_not_exists(pk) OR uid <> :v", Some(s(user.uid.as_str())))?,
                enrols.clone(),
            ];
            writes.extend(self.put_notice(new.notice)?);
            if let Some(pairing) = new.pairing {
                let of = PairingOf { pairing, uid: &user.uid, action: new.action.id, now: new.now };
                writes.push(self.confirm_pairing(of, &new.key.fingerprint(), &description.id)?);
            }
            self.store.transact(writes).await
        };
        match contended(write).await {
            Ok(()) => Ok(Enrolled::Yes),
            Err(Refusal::Cancelled(refused)) if refused.first().is_some_and(Option::is_some) => Ok(Enrolled::KeyTaken),
            Err(Refusal::Cancelled(_)) => Ok(Enrolled::Stale),
            Err(other) => Err(other.into()),
        }
    }

    /// A user and one of its authenticators in one round trip; `None` where the user no longer has it.
    pub async fn user_and_authenticator(
        &self,
        user: &UserId,
        id: &AuthenticatorId,
    ) -> Result<Option<(User, Authenticator)>, Error> {
        let wanted = [&keys::user(self.tenant, user), &keys::authenticator(self.tenant, user, id)];
        let [found, described] = self.store.get_all(wanted).await?;
        let (Some(found), Some(described)) = (found, described) else { return Ok(None) };
        let (user, authenticator) = (read_user(user, &found)?, read_authenticator(&described)?);
        let has = authenticator.user_uid.is_of_same_life(&user.uid) && user.has_authenticator(id);
        Ok(has.then_some((user, authenticator)))
    }

    /// Where the device of a challenge is to be found: the challenge, and its address where it has one.
    pub async fn address(&self, challenge: &ChallengeId, device: &AuthenticatorId) -> Result<Option<Addressed>, Error> {
        let Some(item) = self.store.get(&keys::challenge(self.tenant, challenge)).await? else { return Ok(None) };
        let challenge = read_challenge(challenge, &item)?;
        let Some(subject) = &challenge.subject else {
            return Ok(Some(Addressed { challenge, recipient: None }));
        };
        let found = self.store.get(&keys::authenticator(self.tenant, &subject.user, device)).await?;
        let recipient = match found {
            Some(item) => {
                let text = |name| Row(&item).text_opt(name).map(str::to_owned);
                let address = DeviceAddress { push_token: text(PUSH_TOKEN), endpoint: text(ENDPOINT) };
                let device = Some(read_authenticator(&item)?).filter(|one| one.user_uid == subject.uid);
                device.map(|device| Recipient { device, address })
            }
            None => None,
        };
        Ok(Some(Addressed { challenge, recipient }))
    }

    /// Remembers the SNS endpoint of a push token, as long as the device still has that token.
    pub async fn set_endpoint(
        &self,
        user: &UserId,
        id: &AuthenticatorId,
        token: &str,
        endpoint: &str,
    ) -> Result<(), Error> {
        let set = Expressions::default()
            .set("ep = :endpoint")
            .require("tok = :token")
            .value(":endpoint", s(endpoint))
            .value(":token", s(token));
        match self.update_one(&keys::authenticator(self.tenant, user, id), &set).await {
            Ok(_) | Err(Refusal::Condition(_)) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    /// Writes down that a device's push service refused it for good; nothing where it has another token by now.
    pub async fn mark_unreachable(
        &self,
        user: &UserId,
        id: &AuthenticatorId,
        token: Option<&str>,
        code: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut errored = Expressions::default()
            .set("#err = :at, erc = :code")
            .name("#err", ERRORED_AT)
            .value(":at", time(now))
            .value(":code", s(code));
        errored = match token {
            Some(token) => errored.require("tok = :token").value(":token", s(token)),
            None => errored.require("attribute_exists(pk) AND attribute_not_exists(tok)"),
        };
        let silent = Expressions::default()
            .add("ur :silent")
            .require("attribute_exists(att.#i)")
            .name("#i", id.as_str())
            .value(":silent", AttributeValue::Ss(vec![id.to_string()]));
        let key = keys::authenticator(self.tenant, user, id);
        let write =
            async || self.store.transact(vec![self.update(&key, &errored)?, self.update_user(user, &silent)?]).await;
        match contended(write).await {
            Ok(()) | Err(Refusal::Cancelled(_)) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    /// Takes over what a device says of itself, once for each challenge that it signs; `false` where that is over.
    pub async fn update_device(
        &self,
        credential: &Credential,
        challenge: &ChallengeId,
        push_token: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let spend = Expressions::default()
            .set("st = :done")
            .require("st = :pending AND #exp > :now AND uid = :uid")
            .name("#exp", EXPIRES_AT)
            .value(":done", s(State::Verified.as_str()))
            .value(":pending", s(State::Pending.as_str()))
            .value(":now", time(now))
            .value(":uid", s(credential.uid.as_str()));
        let mut used = Expressions::default()
            .set("lv = :now")
            .require("uid = :uid")
            .value(":now", time(now))
            .value(":uid", s(credential.uid.as_str()));
        let mut has = Expressions::default()
            .set("uid = :uid")
            .require("uid = :uid AND attribute_exists(att.#i)")
            .name("#i", credential.authenticator.as_str())
            .value(":uid", s(credential.uid.as_str()));
        if let Some(token) = push_token {
            used = used.set("tok = :token").remove(ENDPOINT).remove("#err").remove(ERROR_CODE).name("#err", ERRORED_AT);
            used = used.value(":token", s(token));
            has =
                has.delete("ur :heard").value(":heard", AttributeValue::Ss(vec![credential.authenticator.to_string()]));
        }
        let device = keys::authenticator(self.tenant, &credential.user, &credential.authenticator);
        let write = async || {
            let writes = vec![
                self.update(&keys::challenge(self.tenant, challenge), &spend)?,
                self.update(&device, &used)?,
                self.update_user(&credential.user, &has)?,
            ];
            self.store.transact(writes).await
        };
        match contended(write).await {
            Ok(()) => Ok(true),
            Err(Refusal::Cancelled(refused)) => {
                let Some(Some(Some(spent))) = refused.first() else { return Ok(false) };
                let spent = read_challenge(challenge, spent)?;
                let stored = self.store.get(&device).await?.unwrap_or_default();
                // The same call again, after a lost answer, says nothing new.
                let same = push_token.is_none_or(|token| Row(&stored).text_opt(PUSH_TOKEN) == Some(token));
                Ok(same && spent.state == State::Verified && spent.only.as_ref() == Some(&credential.authenticator))
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Makes an authenticator the one that is asked first; `false` where the user does not have it.
    pub async fn make_default(&self, user: &User, id: &AuthenticatorId, method: Method) -> Result<bool, Error> {
        match self.update_one(&keys::user(self.tenant, &user.id), &self.default(user, id, method)).await {
            Ok(_) => Ok(true),
            Err(Refusal::Condition(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// The user's half of it: the method is the default, and of several devices this is the first.
    pub(super) fn default(&self, user: &User, id: &AuthenticatorId, method: Method) -> Expressions {
        let path = if user.totp.contains_key(id) { "totp.#i" } else { "att.#i" };
        let set = Expressions::default()
            .set("def = :method")
            .require(format!("uid = :uid AND attribute_exists({path})"))
            .name("#i", id.as_str())
            .value(":method", s(method.as_str()))
            .value(":uid", s(user.uid.as_str()));
        match method {
            Method::Push => set.set("prim = :id").value(":id", s(id.as_str())),
            _ => set,
        }
    }
}
