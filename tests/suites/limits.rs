//! The guess budget and the single use of a code (T03 to T08, T31; I1, I3).

mod budget;
mod clock;
mod gone;
mod places;
mod replay;
mod spaces;
mod typed;

use crate::support::table;

use std::{future::Future, sync::Arc};

use countersign_tests::{
    World,
    http::{Auth, Http},
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// What a verification said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Right,
    Wrong,
    Exhausted,
}

fn said(answer: &Value) -> Said {
    match (answer["isVerified"].as_bool(), answer["failureReason"].as_str()) {
        (Some(true), None) => Said::Right,
        (Some(false), Some("CODE_INVALID_OR_EXPIRED")) => Said::Wrong,
        (Some(false), Some("MAX_ATTEMPTS_EXCEEDED")) => Said::Exhausted,
        _ => panic!("no verdict: {answer}"),
    }
}

async fn guess(http: &Http, token: &str, code: &str) -> Said {
    let body = json!({ "verificationCode": code });
    said(&http.post("/v1/client/verify/totp", &Auth::Token(token.into()), body).await.ok())
}

/// Runs all of them as tasks of their own, many at a time; their results in order.
async fn at_once<T, F>(tasks: impl IntoIterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(256));
    let running: Vec<_> = tasks
        .into_iter()
        .map(|task| {
            let places = places.clone();
            tokio::spawn(async move {
                let _place = places.acquire_owned().await.expect("open");
                task.await
            })
        })
        .collect();
    let mut results = Vec::with_capacity(running.len());
    for task in running {
        results.push(task.await.expect("no panic"));
    }
    results
}

/// Tokens of as many new actions of a user.
async fn tokens(world: &World, user: &str, count: usize) -> Vec<String> {
    let path = format!("/v1/users/{user}/actions/signIn");
    at_once((0..count).map(|_| {
        let (http, key, path) = (world.http.clone(), world.key(), path.clone());
        async move { http.post(&path, &key, json!({})).await.ok()["token"].as_str().expect("a token").to_owned() }
    }))
    .await
}

/// Each token with its code, all at the same time, over all the processes in turn.
async fn guesses(processes: &[&World], each: impl IntoIterator<Item = (String, String)>) -> Vec<Said> {
    let https: Vec<Http> = processes.iter().map(|world| world.http.clone()).collect();
    let tasks = each.into_iter().enumerate().map(|(index, (token, code))| {
        let http = https[index % https.len()].clone();
        async move { guess(&http, &token, &code).await }
    });
    at_once(tasks).await
}

fn count(all: &[Said], wanted: Said) -> usize {
    all.iter().filter(|said| **said == wanted).count()
}

/// The user's actions that have succeeded, the one in which it enrolled aside.
async fn succeeded(world: &World, user: &str) -> usize {
    let path = format!("/v1/users/{user}/actions?state=CHALLENGE_SUCCEEDED&codes=signIn");
    world.http.get(&path, &world.key()).await.ok().as_array().expect("a list").len()
}
