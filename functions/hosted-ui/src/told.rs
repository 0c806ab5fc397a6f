//! What a visit tells its user: what is confirmed, for which account, and why something is to be set up.

use countersign_core::{
    action::State,
    app::App,
    facts::{self, Facts},
};

use crate::visit::Visit;

impl Visit {
    /// What is confirmed, in the words of this page.
    pub(crate) fn facts(&self) -> Facts {
        self.caller.tenant.facts(&self.action.code, &self.input, &self.profile, self.messages())
    }

    /// The account that this is about, as the tenant shows it.
    pub(crate) fn account(&self) -> Option<String> {
        facts::account(self.caller.tenant.settings(), &self.profile)
    }

    /// Why something is to be set up, where that is not the user's own wish.
    pub(crate) fn why(&self, app: &App) -> Option<String> {
        let (policy, t, now) = (self.caller.tenant.policy(), self.messages(), app.now());
        if let Some(start) = policy.starts_at(now).filter(|_| !self.user.can_answer()) {
            let day = start.strftime("%Y-%m-%d").to_string();
            return Some(t.with_both("set-up-why-later-text", ("day", &day), ("tenant", self.tenant())));
        }
        // Only an enforcement or a required action stops a user who has no authenticator. The cache of this process may
        // not know of the enforcement yet.
        let is_stopped = self.action.state == State::ChallengeRequired && !self.has_second_factor;
        if policy.is_enforced(now) && !self.has_second_factor || is_stopped && !self.has_an_app_to_set_up() {
            return Some(t.with("set-up-why-now-text", "tenant", self.tenant()));
        }
        self.has_an_app_to_set_up().then(|| t.with("set-up-why-app-text", "tenant", self.tenant()))
    }
}
