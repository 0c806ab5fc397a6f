//! Approvals on a device: by push, by QR code, and from the app itself (contract, C29-C49; security.md, T19-T24).

mod bound;
mod enrolment;
mod forged;
mod journey;
mod number;
mod openssl;
mod qr_code;
mod races;
mod seams;
mod storms;
mod strangers;
mod unjudged;

use countersign_tests::{World, device::Device};
use serde_json::Value;

/// A world in which Ada has a device that takes pushes.
async fn world_with_a_device() -> (World, Device) {
    let world = World::start().await;
    let device = world.device("ada", "push").await;
    (world, device)
}

/// The text of a field.
fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
}

/// `(isVerified, isConsumed)` as the initiator sees them.
async fn standing(world: &World, token: &str, challenge: &str) -> (bool, bool) {
    let answer = world.standing(token, challenge).await.ok();
    (answer["isVerified"].as_bool().expect("a bool"), answer["isConsumed"].as_bool().expect("a bool"))
}

const PENDING: (bool, bool) = (false, false);
const APPROVED: (bool, bool) = (true, true);
const OVER: (bool, bool) = (false, true);
