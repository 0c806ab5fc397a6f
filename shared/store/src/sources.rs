//! What sources of questions have begun: an item for each source and window, and one for all strangers of a tenant.

use countersign_domain::{
    clock::Timestamp,
    error::Error,
    source::{KNOWN_AFTER_SECONDS, Source, WINDOW_SECONDS, Window},
};

use super::{
    Expressions, Refusal, TenantStore,
    item::{Row, n},
    keys::{
        self,
        attributes::{COUNT, SK, TTL},
    },
};

/// A network is known for a day.
const KEPT_SECONDS: i64 = 24 * 3600;

impl TenantStore<'_> {
    /// Takes a place in a source's budget; `false` where there is none. One conditional write: no number of requests at
    /// once gets more. A repetition after a lost acknowledgement counts twice, which errs on the safe side.
    pub async fn spend_begin(&self, source: &Source, window: Window) -> Result<bool, Error> {
        let kept = if source.is_stranger() { KEPT_SECONDS } else { WINDOW_SECONDS };
        let begin =
            counted(window, kept).require("attribute_not_exists(c) OR c < :most").value(":most", n(source.most()));
        match self.update_one(&keys::source(self.tenant, source, window), &begin).await {
            Ok(_) => Ok(true),
            Err(Refusal::Condition(_)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Counts what strangers have begun in this window, this one among them.
    pub async fn count_begin(&self, window: Window) -> Result<u64, Error> {
        let total = counted(window, WINDOW_SECONDS).require("attribute_not_exists(c) OR c >= :one");
        let item = self.update_one(&keys::strangers(self.tenant, window), &total).await?;
        Row(&item).number(COUNT)
    }

    /// Whether a source began something long enough ago. Asked only while there is a flood.
    pub async fn is_known(&self, source: &Source, now: Timestamp) -> Result<bool, Error> {
        let partition = keys::source_partition(self.tenant, source);
        let oldest = self.store.query(&partition, Some(keys::WINDOW), 1).await?.pop();
        let before = Window::of(now).end() - WINDOW_SECONDS - KNOWN_AFTER_SECONDS;
        oldest
            .map_or(Ok(false), |item| Ok(keys::source_window(Row(&item).text(SK)?).is_some_and(|w| w.end() <= before)))
    }
}

fn counted(window: Window, kept: i64) -> Expressions {
    Expressions::default()
        .set("#ttl = :ttl")
        .add("c :one")
        .name("#ttl", TTL)
        .value(":ttl", n(window.end() + kept))
        .value(":one", n(1))
}
