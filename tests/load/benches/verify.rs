//! What verifying a right code costs apart from the store: the whole of it, then its parts.

use std::hint::black_box;

use countersign_core::{
    clock::Timestamp,
    id::{ActionCode, ActionId, AuthenticatorId, IdempotencyKey, TenantId, UserId, UserUid},
    keyring::Keyring,
    method::totp::{Owner, TotpSecret, TotpWindow},
    secret::DataKey,
    token::{self, Claims, SigningKey, Subject, scope},
};
use criterion::{Criterion, criterion_group, criterion_main};
use serde::Serialize;

/// The answer of `functions/verify` to a right code.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    is_verified: bool,
    access_token: String,
}

/// A tenant's keys, a user's sealed secret and token, and the code of the moment.
struct Case {
    tenant: TenantId,
    user: UserId,
    authenticator: AuthenticatorId,
    signing_keys: Vec<SigningKey>,
    data_key: DataKey,
    sealed: Vec<u8>,
    token: String,
    code: String,
    now: Timestamp,
}

impl Case {
    async fn new() -> Self {
        let now = Timestamp::from_second(1_795_255_215).expect("a time");
        let tenant = TenantId::generate();
        let user = UserId::parse("ada@example.com").expect("a user id");
        let authenticator = AuthenticatorId::generate();
        let (keyring, _) = Keyring::generate().expect("a keyring");
        let sealed_key = keyring.new_data_key(&tenant).await.expect("a data key");
        let data_key = keyring.open_data_key(&tenant, &sealed_key).await.expect("a data key");
        let secret = TotpSecret::generate().expect("a secret");
        let owner = Owner { tenant: &tenant, user: &user, authenticator: &authenticator };
        let sealed = secret.seal(&data_key, &owner).expect("a sealed secret");
        // Of either step: both are looked at, whichever it is.
        let code = (0..1_000_000)
            .map(|number| format!("{number:06}"))
            .find(|code| secret.matching_step(code, now, TotpWindow::default()).is_some())
            .expect("a right code");
        let master = keyring.newest_master().expect("a master key");
        let bytes = keyring.token_key(&tenant, "k1", master).await.expect("a token key");
        let signing_keys = vec![SigningKey::new(&tenant, "k1", 0, bytes.as_ref())];
        let subject = Subject {
            tenant_id: tenant.clone(),
            user_id: user.clone(),
            user_uid: UserUid::generate(),
            action_code: ActionCode::parse("signIn").expect("an action code"),
            idempotency_key: IdempotencyKey::parse("6540cdb9-b032-4ed9-9d00-bfde2102378a").expect("a key"),
        };
        let claims = Claims::new(subject, ActionId::generate(), scope::READ.into(), now, 10);
        let token = token::issue(&signing_keys, &claims, now).expect("a token");
        Self { tenant, user, authenticator, signing_keys, data_key, sealed, token, code, now }
    }

    fn open_token(&self) -> Claims {
        let tenant = token::claimed_tenant(&self.token).expect("a tenant");
        token::open(&self.signing_keys, &tenant, &self.token, self.now).expect("claims")
    }
    fn open_secret(&self) -> TotpSecret {
        let owner = Owner { tenant: &self.tenant, user: &self.user, authenticator: &self.authenticator };
        TotpSecret::open(&self.data_key, &owner, &self.sealed).unwrap_or_else(|error| panic!("{error}"))
    }
    fn check(&self, secret: &TotpSecret) {
        assert!(secret.matching_step(&self.code, self.now, TotpWindow::default()).is_some());
    }
    fn issue(&self, claims: &Claims) -> String {
        let claims = Claims::new(claims.other.clone(), claims.jti.clone(), scope::ALL.into(), self.now, 10);
        token::issue(&self.signing_keys, &claims, self.now).expect("a token")
    }
}

fn serialise(access_token: String) -> Vec<u8> {
    serde_json::to_vec(&Answer { is_verified: true, access_token }).expect("JSON")
}

fn verify(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let case = runtime.block_on(Case::new());
    let (claims, secret) = (case.open_token(), case.open_secret());
    let token = case.issue(&claims);
    let mut group = criterion.benchmark_group("verify");
    group.bench_function("whole", |b| {
        b.iter(|| {
            let claims = case.open_token();
            case.check(&case.open_secret());
            serialise(case.issue(&claims))
        });
    });
    group.bench_function("open the token", |b| b.iter(|| case.open_token()));
    group.bench_function("open the secret", |b| b.iter(|| case.open_secret()));
    group.bench_function("check the code", |b| b.iter(|| case.check(black_box(&secret))));
    group.bench_function("issue the token", |b| b.iter(|| case.issue(black_box(&claims))));
    group.bench_function("serialise the answer", |b| b.iter(|| serialise(black_box(token.clone()))));
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
