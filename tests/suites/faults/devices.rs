//! The operations of devices, and of those who ask them.

use countersign_tests::{World, device::Device, http::Auth};
use serde_json::{Value, json};

use super::operations::{
    Operation::{self, *},
    Prepared,
};

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
}

/// Makes what such an operation needs: a device, a challenge, or a data point.
pub async fn prepare(world: &World, ready: &mut Prepared) {
    match ready.operation {
        CreatePoint => {
            let point = json!({"name": ready.user, "dataType": "text", "modelType": "user"});
            ready.body = Some(point);
        }
        GetPoint | PatchPoint | DeletePoint => {
            let point = json!({"name": ready.user, "dataType": "text", "modelType": "user"});
            let path = "/v1/management/custom-data-points";
            ready.id = text(&world.http.post(path, &world.management(), point).await.ok(), "id");
            ready.body = (ready.operation == PatchPoint).then(|| json!({"description": "What it is"}));
        }
        AskByPush | PollPush | ApprovePush | ApproveWithNumber | DenyPush | ReportPush | GetReceipt => {
            push(world, ready).await;
        }
        GetDevice | SignUpdate | UpdateDevice | RemoveDevice | SignPending | PendingPush | MakeDefault => {
            manage(world, ready).await;
        }
        GetWebPushKey => {
            world.push_to_browsers(&[]).await;
            ready.auth = world.tenant_auth();
        }
        GetScanner | RemoveScanner => keep(world, ready, "qr-code").await,
        GetAppKey | RemoveAppKey => keep(world, ready, "in-app").await,
        EnrollDevice | EnrollScanner | EnrollAppKey => {
            let body = json!({"scope": "add:authenticators"});
            ready.auth = Auth::Token(text(&world.track(&ready.user, "pair", body).await.ok(), "token"));
            let key = Device::new("push").public_key;
            ready.body =
                Some(json!({"publicKey": key, "deviceName": "Phone", "devicePlatform": "ios", "pushToken": "t"}));
        }
        ShowQrCode | GetTag | ClaimQrCode | PollQrCode | ApproveQrCode => scan(world, ready).await,
        BeginInApp | VerifyInApp => in_app(world, ready).await,
        RedeemPairing | AskAboutPairing => pair(world, ready).await,
        _ => {}
    }
}

async fn push(world: &World, ready: &mut Prepared) {
    let device = world.device_with(&ready.user, "push", json!({"pushToken": "t"})).await;
    ready.auth = Auth::Token(ready.token.clone());
    if ready.operation == AskByPush {
        ready.body = Some(json!({"action": "signIn"}));
        return;
    }
    let asked = world.push(&ready.token, json!({"numberMatching": ready.operation == ApproveWithNumber})).await.ok();
    ready.id = text(&asked, "challengeId");
    match ready.operation {
        PollPush => ready.body = Some(json!({"challengeId": ready.id})),
        GetReceipt => {
            world.approve(&device, &ready.id).await.ok();
            ready.auth = world.key();
        }
        answered => {
            let mut body = device.answer(&ready.id, matches!(answered, ApprovePush | ApproveWithNumber));
            body["verificationCode"] = asked["verificationCode"].clone();
            body["report"] = (answered == ReportPush).into();
            (ready.auth, ready.body) = (world.tenant_auth(), Some(body));
        }
    }
}

async fn manage(world: &World, ready: &mut Prepared) {
    let device = world.device_with(&ready.user, "push", json!({"pushToken": "t"})).await;
    if ready.operation == MakeDefault {
        (ready.authenticator, ready.body) = (device.id, Some(json!({"isDefault": true})));
        return;
    }
    ready.auth = world.tenant_auth();
    ready.query = device.query();
    match ready.operation {
        UpdateDevice => {
            let path = format!("/v1/client/user-authenticators/push/sign?{}", device.query());
            let signing = world.http.post(&path, &ready.auth, json!({})).await.ok();
            ready.body = Some(json!({"challengeId": signing["challengeId"], "publicKey": device.public_key,
                "pushToken": "new", "signature": device.sign(text(&signing, "message"))}));
        }
        RemoveDevice => {
            let window = format!("{}.0", world.now() / 600);
            ready.body = Some(json!({"publicKey": device.public_key, "signature": device.sign(window)}));
        }
        PendingPush => {
            world.push(&ready.token, json!({})).await.ok();
        }
        SignUpdate | SignPending => ready.body = Some(json!({})),
        _ => {}
    }
}

