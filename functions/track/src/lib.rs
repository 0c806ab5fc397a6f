//! Track: a backend says what a user is about to do, and learns whether to let it (contract, S10).

mod answer;
mod kind;
mod leads;

use std::{borrow::Cow, sync::Arc};

use axum::{Json, extract::State};
use countersign_core::{
    action::{self, Action},
    admission::{Case, Judgement, Reading},
    app::{App, TenantContext},
    clock::{Timestamp, iso},
    error::Error,
    http::{Body, Path, Reply, TrackCaller},
    id::{ActionCode, DeviceName, IdempotencyKey, UserId, digest},
    method::Method,
    metrics::{Counter, count},
    policy::Policy,
    rule::{ModelType, Named, Outcome, facts::Given, understood},
    store::{ProfileChange, Tracked},
    token::{SigningKey, Subject, scope},
    user::{MAX_CONTACT, Profile, RequiredAction, User, is_contact},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use kind::Kind;

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(track))
}

/// What a backend may tell of an action; every field optional.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
struct TrackRequest {
    /// Your name for this occurrence. The same name is the same action. It is made where absent.
    idempotency_key: Option<String>,
    /// Where the hosted page returns to, with `token` added to the query: an http or https URL on the
    /// tenant's list (`redirectUrls`).
    redirect_url: Option<String>,
    redirect_to_settings: Option<bool>,
    /// The address of the client: an IPv4 or IPv6 address, bare or with its port (`203.0.113.7:443`, `[2001:db8::1]:443`).
    ip_address: Option<String>,
    user_agent: Option<String>,
    device_id: Option<String>,
    /// Space-separated: `read:authenticators`, `add:authenticators`, `update:authenticators`, `remove:authenticators`.
    scope: Option<String>,
    email: Option<String>,
    phone_number: Option<String>,
    username: Option<String>,
    /// Data points of the tenant's own, each of the type that was declared.
    custom: Option<Map<String, Value>>,
    challenge_id: Option<String>,
    locale: Option<String>,
    /// The host of the hosted page: the tenant's own (`customDomain` of its settings), where it is named at all.
    custom_domain: Option<String>,
}

/// What a backend learns (contract, S10).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TrackResponse {
    state: action::State,
    idempotency_key: String,
    /// The hosted page for this action.
    url: String,
    /// The token for the client API, for your own screens.
    token: String,
    is_enrolled: bool,
    enrolled_verification_methods: Vec<Method>,
    allowed_verification_methods: Vec<Method>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_verification_method: Option<Method>,
    /// What the user has still to finish; each sign-in leads to it. Ours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    required_actions: Vec<RequiredAction>,
    /// When two factors will be asked of this user, who has set up nothing yet. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    enforcement: Option<Reminder>,
    /// The active rules that matched, by priority; absent where the action has no rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<Vec<Named>>,
    /// The rule that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    priority_rule_id: Option<String>,
}

/// Two factors will be asked of everybody.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Reminder {
    /// ISO 8601, UTC.
    starts_at: String,
}

/// Track an action of a user. The user and the action code are made on first sight.
#[utoipa::path(post, path = "/v1/users/{userId}/actions/{action}", tag = "Server API", operation_id = "track",
    params(("userId" = String, Path), ("action" = String, Path)), request_body = TrackRequest,
    responses((status = 200, body = TrackResponse)), security(("secretKey" = [])))]
async fn track(
    State(app): State<App>,
    TrackCaller { tenant, failure }: TrackCaller,
    Path((user_id, code)): Path<(UserId, ActionCode)>,
    Body(request): Body<TrackRequest>,
) -> Reply<TrackResponse> {
    let now = app.now();
    let mut asked = CheckedTrack::new(&request, &tenant)?;
    // Before anything is written: without its keys a server changes nothing.
    app.signing_keys(&tenant).await?;
    let tenant = match (&request.redirect_url, &failure) {
        (Some(url), None) => leads::learned(&app, tenant, url).await?,
        _ => tenant,
    };
    asked.redirect_url = leads::checked(&request, &tenant)?;
    let (tenant, config) = match failure {
        None => {
            let configured = kind::configured(&app, tenant.clone(), &code, now).await?;
            if !Arc::ptr_eq(&configured.tenant, &tenant) {
                asked = CheckedTrack::new(&request, &configured.tenant)?;
                asked.redirect_url = leads::checked(&request, &configured.tenant)?;
            }
            (configured.tenant, Ok(configured.config))
        }
        Some(failure) => (tenant, Err(failure)),
    };
    let kind = match config {
        Ok(config) => Kind { config, policy: Cow::Borrowed(tenant.policy()), failure: None },
        Err(failure) => Kind::by_copy(&app, &tenant, &code, failure).await?,
    };
    let keys = app.signing_keys(&tenant).await?;
    // Each turn that finds its reading stale means that another write succeeded, so there are few.
    for _ in 0..20 {
        if let Some((user, action)) = attempt(&app, &tenant, &user_id, &kind, &asked, now).await? {
            return respond(&app, &kind, &user, action, Issue { tenant: &tenant, keys, scope: asked.scope, now })
                .map(Json);
        }
    }
    Err(Error::unavailable("the user kept changing"))
}

