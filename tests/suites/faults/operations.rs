//! Every operation of the API: how it is prepared and sent, and what a right answer is.

use std::sync::Mutex;

use countersign_tests::{
    World,
    http::{Answer, Auth},
    otp,
};
use serde_json::{Value, json};

/// Declares the operations, and the list of all of them.
macro_rules! operations {
    ($($name:ident,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operation {
            $($name,)*
        }

        impl Operation {
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

operations! {
    TrackNewUser,
    TrackKnownUser,
    TrackWithContacts,
    TrackAgain,
    Enroll,
    Confirm,
    VerifyRight,
    VerifyWrong,
    VerifyExhausted,
    Validate,
    ListOwnAuthenticators,
    GetUser,
    PatchUser,
    PostUser,
    DeleteUser,
    QueryUsers,
    Unlock,
    Reset,
    ListAuthenticators,
    EnrollVerifiedApp,
    EnrollVerifiedEmail,
    DeleteAuthenticator,
    GetAction,
    PatchAction,
    QueryActions,
    ListConfigurations,
    CreateConfiguration,
    GetConfiguration,
    PatchConfiguration,
    DeleteConfiguration,
    GetTenant,
    PatchTenant,
    GetEnforcement,
    Enforce,
    ListRequired,
    PatchRequired,
    AssignRequired,
    UnassignRequired,
    ShowPage,
    ShowEnrolmentPage,
    AnswerOnPage,
    Health,
    AskByPush,
    PollPush,
    ApprovePush,
    ApproveWithNumber,
    DenyPush,
    ReportPush,
    EnrollDevice,
    GetDevice,
    SignUpdate,
    GetWebPushKey,
    UpdateDevice,
    RemoveDevice,
    SignPending,
    PendingPush,
    ShowQrCode,
    GetTag,
    ClaimQrCode,
    PollQrCode,
    ApproveQrCode,
    BeginInApp,
    VerifyInApp,
    GetReceipt,
    MakeDefault,
    ListPoints,
    CreatePoint,
    GetPoint,
    PatchPoint,
    DeletePoint,
    GetScanner,
    EnrollScanner,
    RemoveScanner,
    GetAppKey,
    EnrollAppKey,
    RemoveAppKey,
    ListRules,
    CreateRule,
    GetRule,
    PatchRule,
    DeleteRule,
    ReplayRules,
    ListLists,
    CreateList,
    GetList,
    PatchList,
    DeleteList,
    ListKnownDevices,
    InvalidateKnownDevice,
    RememberDevice,
    TrackWithRules,
    VerifyWithRules,
    ListConfigured,
    PatchConfigured,
    GetTheme,
    PatchTheme,
    GetOverrides,
    PatchOverrides,
    GetCatalog,
    RedeemPairing,
    AskAboutPairing,
}

use Operation::*;

impl Operation {
    /// Method and path, with the names of its parameters.
    pub fn route(self) -> (&'static str, &'static str) {
        match self {
            TrackNewUser | TrackKnownUser | TrackWithContacts | TrackAgain => {
                ("POST", "/v1/users/{userId}/actions/{action}")
            }
            Enroll => ("POST", "/v1/client/user-authenticators/totp"),
            Confirm | VerifyRight | VerifyWrong | VerifyExhausted => ("POST", "/v1/client/verify/totp"),
            Validate => ("POST", "/v1/validate"),
            ListOwnAuthenticators => ("GET", "/v1/client/user-authenticators"),
            GetUser => ("GET", "/v1/users/{userId}"),
            PatchUser => ("PATCH", "/v1/users/{userId}"),
            PostUser => ("POST", "/v1/users/{userId}"),
            DeleteUser => ("DELETE", "/v1/users/{userId}"),
            QueryUsers => ("GET", "/v1/users"),
            Unlock => ("POST", "/v1/users/{userId}/unlock"),
            Reset => ("POST", "/v1/users/{userId}/reset"),
            ListAuthenticators => ("GET", "/v1/users/{userId}/authenticators"),
            EnrollVerifiedApp | EnrollVerifiedEmail => ("POST", "/v1/users/{userId}/authenticators"),
            DeleteAuthenticator => ("DELETE", "/v1/users/{userId}/authenticators/{userAuthenticatorId}"),
            GetAction => ("GET", "/v1/users/{userId}/actions/{action}/{idempotencyKey}"),
            PatchAction => ("PATCH", "/v1/users/{userId}/actions/{action}/{idempotencyKey}"),
            QueryActions => ("GET", "/v1/users/{userId}/actions"),
            ListConfigurations => ("GET", "/v1/management/action-configurations"),
            CreateConfiguration => ("POST", "/v1/management/action-configurations"),
            GetConfiguration => ("GET", "/v1/management/action-configurations/{actionCode}"),
            PatchConfiguration => ("PATCH", "/v1/management/action-configurations/{actionCode}"),
            DeleteConfiguration => ("DELETE", "/v1/management/action-configurations/{actionCode}"),
            GetTenant => ("GET", "/v1/management/tenant"),
            PatchTenant => ("PATCH", "/v1/management/tenant"),
            GetEnforcement => ("GET", "/v1/management/two-factor-enforcement"),
            Enforce => ("POST", "/v1/management/two-factor-enforcement"),
            ListRequired => ("GET", "/v1/management/required-actions"),
            PatchRequired => ("PATCH", "/v1/management/required-actions/{id}"),
            AssignRequired => ("PUT", "/v1/users/{userId}/required-actions/{id}"),
            UnassignRequired => ("DELETE", "/v1/users/{userId}/required-actions/{id}"),
            ShowPage | ShowEnrolmentPage => ("GET", "/challenge"),
            AnswerOnPage => ("POST", "/challenge"),
            Health => ("GET", "/healthz"),
            ApprovePush | ApproveWithNumber | DenyPush | ReportPush => {
                ("POST", "/v1/client/user-authenticators/push/challenge")
            }
            AskByPush => ("POST", "/v1/client/challenge/push"),
            PollPush => ("POST", "/v1/client/verify/push"),
            EnrollDevice => ("POST", "/v1/client/user-authenticators/push"),
            GetDevice => ("GET", "/v1/client/user-authenticators/push"),
            SignUpdate => ("POST", "/v1/client/user-authenticators/push/sign"),
            GetWebPushKey => ("GET", "/v1/client/user-authenticators/push/web-push-key"),
            UpdateDevice => ("PATCH", "/v1/client/user-authenticators/push"),
            RemoveDevice => ("POST", "/v1/client/user-authenticators/push/remove"),
            SignPending => ("POST", "/v1/client/user-authenticators/push/challenge/sign"),
            PendingPush => ("GET", "/v1/client/user-authenticators/push/challenge"),
            ShowQrCode => ("POST", "/v1/client/challenge/qr-code"),
            GetTag => ("GET", "/v1/client/challenge/qr-code/{challengeId}/ndef"),
            ClaimQrCode => ("POST", "/v1/client/user-authenticators/qr-code/challenge/claim"),
            PollQrCode => ("POST", "/v1/client/verify/qr-code"),
            ApproveQrCode => ("POST", "/v1/client/user-authenticators/qr-code/challenge"),
            BeginInApp => ("POST", "/v1/client/challenge"),
            VerifyInApp => ("POST", "/v1/client/verify/in-app"),
            GetReceipt => ("GET", "/v1/challenges/{challengeId}/receipt"),
            MakeDefault => ("PATCH", "/v1/users/{userId}/authenticators/{userAuthenticatorId}"),
            ListPoints => ("GET", "/v1/management/custom-data-points"),
            CreatePoint => ("POST", "/v1/management/custom-data-points"),
            GetPoint => ("GET", "/v1/management/custom-data-points/{id}"),
            PatchPoint => ("PATCH", "/v1/management/custom-data-points/{id}"),
            GetScanner => ("GET", "/v1/client/user-authenticators/qr-code"),
            EnrollScanner => ("POST", "/v1/client/user-authenticators/qr-code"),
            RemoveScanner => ("POST", "/v1/client/user-authenticators/qr-code/remove"),
            GetAppKey => ("GET", "/v1/client/user-authenticators/in-app"),
            EnrollAppKey => ("POST", "/v1/client/user-authenticators/in-app"),
            RemoveAppKey => ("POST", "/v1/client/user-authenticators/in-app/remove"),
            RedeemPairing => ("POST", "/v1/client/pairing"),
            AskAboutPairing => ("POST", "/v1/client/pairing/status"),
            DeletePoint => ("DELETE", "/v1/management/custom-data-points/{id}"),
            GetTheme | PatchTheme | GetOverrides | PatchOverrides | GetCatalog => super::look::route(self),
            of_rules => super::rules::route(of_rules),
        }
    }

    /// Whether a person reads the answer instead of a program.
    pub fn is_page(self) -> bool {
        self.route().1 == "/challenge"
    }
}

/// An operation ready to be sent, as often as one likes.
pub struct Prepared {
    pub operation: Operation,
    pub user: String,
    pub token: String,
    pub secret: String,
    pub authenticator: String,
    /// The challenge or data point that stands in the path.
    pub id: String,
    pub query: String,
    pub auth: Auth,
    pub body: Option<Value>,
    /// Of forms of a page, one for each time that it is sent.
    seals: Mutex<Vec<String>>,
}

pub fn email(user: &str) -> String {
    format!("{user}@example.com")
}

/// Makes the user, and all else that the operation needs, afresh. Moves the clock; configuration stays cached.
pub async fn prepare(world: &World, operation: Operation, user: String) -> Prepared {
    let mut ready = Prepared {
        operation,
        token: String::new(),
        secret: String::new(),
        authenticator: String::new(),
        auth: if operation.route().1.starts_with("/v1/management") { world.management() } else { world.key() },
        id: String::new(),
        query: String::new(),
        body: None,
        seals: Mutex::default(),
        user,
    };
    let user = ready.user.clone();
    match operation {
        TrackNewUser | EnrollVerifiedApp => {}
        Enroll | Confirm | ShowEnrolmentPage => ready.token = world.token(&user, "enrol").await,
        ListPoints | CreatePoint | GetPoint | PatchPoint | DeletePoint => {}
        CreateConfiguration | GetConfiguration | PatchConfiguration | DeleteConfiguration => {}
        ListRules | CreateRule | GetRule | PatchRule | DeleteRule | ReplayRules => {}
        ListLists | CreateList | GetList | PatchList | DeleteList | ListConfigured | PatchConfigured => {}
        Health | GetTenant | PatchTenant | ListConfigurations => {}
        GetEnforcement | Enforce | ListRequired => {}
        GetTheme | PatchTheme | GetOverrides | PatchOverrides | GetCatalog => {}
        PatchRequired | AssignRequired | UnassignRequired => super::required::prepare(world, &mut ready).await,
        _ => {
            ready.secret = world.ready(&user).await;
            let body = json!({ "idempotencyKey": "k", "email": email(&user) });
            ready.token = world.track(&user, "signIn", body).await.ok()["token"].as_str().unwrap().to_owned();
            let all = world.http.get(&format!("/v1/users/{user}/authenticators"), &world.key()).await.ok();
            ready.authenticator = all[0]["userAuthenticatorId"].as_str().expect("an id").to_owned();
        }
    }
    let token = Auth::Token(ready.token.clone());
    let wrong = if ready.secret.is_empty() { String::new() } else { otp::wrong(&ready.secret, world.now()) };
    if matches!(operation, Enroll | Confirm | VerifyRight | VerifyWrong | VerifyExhausted | ListOwnAuthenticators) {
        ready.auth = token;
    }
    ready.body = match operation {
        TrackNewUser | TrackKnownUser => Some(json!({ "idempotencyKey": "new" })),
        TrackWithContacts => Some(json!({ "idempotencyKey": "new", "email": format!("new.{}", email(&user)) })),
        TrackAgain => Some(json!({ "idempotencyKey": "k", "email": email(&user) })),
        Confirm => {
            ready.secret = world.enroll(&ready.token).await.ok()["secret"].as_str().unwrap().to_owned();
            Some(json!({ "verificationCode": world.code(&ready.secret, 0) }))
        }
        VerifyRight | AnswerOnPage => Some(json!({ "verificationCode": world.code(&ready.secret, 0) })),
        VerifyWrong => Some(json!({ "verificationCode": wrong })),
        VerifyExhausted => {
            for _ in 0..10 {
                world.verify(&ready.token, &wrong).await.ok();
            }
            Some(json!({ "verificationCode": world.code(&ready.secret, 0) }))
        }
        Validate => Some(json!({ "token": ready.token })),
        PatchUser | PostUser => Some(json!({ "displayName": "Ada", "email": format!("new.{}", email(&user)) })),
        EnrollVerifiedApp => {
            ready.secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".into();
            let uri = format!("otpauth://totp/a?secret={}", ready.secret);
            Some(json!({ "verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri }))
        }
        EnrollVerifiedEmail => Some(json!({ "verificationMethod": "EMAIL_OTP", "email": email(&user) })),
        PatchAction => Some(json!({ "state": "CHALLENGE_FAILED" })),
        CreateConfiguration => Some(json!({ "actionCode": user })),
        PatchConfiguration => Some(json!({ "defaultUserActionResult": "BLOCK" })),
        PatchTenant => Some(json!({ "name": format!("Name of {user}") })),
        Enforce => Some(json!({ "confirmation": "Enforce 2FA", "by": user })),
        PatchRequired => Some(json!({ "enabled": true, "default": false })),
        _ => None,
    };
    if matches!(operation, GetConfiguration | PatchConfiguration | DeleteConfiguration) {
        let body = json!({ "actionCode": user });
        world.http.post("/v1/management/action-configurations", &world.management(), body).await.ok();
    }
    super::devices::prepare(world, &mut ready).await;
    super::rules::prepare(world, &mut ready).await;
    super::look::prepare(world, &mut ready).await;
    if operation == AnswerOnPage {
        for _ in 0..4 {
            let seal = world.seal(&ready.token).await;
            ready.seals.lock().unwrap().push(seal);
        }
    }
    // A change of configuration empties the cache; what is swept here is the operation, warm.
    world.validate("warm").await;
    world.http.get("/v1/management/tenant", &world.management()).await;
    ready
}

impl Prepared {
    pub async fn send(&self, world: &World) -> Answer {
        let (method, path) = self.operation.route();
        let mut path = path
            .replace("{userId}", &self.user)
            .replace("{action}", if self.operation == TrackWithRules { "ruled" } else { "signIn" })
            .replace("{ruleId}", &self.id)
            .replace("{authenticatorId}", "AUTHENTICATOR_APP")
            .replace("{alias}", &self.user.to_lowercase())
            .replace("{deviceId}", "laptop")
            .replace("{idempotencyKey}", "k")
            .replace("{challengeId}", &self.id)
            .replace("{id}", &self.id)
            .replace("{actionCode}", &self.user)
            .replace("{userAuthenticatorId}", &self.authenticator);
        match self.operation {
            _ if !self.query.is_empty() => path += &format!("?{}", self.query),
            QueryUsers => path += &format!("?email={}", email(&self.user)),
            ShowPage | ShowEnrolmentPage => path += &format!("?token={}", self.token),
            AnswerOnPage => {
                let code = self.body.as_ref().expect("a body")["verificationCode"].as_str().expect("a code");
                let seal = self.seals.lock().unwrap().pop().expect("a seal left");
                let form = format!("token={}&seal={seal}&way=app&code={code}", self.token).into_bytes();
                let headers = [("content-type", "application/x-www-form-urlencoded")];
                return world.http.raw(method, &path, &Auth::None, &headers, form).await;
            }
            _ => {}
        }
        world.http.call(method, &path, &self.auth, self.body.clone()).await
    }

    /// Panics unless this 2xx is what the operation should say.
    pub fn check(&self, answer: &Answer, context: &str) {
        assert_eq!(answer.status, 200, "{context}: {}", answer.text());
        if self.operation.is_page() {
            let expected = match self.operation {
                ShowPage => "Confirm that it is you",
                ShowEnrolmentPage => "Set up your authenticator app",
                _ => "You are verified",
            };
            assert!(answer.text().contains(expected), "{context}: {}", answer.text());
            return;
        }
        let body = answer.json();
        let right = match self.operation {
            TrackNewUser => body["state"] == "ALLOW" && body["isEnrolled"] == false,
            TrackKnownUser | TrackWithContacts | TrackAgain => body["state"] == "CHALLENGE_REQUIRED",
            Enroll => body["secret"].is_string(),
            Confirm | VerifyRight => body["isVerified"] == true,
            VerifyWrong => body["failureReason"] == "CODE_INVALID_OR_EXPIRED",
            VerifyExhausted => body["failureReason"] == "MAX_ATTEMPTS_EXCEEDED",
            Validate => body["state"] == "CHALLENGE_REQUIRED" && body["isValid"] == false,
            ListOwnAuthenticators | ListAuthenticators => body[0]["userAuthenticatorId"] == *self.authenticator,
            GetUser => body["email"] == email(&self.user),
            PatchUser | PostUser => body["displayName"] == "Ada",
            QueryUsers => body["users"][0]["userId"] == *self.user,
            DeleteUser | Unlock | Reset | DeleteAuthenticator | DeleteConfiguration => body["success"] == true,
            EnrollVerifiedApp | EnrollVerifiedEmail => body["authenticator"]["userAuthenticatorId"].is_string(),
            GetAction => body["state"] == "CHALLENGE_REQUIRED",
            PatchAction => body["state"] == "CHALLENGE_FAILED",
            QueryActions => body.as_array().is_some_and(|all| all.len() == 2),
            ListConfigurations => body.as_array().is_some_and(|all| !all.is_empty()),
            CreateConfiguration | GetConfiguration => body["actionCode"] == *self.user,
            PatchConfiguration => body["defaultUserActionResult"] == "BLOCK",
            GetTenant => body["name"].is_string(),
            PatchTenant => body["name"] == format!("Name of {}", self.user),
            GetEnforcement => body["isOn"] == false,
            Enforce => body["isOn"] == true,
            ListRequired => body[0]["name"] == "Authenticator Application Setup",
            PatchRequired => body["enabled"] == true,
            AssignRequired => body["requiredActions"] == json!(["AUTHENTICATOR_APPLICATION_SETUP"]),
            UnassignRequired => body["requiredActions"] == json!([]),
            Health => body["status"] == "ok",
            ShowPage | ShowEnrolmentPage | AnswerOnPage => unreachable!("a page"),
            GetTheme | PatchTheme | GetOverrides | PatchOverrides | GetCatalog => super::look::is_right(&body, self),
            other => super::devices::is_right(other, &body, self) || super::rules::is_right(other, &body, self),
        };
        assert!(right, "{context}: {body}");
    }
}
