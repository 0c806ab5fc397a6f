//! What a tenant asks of its users, and of which users it asks it.

use countersign_domain::{
    enrolable,
    error::Error,
    id::UserId,
    policy::{Enforcement, Policy, Requirement},
    user::{RequiredAction, User},
};

use super::{
    Expressions, Refusal, TenantStore, contended,
    item::{Item, Row, document, n},
    keys::{
        self,
        attributes::{DOCUMENT, REQUIRED},
    },
    tenants::MOST_CHECKS,
    users::{no_user, read_user, required_value},
};

/// Takes an item of the tenant's partition into its policy, where it belongs there.
pub(super) fn read_policy(policy: &mut Policy, sk: &str, row: &Row<'_>) -> Result<(), Error> {
    if sk == keys::ENFORCEMENT {
        policy.enforcement = Some(row.document(DOCUMENT)?);
    } else if let Some(action) = sk.strip_prefix(keys::REQUIRED).and_then(RequiredAction::parse) {
        policy.requirements.insert(action, row.document(DOCUMENT)?);
    }
    Ok(())
}

impl TenantStore<'_> {
    /// Whether, by whom and from when a second factor is asked of everybody, as of this moment.
    pub async fn enforcement(&self) -> Result<Option<Enforcement>, Error> {
        let found = self.store.get(&keys::enforcement(self.tenant)).await?;
        found.map(|item| Row(&item).document(DOCUMENT)).transpose()
    }

    /// Asks a second factor of everybody, for good: nothing in this crate writes over that item or deletes it. Gives
    /// what is in force, which is the first that was said. 409 where nobody could set one up: the tenant is still as it
    /// was when that was looked at, by the condition of the write.
    pub async fn enforce(&self, new: &Enforcement) -> Result<Enforcement, Error> {
        let mut item = Item::at(&keys::enforcement(self.tenant));
        item.put(DOCUMENT, document(new)?);
        for _ in 0..MOST_CHECKS {
            let seen = self.seen().await?;
            if seen.policy.enforcement.is_none() {
                enrolable::check(&seen.tenant.settings, &seen.actions, &seen.rules)?;
            }
            let writes = vec![self.put_if(item.clone(), "attribute_not_exists(pk)", None)?, self.as_seen(&seen)?];
            match contended(async || self.store.transact(writes.clone()).await).await {
                Ok(()) => return Ok(new.clone()),
                Err(Refusal::Cancelled(refused)) => {
                    // An enforcement is there already, perhaps by an earlier run of this very call; or the tenant
                    // changed.
                    if let Some(Some(Some(first))) = refused.first() {
                        return Row(first).document(DOCUMENT);
                    }
                }
                Err(Refusal::Contended) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::unavailable("the tenant kept changing"))
    }

    /// Where a required action stands, as of this moment.
    pub async fn requirement(&self, action: RequiredAction) -> Result<Requirement, Error> {
        let key = keys::required_action(self.tenant, action);
        Ok(self.document(&key).await?.document.unwrap_or_default())
    }

    /// Changes where a required action stands.
    pub async fn change_requirement(
        &self,
        action: RequiredAction,
        change: impl Fn(&mut Requirement) -> Result<(), Error>,
    ) -> Result<Requirement, Error> {
        let changed = |seen: Option<Requirement>| {
            let mut requirement = seen.unwrap_or_default();
            change(&mut requirement)?;
            Ok(requirement)
        };
        self.change_document(&keys::required_action(self.tenant, action), "the required action", changed).await
    }

    /// Has a user finish something; nothing where the user has done it already. 404 for a user that there is not.
    pub async fn require_of(&self, user: &UserId, action: RequiredAction) -> Result<User, Error> {
        let add = Expressions::default().add(format!("{REQUIRED} :action"));
        let add = match action {
            RequiredAction::AuthenticatorApplicationSetup => add.require("size(totp) = :none").value(":none", n(0)),
        };
        self.update_required(user, add.require("attribute_exists(pk)"), action).await
    }

    /// Lets a user off. 404 for a user that there is not.
    pub async fn let_off(&self, user: &UserId, action: RequiredAction) -> Result<User, Error> {
        let remove = Expressions::default().done(action).require("attribute_exists(pk)");
        self.update_required(user, remove, action).await
    }

    async fn update_required(
        &self,
        user: &UserId,
        expressions: Expressions,
        action: RequiredAction,
    ) -> Result<User, Error> {
        let expressions = expressions.value(":action", required_value([action].into_iter()));
        match self.update_one(&keys::user(self.tenant, user), &expressions).await {
            Ok(item) => read_user(user, &item),
            Err(Refusal::Condition(Some(item))) => read_user(user, &item),
            Err(Refusal::Condition(None)) => Err(no_user()),
            Err(other) => Err(other.into()),
        }
    }
}

impl Expressions {
    /// Takes a required action off the user, because this very write finishes it.
    pub(super) fn done(self, action: RequiredAction) -> Self {
        self.delete(format!("{REQUIRED} :action")).value(":action", required_value([action].into_iter()))
    }
}

/// Takes a required action off a new user's item, because what the user comes with finishes it.
pub(super) fn finished(item: &mut Item, user: &User, action: RequiredAction) {
    match user.required.iter().copied().filter(|one| *one != action).collect::<Vec<_>>() {
        left if left.is_empty() => item.remove(REQUIRED),
        left => item.put(REQUIRED, required_value(left.into_iter())),
    }
}