/// A device of another kind, to be looked at or removed.
async fn keep(world: &World, ready: &mut Prepared, kind: &'static str) {
    let device = world.device(&ready.user, kind).await;
    ready.auth = world.tenant_auth();
    if matches!(ready.operation, GetScanner | GetAppKey) {
        ready.query = device.query();
        return;
    }
    let window = format!("{}.0", world.now() / 600);
    ready.body = Some(json!({"publicKey": device.public_key, "signature": device.sign(window)}));
}

async fn scan(world: &World, ready: &mut Prepared) {
    ready.auth = world.tenant_auth();
    if ready.operation == ShowQrCode {
        ready.body = Some(json!({"action": "signIn"}));
        return;
    }
    let device = world.device(&ready.user, "qr-code").await;
    let body = json!({"action": "signIn"});
    let shown = world.http.post("/v1/client/challenge/qr-code", &ready.auth, body).await.ok();
    ready.id = text(&shown, "challengeId");
    let claim = json!({"challengeId": ready.id, "publicKey": device.public_key, "signature": device.sign(&ready.id)});
    ready.body = match ready.operation {
        ClaimQrCode => Some(claim),
        PollQrCode => Some(json!({"challengeId": ready.id, "deviceCode": shown["deviceCode"]})),
        ApproveQrCode => {
            let path = "/v1/client/user-authenticators/qr-code/challenge/claim";
            world.http.post(path, &ready.auth, claim).await.ok();
            Some(device.answer(&ready.id, true))
        }
        _ => None,
    };
}

async fn in_app(world: &World, ready: &mut Prepared) {
    ready.auth = world.tenant_auth();
    ready.body = Some(json!({"action": "signIn"}));
    if ready.operation == VerifyInApp {
        let device = world.device(&ready.user, "in-app").await;
        let begun = world.http.post("/v1/client/challenge", &ready.auth, json!({"action": "signIn"})).await.ok();
        let id = text(&begun, "challengeId");
        ready.body = Some(json!({"challengeId": id, "publicKey": device.public_key, "signature": device.sign(&id)}));
    }
}

async fn pair(world: &World, ready: &mut Prepared) {
    let body = json!({"scope": "add:authenticators"});
    let token = text(&world.track(&ready.user, "pair", body).await.ok(), "token");
    let (link, device) = (world.link(&token).await, Device::new("push"));
    ready.auth = world.tenant_auth();
    ready.body = Some(match ready.operation {
        RedeemPairing => link.body(&device),
        _ => {
            world.redeem(&link, &device).await.ok();
            link.question(&device)
        }
    });
}

/// Whether this is what the operation should say.
pub fn is_right(operation: Operation, body: &Value, ready: &Prepared) -> bool {
    match operation {
        AskByPush | ShowQrCode | BeginInApp | SignUpdate => body["challengeId"].is_string(),
        PollPush => body["isVerified"] == false && body["isConsumed"] == false,
        PollQrCode => body["isClaimed"] == false,
        ApprovePush | ApproveWithNumber | ApproveQrCode => body["isVerified"] == true,
        DenyPush | ReportPush => body["isVerified"] == false && body.get("failureReason").is_none(),
        EnrollDevice | EnrollScanner | EnrollAppKey | GetDevice | GetScanner | GetAppKey => {
            body["verifiedAt"].is_string()
        }
        UpdateDevice => body["pushToken"] == "new",
        RedeemPairing | AskAboutPairing => body["state"] == "WAITING",
        RemoveDevice | RemoveScanner | RemoveAppKey => body.is_object(),
        GetWebPushKey => body["applicationServerKey"].is_string(),
        SignPending => body["message"].is_string(),
        PendingPush => body["challengeId"].is_string(),
        GetTag => body["ndef"].is_string(),
        ClaimQrCode => body["success"] == true,
        VerifyInApp => body["token"].is_string(),
        GetReceipt => body["state"] == "VERIFIED",
        MakeDefault => body["isDefault"] == true,
        ListPoints => body.is_array(),
        CreatePoint | GetPoint | PatchPoint => body["name"] == *ready.user,
        DeletePoint => body["success"] == true,
        _ => false,
    }
}
