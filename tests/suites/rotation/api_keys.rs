//! API keys roll over without a failed request, and are dead a minute after they are revoked (T33).

use countersign_core::{id::TenantId, tenant::KeyKind};
use countersign_tests::{World, http::Auth};

fn t1() -> TenantId {
    TenantId::parse("t1").expect("a tenant id")
}

const CALLS: [(KeyKind, &str); 2] =
    [(KeyKind::Secret, "/v1/users/ada"), (KeyKind::Management, "/v1/management/tenant")];

/// Statuses in both processes.
async fn statuses(worlds: [&World; 2], path: &str, key: &str) -> [u16; 2] {
    let mut statuses = [0; 2];
    for (status, world) in statuses.iter_mut().zip(worlds) {
        *status = world.http.get(path, &Auth::Key(key.into())).await.status.as_u16();
    }
    statuses
}

#[tokio::test]
async fn old_and_new_work_in_the_overlap_and_the_old_is_dead_a_minute_after_it() {
    for (kind, path) in CALLS {
        let world = World::start().await;
        let other = world.another_process().await;
        let old = match kind {
            KeyKind::Secret => world.tenant.secret_key.clone(),
            KeyKind::Management => world.tenant.management_key.clone(),
        };
        assert_eq!(statuses([&world, &other], path, &old).await, [200, 200], "{kind:?}: both caches are warm");
        let new = world.app.rotate_api_key(&t1(), kind).await.expect("a new key");
        for _ in 0..20 {
            assert_eq!(statuses([&world, &other], path, &old).await, [200, 200], "{kind:?}: the old in the overlap");
            assert_eq!(statuses([&world, &other], path, &new).await, [200, 200], "{kind:?}: the new at once");
            world.clock.advance(7);
        }
        world.app.revoke_api_keys(&t1(), kind).await.expect("a revocation");
        for _ in 0..59 {
            assert_eq!(statuses([&world, &other], path, &new).await, [200, 200], "{kind:?}: the new goes on");
            // Asking for it keeps no dead key alive.
            statuses([&world, &other], path, &old).await;
            world.clock.advance(1);
        }
        world.clock.advance(1);
        assert_eq!(statuses([&world, &other], path, &old).await, [401, 401], "{kind:?}: dead, in warm processes too");
        assert_eq!(statuses([&world, &other], path, &new).await, [200, 200]);
        let refused = world.http.get(path, &Auth::Key(old)).await.refusal();
        assert_eq!(refused, (401, "unauthorized".into()));
    }
}

#[tokio::test]
async fn of_three_keys_the_oldest_is_revoked_and_the_other_kind_is_untouched() {
    let world = World::start().await;
    let other = world.another_process().await;
    let first = world.tenant.secret_key.clone();
    let second = world.app.rotate_api_key(&t1(), KeyKind::Secret).await.expect("a key");
    let third = world.app.rotate_api_key(&t1(), KeyKind::Secret).await.expect("a key");
    world.clock.advance(60);
    for (key, status) in [(&first, 401), (&second, 200), (&third, 200)] {
        assert_eq!(statuses([&world, &other], "/v1/users/ada", key).await, [status; 2]);
    }
    let management = world.tenant.management_key.clone();
    assert_eq!(statuses([&world, &other], "/v1/management/tenant", &management).await, [200, 200]);
    assert_eq!(statuses([&world, &other], "/v1/management/tenant", &third).await, [401, 401], "a key keeps its kind");
}

/// A clock that is set back does not bring a revoked key back to life for longer than a minute.
#[tokio::test]
async fn a_revoked_key_stays_dead_when_the_clock_jumps() {
    let world = World::start().await;
    let other = world.another_process().await;
    let old = world.tenant.secret_key.clone();
    assert_eq!(statuses([&world, &other], "/v1/users/ada", &old).await, [200, 200]);
    world.app.rotate_api_key(&t1(), KeyKind::Secret).await.expect("a key");
    world.app.revoke_api_keys(&t1(), KeyKind::Secret).await.expect("a revocation");
    world.clock.advance(-90);
    assert_eq!(statuses([&world, &other], "/v1/users/ada", &old).await, [401, 401], "what is cached is not trusted");
}

/// Requests go on in both processes while both keys roll over three times.
#[tokio::test]
async fn no_request_fails_while_a_backend_follows_the_rotation() {
    let world = World::start().await;
    let other = world.another_process().await;
    let mut key = world.tenant.secret_key.clone();
    for _ in 0..3 {
        let new = world.app.rotate_api_key(&t1(), KeyKind::Secret).await.expect("a key");
        for second in 0..40 {
            // The backend takes the new key into use half way, in one process and then in the other.
            let used = [if second < 20 { &key } else { &new }, if second < 25 { &key } else { &new }];
            for (server, used) in [&world, &other].into_iter().zip(used) {
                let answer = server
                    .http
                    .post("/v1/users/ada/actions/pay", &Auth::Key(used.clone()), serde_json::json!({}))
                    .await;
                assert_eq!(answer.status, 200, "second {second}: {}", answer.text());
            }
            world.clock.advance(3);
        }
        world.app.revoke_api_keys(&t1(), KeyKind::Secret).await.expect("a revocation");
        key = new;
    }
}
