//! Pairing a phone by the link of a page: what the page, the device and a person do.

use countersign_core::id::length_prefixed;
use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};

use crate::{
    World,
    device::Device,
    http::{Answer, Auth},
    pages::field,
};

/// The link that a page shows, and the page.
#[derive(Clone, Debug)]
pub struct Link {
    /// The address of the page, with the token in it.
    pub page: String,
    pub token: String,
    pub url: String,
    pub tenant: String,
    pub id: String,
}

/// Between two texts.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split_once(end).map(|(found, _)| found)
}

impl Link {
    /// The six digits that a page shows.
    pub fn code_on(page: &str) -> Option<String> {
        between(page, "<p id=\"number\">", "<").map(|code| code.replace(' ', ""))
    }

    /// What a device signs, put together from what it knows.
    pub fn statement(&self, purpose: &str, device: &Device) -> Vec<u8> {
        let parts = ["countersign/pairing/v1", purpose, &self.tenant, &self.id, &fingerprint(device)];
        length_prefixed(&parts.map(str::as_bytes))
    }

    /// What a device sends to use it.
    pub fn body(&self, device: &Device) -> Value {
        json!({
            "pairingId": self.id, "publicKey": device.public_key, "signature": device.sign(self.statement("redeem", device)),
            "deviceName": "Ada's phone", "devicePlatform": "android", "deviceModel": "Pixel 12", "pushToken": "t",
        })
    }

    /// What it sends to ask what the page has said.
    pub fn question(&self, device: &Device) -> Value {
        let signature = device.sign(self.statement("status", device));
        json!({"pairingId": self.id, "publicKey": device.public_key, "signature": signature})
    }
}

/// SHA-256 of a device's key, hexadecimal.
pub fn fingerprint(device: &Device) -> String {
    let key = BASE64.decode(device.public_key.as_bytes()).expect("base64");
    HEXLOWER.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &key).as_ref())
}

impl World {
    /// Goes to the page that pairs a phone; its link.
    pub async fn link(&self, token: &str) -> Link {
        let sent_on = self.page("/set-up?kind=phone", token).await;
        let page = sent_on.headers.get("location").unwrap_or_else(|| panic!("no pairing: {}", sent_on.text()));
        let page = page.to_str().expect("text").to_owned();
        let shown = self.http.get(&page, &Auth::None).await.text();
        let url = between(&shown, "id=\"link\" href=\"", "\"").unwrap_or_else(|| panic!("no link: {shown}")).to_owned();
        let mut parts = url.rsplit('/');
        let (id, tenant) = (parts.next().expect("an id").to_owned(), parts.next().expect("a tenant").to_owned());
        Link { page, token: token.to_owned(), url, tenant, id }
    }

    /// The page of a link, as it is now.
    pub async fn link_page(&self, link: &Link) -> Answer {
        self.http.get(&link.page, &Auth::None).await
    }

    pub async fn redeem(&self, link: &Link, device: &Device) -> Answer {
        self.http.post("/v1/client/pairing", &self.tenant_auth(), link.body(device)).await
    }

    pub async fn ask_about(&self, link: &Link, device: &Device) -> Answer {
        self.http.post("/v1/client/pairing/status", &self.tenant_auth(), link.question(device)).await
    }

    /// Sends a form of the page of a link: `pair`, `refuse` or `paired`, with the token of that page.
    pub async fn say(&self, link: &Link, act: &str) -> Answer {
        self.say_with(&link.token, link, act).await
    }

    /// The same with a token of another page, and a seal of its own.
    pub async fn say_with(&self, token: &str, link: &Link, act: &str) -> Answer {
        let mut seal = field(&self.link_page(link).await.text(), "seal").filter(|_| token == link.token);
        for path in ["/set-up?kind=app", "/challenge", "/settings"] {
            if seal.is_none() {
                seal = field(&self.page(path, token).await.text(), "seal");
            }
        }
        let seal = seal.unwrap_or_default();
        let form = [("token", token), ("seal", &seal), ("act", act), ("pairing", &link.id)];
        self.send_form("/set-up", &form).await
    }

    /// Whether the backend sees a user with a way to confirm.
    pub async fn is_enrolled(&self, user: &str) -> bool {
        self.http.get(&format!("/v1/users/{user}"), &self.key()).await.ok()["isEnrolled"] == true
    }
}
