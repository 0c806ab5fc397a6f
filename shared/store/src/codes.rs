//! The recovery codes of a user: one item, which holds hashes. A new set takes the place of another once its user has said
//! that it is kept, or after ten minutes; until then codes of both let in, each once.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use countersign_domain::{
    challenge::Challenge,
    clock::Timestamp,
    error::Error,
    happened::Event,
    id::{ActionId, AuthenticatorId},
    method::recovery::WORD_SECONDS,
    revoked::TakenAway,
    user::User,
};

use super::{
    Change, Entitled, Expressions, Refusal, TenantStore,
    item::{Attributes, Item, Row, empty_map, n, s, time},
    keys::{
        self,
        attributes::{ACTION_ID, AT, CODE_SET, CODES, KEPT, OLD_CODES, OLD_UNTIL, SPENT, UID},
    },
};

/// New recovery codes, by their hashes.
pub struct NewCodes<'a> {
    /// What the set is known by.
    pub id: &'a str,
    pub hashes: &'a [String],
    /// The set that it takes the place of, as read; `None` where the user has none.
    pub over: Option<&'a StoredCodes>,
    /// What a success by one of the old ones names, where those successes end.
    pub ends: Option<&'a AuthenticatorId>,
    /// Absent where the customer's backend asks for them, which is told at once and says no more.
    pub by: Option<Entitled<'a>>,
    pub notice: Option<&'a Challenge>,
    pub now: Timestamp,
}

/// The set that a user has.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredCodes {
    /// Absent in sets from before forms could be sent again.
    pub id: Option<String>,
    /// The action whose page made it.
    pub by: Option<ActionId>,
    pub made_at: Timestamp,
    pub is_kept: bool,
    hashes: Vec<String>,
    old: Vec<String>,
    old_until: Option<Timestamp>,
    /// How many were used.
    spent: usize,
}

impl StoredCodes {
    fn read(item: &Attributes) -> Result<Self, Error> {
        let row = Row(item);
        Ok(Self {
            id: row.text_opt(CODE_SET).map(str::to_owned),
            by: row.text_opt(ACTION_ID).map(ActionId::parse).transpose()?,
            made_at: row.time(AT)?,
            is_kept: row.has(KEPT) || !row.has(CODE_SET),
            hashes: row.texts(CODES).to_vec(),
            old: row.texts(OLD_CODES).to_vec(),
            old_until: row.time_opt(OLD_UNTIL)?,
            spent: row.map_opt(SPENT).map_or(0, |spent| spent.0.len()),
        })
    }

    /// How many of the newest set are left.
    pub fn left(&self) -> usize {
        self.hashes.len()
    }

    /// Whether its user may still say that it is kept, and be shown it again.
    pub fn awaits_word(&self, now: Timestamp) -> bool {
        !self.is_kept && now.as_second() < self.made_at.as_second() + WORD_SECONDS
    }

    /// The set that the user keeps as far as is known: a set that nobody has said to be kept is none yet.
    fn in_force(&self, now: Timestamp) -> &[String] {
        match (self.awaits_word(now), self.old_until) {
            (true, Some(until)) if now < until => &self.old,
            (true, _) => &[],
            (false, _) => &self.hashes,
        }
    }
}

impl Expressions {
    /// Exactly the set that was read, with as many used: a code that is used meanwhile does not come back with the old set.
    fn exactly(self, set: &StoredCodes, user: &User) -> Self {
        let all = self
            .require("uid = :uid AND size(spent) = :spent")
            .value(":uid", s(user.uid.as_str()))
            .value(":spent", n(set.spent));
        match &set.id {
            Some(id) => all.require("cset = :was").value(":was", s(id)),
            None => all.require("attribute_not_exists(cset)"),
        }
    }
}

