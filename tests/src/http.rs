//! Real HTTP, and what came back.

use std::net::{IpAddr, SocketAddr};

use data_encoding::BASE64;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, StatusCode, body::Bytes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// What stands in the Authorization header.
#[derive(Clone, Debug)]
pub enum Auth {
    None,
    /// An API key, as Basic with an empty password.
    Key(String),
    /// A user token.
    Token(String),
    /// The header as it is.
    Raw(String),
}

/// A client of one server, with connections that stay open.
#[derive(Clone)]
pub struct Http {
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// A status, headers, and a body that should be JSON.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|e| panic!("not JSON ({e}): {}", self.text()))
    }
    /// A header, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
    /// The body of a 200.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }
    /// Status and error code of a refusal, in the contract's body.
    #[track_caller]
    pub fn refusal(&self) -> (u16, String) {
        let body = self.json();
        let code = body["errorCode"].as_str().unwrap_or_else(|| panic!("no errorCode: {body}"));
        assert_eq!(body["error"], code, "{body}");
        assert!(body["errorDescription"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        assert_eq!(self.headers["content-type"], "application/json", "{body}");
        (self.status.as_u16(), code.to_owned())
    }
}

impl Http {
    pub fn to(address: SocketAddr) -> Self {
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        Self { base: format!("http://{address}"), client }
    }

    /// The same from another address of this machine, such as `127.0.0.7`: another source to the server.
    pub fn from(address: SocketAddr, source: IpAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_local_address(Some(source));
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { base: format!("http://{address}"), client }
    }

    /// Sends exactly this; `None` where the connection broke.
    pub async fn try_send(&self, request: Request<Full<Bytes>>) -> Option<Answer> {
        let response = self.client.request(request).await.ok()?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.ok()?.to_bytes();
        Some(Answer { status: parts.status, headers: parts.headers, bytes })
    }

    pub fn request(&self, method: &str, path: &str, auth: &Auth) -> hyper::http::request::Builder {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        match auth {
            Auth::None => request,
            Auth::Key(key) => {
                request.header("authorization", format!("Basic {}", BASE64.encode(format!("{key}:").as_bytes())))
            }
            Auth::Token(token) => request.header("authorization", format!("Bearer {token}")),
            Auth::Raw(value) => request.header("authorization", value),
        }
    }

    pub async fn call(&self, method: &str, path: &str, auth: &Auth, body: Option<Value>) -> Answer {
        let mut request = self.request(method, path, auth);
        let bytes = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        self.try_send(request.body(Full::new(bytes)).expect("a request")).await.expect("an answer")
    }

    pub async fn get(&self, path: &str, auth: &Auth) -> Answer {
        self.call("GET", path, auth, None).await
    }
    pub async fn post(&self, path: &str, auth: &Auth, body: Value) -> Answer {
        self.call("POST", path, auth, Some(body)).await
    }
    pub async fn patch(&self, path: &str, auth: &Auth, body: Value) -> Answer {
        self.call("PATCH", path, auth, Some(body)).await
    }
    pub async fn delete(&self, path: &str, auth: &Auth) -> Answer {
        self.call("DELETE", path, auth, None).await
    }

    /// Sends these bytes as the body, with these headers.
    pub async fn raw(&self, method: &str, path: &str, auth: &Auth, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = self.request(method, path, auth);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.try_send(request.body(Full::new(body.into())).expect("a request")).await.expect("an answer")
    }
}

/// An id as one path segment: every byte that is not a letter or a digit is percent-encoded.
pub fn segment(id: &str) -> String {
    id.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}
