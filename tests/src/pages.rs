//! The hosted pages, as a browser without JavaScript sees them.

use countersign_core::form;

use crate::{
    World,
    http::{Answer, Auth, segment},
};

/// The value of a hidden field of the first form of a page.
pub fn field(page: &str, name: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\""))?;
    rest.split('"').next().map(str::to_owned)
}

/// Whether a form has verified its user: the page says so, or leads on to what follows a recovery code.
pub fn is_verified(answer: &Answer) -> bool {
    let leads_on = answer.header("location").is_some_and(|to| to.contains("after=recovery"));
    leads_on || answer.text().contains("You are verified")
}

impl World {
    pub async fn page(&self, path: &str, token: &str) -> Answer {
        let glue = if path.contains('?') { '&' } else { '?' };
        self.http.get(&format!("{path}{glue}token={token}"), &Auth::None).await
    }

    /// A seal for one form of this token's action. A page whose guesses are spent has no form; then one that was loaded
    /// before is sent.
    pub async fn seal(&self, token: &str) -> String {
        let page = self.page("/challenge", token).await.text();
        match field(&page, "seal") {
            Some(seal) => seal,
            None if page.contains("id=\"locked\"") => {
                let caller = self.app.open_token(token).await.expect("a token");
                form::seal(&self.app, &caller).await.expect("a seal")
            }
            None => panic!("a form: {page}"),
        }
    }

    /// Sends a form as it is.
    pub async fn send_form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encoded: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", segment(value))).collect();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.http.raw("POST", path, &Auth::None, &headers, encoded.join("&").into_bytes()).await
    }

    /// Sends a form of the challenge page, with a seal of its own.
    pub async fn answer_page(&self, token: &str, way: &str, typed: &str) -> Answer {
        let seal = self.seal(token).await;
        let name = if way == "recovery" { "recovery" } else { "code" };
        self.send_form("/challenge", &[("token", token), ("seal", &seal), ("way", way), (name, typed)]).await
    }
}
