//! Where `Semantics::Strict` repairs NGINX: every row runs in both modes.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tower_upstream::Semantics;

use super::run;
use super::world::World;

/// Runs the same steps twice; `=>` before a step keeps it for NGINX, `!` for Strict.
async fn both(servers: &str, proxy: &str, steps: &[&str]) {
    for (semantics, skip) in [(Semantics::Nginx, "strict:"), (Semantics::Strict, "nginx:")] {
        let world = World::new(servers, proxy, semantics, 300);
        let steps: Vec<&str> = steps
            .iter()
            .filter(|step| !step.starts_with(skip))
            .map(|step| {
                step.trim_start_matches("strict:")
                    .trim_start_matches("nginx:")
                    .trim()
            })
            .collect();
        run(&world, &steps).await;
        assert_eq!(world.in_flight(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn w8_an_abandoned_probe_revives_a_peer_only_in_nginx() {
    for (semantics, expected) in [
        (Semantics::Nginx, ["B", "A", "B", "A"]),
        (Semantics::Strict, ["B", "B", "B", "B"]),
    ] {
        let servers = "A max_fails=1 fail_timeout=2; B";
        let world = Arc::new(World::new(servers, "read=10000", semantics, 300));
        world.script("A=close,hang,ok");
        assert_eq!(world.request("GET").await, "200 [A, B] (502, 200)");
        world.at("3.0").await;
        assert_eq!(world.request("GET").await, "200 [B] (200)");
        assert_eq!(world.request("GET").await, "200 [B] (200)");
        let probe = tokio::spawn({
            let world = Arc::clone(&world);
            async move { world.request("GET").await }
        });
        sleep(Duration::from_millis(50)).await;
        assert_eq!(world.request("GET").await, "200 [B] (200)");
        assert_eq!(world.request("GET").await, "200 [B] (200)");
        probe.abort();
        assert!(probe.await.unwrap_err().is_cancelled());
        assert_eq!(
            world.in_flight(),
            0,
            "an abandoned attempt gives its slot back"
        );
        for letter in expected {
            let seen = world.request("GET").await;
            assert_eq!(seen, format!("200 [{letter}] (200)"), "{semantics:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stale_connections_are_no_failure_of_their_peer_in_strict() {
    both(
        "A; B",
        "",
        &[
            "A=stale,ok B=stale,ok",
            "nginx: -> 502 [A, B, u] (502, 502, 502)",
            "strict: -> 200 [A, A] (502, 200)",
            "nginx: -> 502 [u] (502)",
            "strict: -> 200 [B, B] (502, 200)",
        ],
    )
    .await;
    // What cannot be repeated is not repeated in either.
    both("A; B", "", &["A=stale,ok", "POST -> 502 [A] (502)"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_broken_connection_is_a_failure_in_strict_too() {
    both(
        "A; B",
        "",
        &[
            "A=stale,close,ok",
            "nginx: -> 200 [A, B] (502, 200)",
            "strict: -> 200 [A, A, B] (502, 502, 200)",
            "-> [B]",
            "-> [B]",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn nobody_left_is_a_bare_502_only_in_nginx() {
    both(
        "A; B",
        "error timeout http_500 read=1000",
        &[
            "A=500 B=500",
            "-> 500 [A, B] (500, 500)",
            "nginx: -> 502 [B, u] (500, 502)",
            "strict: -> 500 [B] (500)",
        ],
    )
    .await;
    both(
        "A; B",
        "error timeout http_500 read=1000",
        &[
            "B=refuse",
            "-> [A]",
            "-> [B, A]",
            "A=500",
            "nginx: -> 502 [A, u] (500, 502)",
            "strict: -> 500 [A] (500)",
        ],
    )
    .await;
    both(
        "A; B",
        "read=1000",
        &[
            "B=refuse",
            "-> [A]",
            "-> [B, A]",
            "A=hang",
            "nginx: -> 502 [A, u] (504, 502)",
            "strict: -> 504 [A] (504)",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_listed_status_that_could_not_move_on_counts_in_strict() {
    both(
        "A; B",
        "http_500 tries=1",
        &[
            "A=500",
            "-> [A]",
            "-> [B]",
            "nginx: -> [A]",
            "strict: -> [B]",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_success_from_before_a_failure_lifts_a_ban_only_in_nginx() {
    for (semantics, expected) in [(Semantics::Nginx, "A"), (Semantics::Strict, "B")] {
        // A slow request begins; another fails and bans A; then A is probed, hangs, and the slow
        // one succeeds.
        let servers = "A max_fails=1 fail_timeout=1; B backup";
        let world = Arc::new(World::new(servers, "read=20000", semantics, 300));
        world.script("A=slow4000,close,hang,ok");
        let start = |world: &Arc<World>| {
            let world = Arc::clone(world);
            tokio::spawn(async move { world.request("GET").await })
        };
        let slow = start(&world);
        sleep(Duration::from_millis(10)).await;
        assert_eq!(world.request("GET").await, "200 [A, B] (502, 200)");
        world.at("3.0").await;
        let probe = start(&world);
        assert_eq!(slow.await.unwrap(), "200 [A] (200)");
        assert_eq!(
            world.request("GET").await,
            format!("200 [{expected}] (200)"),
            "{semantics:?}"
        );
        probe.abort();
        assert!(probe.await.unwrap_err().is_cancelled());
    }
}

/// Under Strict a group is never without any peer that may be asked, for the failure rule's sake.
#[tokio::test(start_paused = true)]
async fn the_last_peer_is_never_taken_out_in_strict() {
    both(
        "A; B; C; D",
        "",
        &[
            "A=close B=close C=close D=close",
            "-> 502 [A, B, C, D] (502, 502, 502, 502)",
            "nginx: -> 502 [u] (502)",
            "strict: -> 502 [D, C] (502, 502)",
            "C=ok D=ok",
            "nginx: -> 502 [u] (502)",
            "strict: -> 200 [D] (200)",
        ],
    )
    .await;
    // While a backup is left the primaries may all go.
    both(
        "A; B; C backup",
        "",
        &[
            "A=refuse B=refuse",
            "-> 200 [A, B, C] (502, 502, 200)",
            "-> 200 [C] (200)",
        ],
    )
    .await;
    both(
        "A; B backup",
        "",
        &[
            "A=refuse B=refuse",
            "-> 502 [A, B] (502, 502)",
            "nginx: -> 502 [u] (502)",
            "strict: -> 502 [B] (502)",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn dn3_a_change_on_the_way_costs_a_request_its_next_server_only_in_nginx() {
    for (semantics, expected) in [
        (
            Semantics::Nginx,
            ["502 [A, u] (504, 502)", "502 [G, u] (504, 502)"],
        ),
        (
            Semantics::Strict,
            ["200 [A, B] (504, 200)", "200 [G, J, K] (504, 502, 200)"],
        ),
    ] {
        let world = Arc::new(World::new("A; B", "read=1000", semantics, 300));
        let changed_under = async |act, servers| {
            world.script(act);
            let request = tokio::spawn({
                let world = Arc::clone(&world);
                async move { world.request("GET").await }
            });
            sleep(Duration::from_millis(50)).await;
            world.set(servers);
            request.await.unwrap()
        };
        // Whoever was asked before stays asked.
        assert_eq!(
            changed_under("A=hang", "A; B; C").await,
            expected[0],
            "{semantics:?}"
        );
        // Whoever is removed under way still answers; its failure is nobody's.
        world.set("D; E");
        assert_eq!(changed_under("D=slow500", "F").await, "200 [D] (200)");
        // It may ask all of the others, not only as many as there were before.
        world.set("G; H");
        world.script("J=refuse");
        let removed = changed_under("G=hang", "J; K").await;
        assert_eq!(removed, expected[1], "{semantics:?}");
        world.set("G");
        world.script("G=ok");
        assert_eq!(world.request("GET").await, "200 [G] (200)", "no past");
        assert_eq!(world.in_flight(), 0);
    }
}