/// A request that has been checked.
struct CheckedTrack {
    key: IdempotencyKey,
    scope: String,
    contacts: [Option<String>; 3],
    /// Checked last, because a local tenant's list may take it in.
    redirect_url: Option<String>,
    /// What the action is about. The same key with another subject is refused: an answer to a payment of 10 must
    /// not let one of 10,000 pass (security.md, T10).
    fingerprint: String,
    input: Value,
}

impl CheckedTrack {
    fn new(request: &TrackRequest, tenant: &TenantContext) -> Result<Self, Error> {
        if request.challenge_id.is_some() {
            return Err(Error::InvalidToken("The challengeId is unknown or has expired.".into()));
        }
        leads::check_host(request, tenant)?;
        let contacts = [&request.email, &request.phone_number, &request.username];
        let others = [&request.ip_address, &request.user_agent, &request.device_id, &request.locale];
        if contacts.into_iter().flatten().any(|text| !is_contact(text.trim())) {
            return Err(Error::Invalid(format!(
                "email, phoneNumber and username have at most {MAX_CONTACT} bytes and no control characters."
            )));
        }
        request.device_id.as_deref().map(DeviceName::parse).transpose()?;
        if others.into_iter().flatten().any(|text| text.len() > 1024) {
            return Err(Error::invalid("ipAddress, userAgent, deviceId and locale have at most 1024 bytes."));
        }
        let address = request.ip_address.as_deref().map(understood::sent_address).transpose()?;
        understood::check_custom(tenant.points(), request.custom.as_ref(), ModelType::Action)?;
        let contacts = contacts.map(|text| text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned));
        let scope = scope::parse(request.scope.as_deref())?;
        let custom = serde_json::to_string(&request.custom).map_err(Error::internal)?;
        Ok(Self {
            key: match &request.idempotency_key {
                Some(key) => IdempotencyKey::parse(key.as_str())?,
                None => IdempotencyKey::generate(),
            },
            fingerprint: digest(&[custom.as_bytes(), scope.as_bytes()]),
            redirect_url: None,
            input: json!({
                "custom": request.custom, "ipAddress": address, "userAgent": request.user_agent,
                "deviceId": request.device_id, "locale": request.locale,
                "redirectToSettings": request.redirect_to_settings,
            }),
            scope,
            contacts,
        })
    }

    /// The profile with the contacts of this request, where they change anything.
    fn changed(&self, known: &Profile) -> Option<Profile> {
        let [email, phone_number, username] = self.contacts.clone();
        let mut changed = known.clone();
        for (new, old) in
            [(email, &mut changed.email), (phone_number, &mut changed.phone_number), (username, &mut changed.username)]
        {
            *old = new.or(old.take());
        }
        changed.email_verified &= changed.email == known.email;
        changed.phone_number_verified &= changed.phone_number == known.phone_number;
        (changed != *known).then_some(changed)
    }

    /// What the backend said that rules may ask about.
    fn given(&self) -> Given<'_> {
        Given::of_input(&self.input)
    }

    fn has_contacts(&self) -> bool {
        self.contacts.iter().any(Option::is_some)
    }
}

/// Reads the user, decides, and writes the action; `None` where what was read had changed by then.
async fn attempt(
    app: &App,
    tenant: &TenantContext,
    user_id: &UserId,
    kind: &Kind<'_>,
    asked: &CheckedTrack,
    now: Timestamp,
) -> Result<Option<(User, Action)>, Error> {
    let store = app.store().tenant(tenant.id());
    let Kind { config, policy, failure } = kind;
    let given = asked.given();
    let has_rules = tenant.rules(&config.action_code).is_some();
    let Reading { user: known, profile, seen } =
        Reading::of(store, user_id, has_rules, asked.has_contacts(), given.device().as_ref()).await?;
    let is_new = known.is_none();
    let user = known.unwrap_or_else(|| tenant.new_user(user_id.clone(), now));
    let before = profile.as_ref().map(|stored| stored.profile.clone()).unwrap_or_default();
    let changed = asked.changed(&before);
    let as_told = changed.as_ref().unwrap_or(&before);
    let case = Case { tenant, config, given, user: &user, profile: as_told, is_tracked: true, now };
    let mut judged = Judgement::of(app, case, seen);
    if failure.is_some() {
        judged.by_failure_mode(config.default_user_action_result);
    }
    let action = Action {
        id: judged.id.clone(),
        user_uid: user.uid.clone(),
        code: config.action_code.clone(),
        key: asked.key.clone(),
        state: policy.initial_state(judged.outcome, &user, now),
        outcome: judged.outcome,
        created_at: now,
        state_changed_at: now,
        expires_at: expiry(tenant, now),
        fingerprint: asked.fingerprint.clone(),
        allowed_methods: std::mem::take(&mut judged.methods),
        redirect_url: asked.redirect_url.clone(),
        was_enrolled: user.is_enrolled(),
        enrolled: None,
        verification: None,
        failure: *failure,
        input: asked.input.to_string(),
        rules: judged.rules.take(),
    };
    let profile = changed.as_ref().map(|new| ProfileChange { old: profile.as_ref(), new });
    let noted = judged.noted(&action);
    match store.track(&user, is_new, &action, profile, noted.as_ref()).await? {
        Tracked::Created => Ok(Some((user, action))),
        Tracked::Stale => Ok(None),
        Tracked::Existing(existing) if existing.fingerprint != asked.fingerprint => Err(Error::Conflict(format!(
            "This idempotency key was used for the action {} with other custom data or another scope. Use a new key.",
            config.action_code
        ))),
        Tracked::Existing(existing) => reopen(app, tenant, policy, user, *existing, now).await,
    }
}