impl TenantStore<'_> {
    /// Puts a new set of recovery codes beside the last one. What one of the old ones had succeeded ends with `ends`.
    pub async fn put_recovery_codes(&self, user: &User, new: &NewCodes<'_>) -> Result<Change, Error> {
        let mut enrolled = Expressions::default()
            .set("rc = :left")
            .require("uid = :uid AND (size(totp) > :none OR size(att) > :none)")
            .value(":left", n(new.hashes.len()))
            .value(":uid", s(user.uid.as_str()))
            .value(":none", n(0));
        if let Some(by) = new.by {
            enrolled = enrolled.still_entitled(by);
        }
        if let Some(old) = new.ends {
            let by = new.by.map(|by| by.id);
            enrolled = enrolled.taken_away(user, &TakenAway { id: old, is_last: false, by, now: new.now });
        }
        let mut writes = vec![
            self.codes_item(user, new)?,
            self.update_user(&user.id, &enrolled)?,
            self.put_event(&user.id, &user.uid, &Event::NewRecoveryCodes, new.now)?,
        ];
        if let Some(by) = new.by {
            writes.push(self.entitles(&user.uid, by)?);
        }
        writes.extend(self.put_notice(new.notice)?);
        self.change_account(writes).await
    }

    /// The new set, where what it takes the place of is as it was read. Of that the codes stay good for a while.
    fn codes_item(&self, user: &User, new: &NewCodes<'_>) -> Result<TransactWriteItem, Error> {
        let key = keys::recovery(self.tenant, &user.id);
        let hashes = AttributeValue::Ss(new.hashes.to_vec());
        let Some(over) = new.over else {
            let mut item = Item::at(&key);
            item.put(UID, s(user.uid.as_str()));
            item.put(CODES, hashes);
            item.put(CODE_SET, s(new.id));
            item.put(SPENT, empty_map());
            item.put(AT, time(new.now));
            match new.by {
                Some(by) => item.put(ACTION_ID, s(by.id.as_str())),
                None => item.put(KEPT, n(1)),
            }
            return self.put_if(item, "attribute_not_exists(pk) OR uid <> :v", Some(s(user.uid.as_str())));
        };
        let mut put = Expressions::default()
            .set("codes = :codes, cset = :set, spent = :none, #at = :at")
            .name("#at", AT)
            .value(":codes", hashes)
            .value(":set", s(new.id))
            .value(":none", empty_map())
            .value(":at", time(new.now))
            .exactly(over, user);
        put = match new.by {
            Some(by) => put.set("act = :by").remove("kept").value(":by", s(by.id.as_str())),
            None => put.set("kept = :yes").remove("act").value(":yes", n(1)),
        };
        let old = over.in_force(new.now);
        put = match old.is_empty() {
            true => put.remove("ocodes, ountil"),
            false => put
                .set("ocodes = :old, ountil = :until")
                .value(":old", AttributeValue::Ss(old.to_vec()))
                .value(":until", n(new.now.as_millisecond() + WORD_SECONDS * 1000)),
        };
        self.update(&key, &put)
    }

    /// The recovery codes of a user; `None` where there never were any.
    pub async fn recovery_codes(&self, user: &User) -> Result<Option<StoredCodes>, Error> {
        let Some(item) = self.store.get(&keys::recovery(self.tenant, &user.id)).await? else { return Ok(None) };
        if Row(&item).text(UID)? != user.uid.as_str() {
            return Ok(None);
        }
        StoredCodes::read(&item).map(Some)
    }

    /// Ends the set before this one, because its user has said that this one is kept. Saying it twice changes nothing.
    /// `Stale` for a set that has gone, because another took its place.
    pub async fn keep_recovery_codes(&self, user: &User, set: &str) -> Result<Change, Error> {
        let keep = Expressions::default()
            .set("kept = :yes")
            .remove("ocodes, ountil")
            .require("uid = :uid AND cset = :set")
            .value(":yes", n(1))
            .value(":uid", s(user.uid.as_str()))
            .value(":set", s(set));
        match self.update_one(&keys::recovery(self.tenant, &user.id), &keep).await {
            Ok(_) => Ok(Change::Done),
            Err(Refusal::Condition(_)) => Ok(Change::Stale),
            Err(other) => Err(other.into()),
        }
    }
}