/// An action that is tracked again: the same answer. Where it is still open, it stays so for as long as the
/// new token lives.
async fn reopen(
    app: &App,
    tenant: &TenantContext,
    policy: &Policy,
    user: User,
    mut action: Action,
    now: Timestamp,
) -> Result<Option<(User, Action)>, Error> {
    let until = expiry(tenant, now);
    let store = app.store().tenant(tenant.id());
    let key = store.action_key(&user.id, &action.code, &action.key);
    if action.state == action::State::Allow && is_stopped(policy, &user, action.outcome, now) {
        // It was allowed before a second factor was asked for. Using its idempotency key again gets nobody around that.
        match store.set_state(&user, &key, action::State::ChallengeRequired, now).await {
            Ok(stopped) => action = stopped,
            Err(Error::NotFound(_) | Error::Conflict(_)) => return Ok(None),
            Err(other) => return Err(other),
        }
    }
    if !action.state.is_terminal() && action.expires_at < until {
        action.expires_at = until;
        if !store.extend(&key, &action, action.expires_at).await? {
            return Ok(None);
        }
    }
    Ok(Some((user, action)))
}

/// Whether the user would not be let through if the action were tracked for the first time.
fn is_stopped(policy: &Policy, user: &User, outcome: Outcome, now: Timestamp) -> bool {
    !policy.has_second_factor(user, now) && policy.initial_state(outcome, user, now) == action::State::ChallengeRequired
}

fn expiry(tenant: &TenantContext, now: Timestamp) -> Timestamp {
    let seconds = i64::from(tenant.settings().token_duration_in_minutes) * 60;
    Timestamp::from_second(now.as_second() + seconds).unwrap_or(now)
}

/// How the token of an action is issued.
struct Issue<'a> {
    tenant: &'a TenantContext,
    keys: &'a [SigningKey],
    scope: String,
    now: Timestamp,
}

fn respond(
    app: &App,
    Kind { config, policy, .. }: &Kind<'_>,
    user: &User,
    action: Action,
    Issue { tenant, keys, scope, now }: Issue<'_>,
) -> Result<TrackResponse, Error> {
    let subject = Subject {
        tenant_id: tenant.id().clone(),
        user_id: user.id.clone(),
        user_uid: user.uid.clone(),
        action_code: action.code.clone(),
        idempotency_key: action.key.clone(),
    };
    count(match action.outcome {
        Outcome::Review => Counter::ActionsInReview,
        Outcome::Block => Counter::ActionsBlocked,
        _ if action.state == action::State::Allow => Counter::ActionsAllowed,
        _ => Counter::ActionsChallenged,
    });
    tracing::info!(event = "action_tracked", tenant = %tenant.id(), user = %user.uid, action = %action.id, state = action.state.as_str());
    // A token of a success ends with that success, also where track is asked for another one.
    let verified = action.verification.as_ref().map(|verification| verification.at);
    let since = verified.filter(|_| action.state == action::State::ChallengeSucceeded).unwrap_or(now);
    let token = tenant.issue_token(keys, subject, action.id.clone(), scope, since)?;
    Ok(TrackResponse {
        state: action.state,
        idempotency_key: action.key.to_string(),
        url: format!("{}/challenge?token={token}", tenant.settings().pages_at(app.public_url())),
        token,
        is_enrolled: user.is_enrolled(),
        enrolled_verification_methods: Method::all_on_run_time_api(&user.enrolled_methods()),
        allowed_verification_methods: Method::all_on_run_time_api(&action.allowed_methods),
        required_actions: policy.asked_of(user),
        enforcement: policy
            .starts_at(now)
            .filter(|_| !user.can_answer())
            .map(|start| Reminder { starts_at: iso(start) }),
        default_verification_method: answer::default_method(&action, config, user).map(Method::on_run_time_api),
        rule_ids: answer::rule_ids(&action),
        priority_rule_id: action.rules.as_ref().and_then(|rules| rules.decided_by.clone()).map(String::from),
        rules: action.rules.map(|rules| rules.matched),
    })
}
