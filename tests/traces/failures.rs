use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tower_upstream::Semantics;

use super::world::World;
use super::{attempts, run, trace};

#[tokio::test(start_paused = true)]
async fn w1_everything_refuses() {
    let all = "A=refuse B=refuse";
    for (servers, script, steps) in [
        ("A", all, ["502 [A] (502)"; 3]),
        (
            "A; B down",
            all,
            ["502 [A] (502)", "502 [u] (502)", "502 [u] (502)"],
        ),
        (
            "A; B",
            all,
            ["502 [A, B] (502, 502)", "502 [u] (502)", "502 [u] (502)"],
        ),
        (
            "A; B backup",
            "A=refuse",
            ["200 [A, B] (502, 200)", "200 [B] (200)", "200 [B] (200)"],
        ),
        (
            "A; B backup",
            "A=refuse B=ok,refuse",
            [
                "200 [A, B] (502, 200)",
                "502 [B, u] (502, 502)",
                "502 [u] (502)",
            ],
        ),
        ("A down", all, ["502 [u] (502)"; 3]),
        (
            "A down; B backup",
            "B=ok,refuse",
            ["200 [B] (200)", "502 [B] (502)", "502 [u] (502)"],
        ),
    ] {
        let steps = steps.map(|step| format!("-> {step}"));
        let mut all = vec![script];
        all.extend(steps.iter().map(String::as_str));
        trace(servers, "", &all).await;
    }
}

#[tokio::test(start_paused = true)]
async fn w2_a_returned_peer_waits_for_its_weight() {
    let mut steps = vec!["A=refuse".to_string()];
    let picks = [
        ("0.0", "A, B"),
        ("0.3", "B"),
        ("1.0", "B"),
        ("2.0", "B"),
        ("2.4", "B"),
        ("3.0", "B"),
        ("3.2", "B"),
        ("3.4", "A, B"),
        ("3.9", ""),
        ("4.0", "B"),
        ("5.0", "B"),
        ("5.5", "B"),
        ("6.0", "B"),
        ("6.1", "B"),
        ("6.2", "A"),
    ];
    for (at, pick) in picks {
        steps.push(at.into());
        steps.push(match pick {
            "" => "A=ok".into(),
            pick => format!("-> [{pick}]"),
        });
    }
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    trace("A max_fails=1 fail_timeout=2; B", "error", &steps).await;
}

#[tokio::test(start_paused = true)]
async fn w3_a_ban_ends_with_a_second_of_the_wall_clock() {
    let world = World::new(
        "A max_fails=1 fail_timeout=2; B backup",
        "",
        Semantics::Nginx,
        500,
    );
    let steps = [
        "A=refuse,ok",
        "-> [A, B]",
        "0.2",
        "-> [B]",
        "1.4",
        "-> [B]",
        "2.4",
        "-> [B]",
        "2.6",
        "-> [A]",
        "2.8",
        "-> [A]",
    ];
    run(&world, &steps).await;
}

#[tokio::test(start_paused = true)]
async fn w4_a_slow_probe_lets_one_more_through_per_window() {
    let servers = "A max_fails=1 fail_timeout=1; B backup";
    let world = Arc::new(World::new(servers, "read=5000", Semantics::Nginx, 300));
    world.script("A=close,slow2500,slow2500,slow2500,ok");
    assert_eq!(world.request("GET").await, "200 [A, B] (502, 200)");
    let mut running = Vec::new();
    for (at, expected) in [
        ("2.0", "A"),
        ("2.1", "B"),
        ("2.2", "B"),
        ("3.0", "B"),
        ("4.0", "A"),
    ] {
        world.at(at).await;
        let (world, expected) = (Arc::clone(&world), format!("200 [{expected}] (200)"));
        running.push(tokio::spawn(async move {
            assert_eq!(world.request("GET").await, expected, "started at {at}");
        }));
    }
    for request in running {
        request.await.unwrap();
    }
    assert_eq!(world.request("GET").await, "200 [A] (200)");
    assert_eq!(world.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn w5_failures_add_up_until_a_late_success() {
    attempts(
        "A max_fails=2 fail_timeout=2; B max_fails=0",
        "error",
        "A=close,ok,close",
        "[A, B] [B] [A] [B] [A, B] [B] [B] [B] [B] [B]",
    )
    .await;
    let late = |second: &'static str| {
        let start = ["A=close", "-> [A, B]", "2.2"];
        let rest = "[B] [A] [B] [A, B] [B] [A] [B] [A] [B] [A]";
        let rest = rest
            .split_inclusive(']')
            .map(|step| format!("-> {}", step.trim()));
        start
            .map(String::from)
            .into_iter()
            .chain([second.to_string()])
            .chain(rest)
            .collect()
    };
    // An unlisted 500 is as good as a success.
    for second in ["A=ok,close,ok", "A=500,close,ok"] {
        let steps: Vec<String> = late(second);
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        trace(
            "A max_fails=2 fail_timeout=1; B max_fails=0",
            "error",
            &steps,
        )
        .await;
    }
    trace(
        "A max_fails=3 fail_timeout=1; B max_fails=0",
        "error",
        &[
            "A=close",
            "-> [A, B]",
            "2.5",
            "-> [B]",
            "-> [A, B]",
            "5.0",
            "-> [B]",
            "-> [A, B]",
            "-> [B]",
            "-> [B]",
            "-> [B]",
            "-> [B]",
            "-> [B]",
            "-> [B]",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn w6_a_listed_status_on_the_last_try_is_passed_on() {
    trace(
        "A; B",
        "error timeout http_500",
        &[
            "A=500 B=500",
            "-> 500 [A, B] (500, 500)",
            "-> 502 [B, u] (500, 502)",
            "-> 502 [u] (502)",
        ],
    )
    .await;
    trace(
        "A; B; C",
        "error http_503",
        &[
            "A=503 B=503 C=503",
            "-> 503 [A, B, C] (503, 503, 503)",
            "-> 502 [C, u] (503, 502)",
            "-> 502 [u] (502)",
        ],
    )
    .await;
    trace(
        "A; B backup",
        "error timeout http_500",
        &[
            "A=500 B=500",
            "-> 500 [A, B] (500, 500)",
            "-> 502 [B, u] (500, 502)",
            "-> 502 [u] (502)",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn w7_which_statuses_count() {
    let five = "[A] [B] [A] [B] [A]";
    attempts("A; B", "", "A=500", five).await;
    attempts("A; B", "http_500 tries=1", "A=500", five).await;
    for status in ["500", "502", "503", "504", "429"] {
        let (keyword, script) = (format!("http_{status}"), format!("A={status}"));
        attempts("A; B", &keyword, &script, "[A, B] [B] [B] [B] [B]").await;
    }
    for status in ["404", "403"] {
        let (keyword, script) = (format!("http_{status}"), format!("A={status}"));
        attempts("A; B", &keyword, &script, "[A, B] [B] [A, B] [B] [A, B]").await;
    }
    attempts(
        "A max_fails=2; B",
        "http_503",
        "A=503",
        "[A, B] [B] [A, B] [B] [B]",
    )
    .await;
    trace(
        "A; B",
        "http_404",
        &[
            "A=404 B=404",
            "-> 404 [A, B] (404, 404)",
            "-> 404 [B, A] (404, 404)",
        ],
    )
    .await;
    trace(
        "A; B",
        "http_429",
        &[
            "A=429",
            "-> [A, B]",
            "B=429",
            "-> 502 [B, u] (429, 502)",
            "-> 502 [u] (502)",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn w9_stale_connections_cost_no_try_but_count() {
    for limits in ["", "tries=1"] {
        trace("A", limits, &["A=stale,ok", "-> 200 [A, A] (502, 200)"]).await;
        trace("A", limits, &["A=stale", "POST -> 502 [A] (502)"]).await;
        let both = [
            "A=stale B=stale",
            "-> 502 [A, B, u] (502, 502, 502)",
            "-> 502 [u] (502)",
        ];
        trace("A; B", limits, &both).await;
    }
    trace("A", "off", &["A=stale", "-> 502 [A] (502)"]).await;
    trace(
        "A; B",
        "",
        &["A=stale,ok", "-> 200 [A, B] (502, 200)", "-> [B]", "-> [B]"],
    )
    .await;
    trace(
        "A max_fails=0; B max_fails=0",
        "",
        &[
            "A=ok,stale,ok,stale,ok B=ok,stale,ok,stale,ok",
            "-> [A]",
            "-> [B]",
            "-> 502 [A, B, u] (502, 502, 502)",
            "-> [B]",
            "-> [A]",
            "-> 502 [B, A, u] (502, 502, 502)",
            "-> [A]",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn w10_timeouts() {
    for (servers, proxy, script, expected) in [
        ("A; B", "", "A=hang", "200 [A, B] (504, 200)"),
        ("A; B", "", "A=hang B=hang", "504 [A, B] (504, 504)"),
        ("A; B", "", "A=hang B=refuse", "502 [A, B] (504, 502)"),
        ("A; B", "", "A=refuse B=hang", "504 [A, B] (502, 504)"),
        (
            "A; B; C",
            "tries=2",
            "A=hang B=hang",
            "504 [A, B] (504, 504)",
        ),
        (
            "A; B; C",
            "timeout=1500",
            "A=hang B=hang",
            "504 [A, B] (504, 504)",
        ),
        ("A; B", "timeout=1000", "A=hang", "504 [A] (504)"),
        ("A; B", "", "A=noconnect", "200 [A, B] (504, 200)"),
    ] {
        let expected = format!("-> {expected}");
        trace(servers, &format!("read=1000 {proxy}"), &[script, &expected]).await;
    }
    let banned = [
        "B=refuse A=ok",
        "-> [A]",
        "-> [B, A]",
        "A=hang",
        "-> 502 [A, u] (504, 502)",
    ];
    trace("A; B", "read=1000", &banned).await;
    trace(
        "A; B",
        "read=1000",
        &["A=noconnect", "POST -> 200 [A, B] (504, 200)"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn w11_methods() {
    let listed = "error timeout http_500 read=1000";
    for (act, post, then) in [
        ("refuse", "200 [A, B] (502, 200)", "[B] [B]"),
        ("close", "502 [A] (502)", "[B] [B]"),
        ("hang", "504 [A] (504)", "[B] [B]"),
        ("500", "500 [A] (500)", "[B] [A]"),
    ] {
        let script = format!("A={act}");
        trace(
            "A; B",
            listed,
            &[
                &script,
                &format!("POST -> {post}"),
                "A=ok",
                &format!("-> {}", &then[..3]),
                &format!("-> {}", &then[4..]),
            ],
        )
        .await;
        let status = if act == "500" {
            500
        } else if act == "hang" {
            504
        } else {
            502
        };
        let get = format!("-> 200 [A, B] ({status}, 200)");
        trace("A; B", listed, &[&script, &get, "-> [B]", "-> [B]"]).await;
    }
    for act in ["close", "500"] {
        let listed = format!("{listed} non_idempotent");
        let script = format!("A={act}");
        trace(
            "A; B",
            &listed,
            &[&script, "POST -> [A, B]", "-> [B]", "-> [B]"],
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn w12_listed_or_not_a_failure_counts() {
    for (act, listed, expected) in [
        ("close", "error timeout", "200 [A, B] (502, 200)"),
        ("close", "off", "502 [A] (502)"),
        ("badheader", "error timeout", "502 [A] (502)"),
        (
            "badheader",
            "error timeout invalid_header",
            "200 [A, B] (502, 200)",
        ),
        ("badheader", "off", "502 [A] (502)"),
    ] {
        let (script, first) = (format!("A={act}"), format!("-> {expected}"));
        trace("A; B", listed, &[&script, &first, "-> [B]", "-> [B]"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn w13_zero_max_fails_and_zero_fail_timeout() {
    attempts("A max_fails=0; B", "", "A=refuse", "[A, B] [B] [A, B] [B]").await;
    trace(
        "A fail_timeout=0; B",
        "",
        &[
            "A=refuse",
            "-> [A, B]",
            "-> [B]",
            "-> [B]",
            "-> [B]",
            "0.8",
            "-> [B]",
            "-> [B]",
            "-> [A, B]",
            "-> [B]",
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn w14_backups() {
    let servers = "A; B; C backup weight=2; D backup";
    let refuse = "A=refuse B=refuse";
    attempts(servers, "", refuse, "[A, B, C] [D] [C] [C] [D] [C] [C] [D]").await;
    trace(
        "A; B; C backup",
        "tries=2",
        &[refuse, "-> 502 [A, B] (502, 502)", "-> [C]", "-> [C]"],
    )
    .await;
    let both = "-> 404 [A, B] (404, 404)";
    trace(
        "A; B backup",
        "http_404",
        &["A=404 B=404", both, both, both],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn w15_max_conns() {
    for (servers, busy, expected, then) in [
        // B was the only one eligible in the second pick, which left it the heavier.
        (
            "A max_conns=1; B max_conns=1",
            2,
            "502 [u] (502)",
            "200 [B] (200)",
        ),
        ("A max_conns=1", 1, "502 [u] (502)", "200 [A] (200)"),
        (
            "A max_conns=1; B backup",
            1,
            "200 [B] (200)",
            "200 [A] (200)",
        ),
    ] {
        let world = Arc::new(World::new(servers, "", Semantics::Nginx, 300));
        world.script("A=slow500,ok B=slow500,ok");
        if servers.contains("backup") {
            world.script("B=ok");
        }
        let running: Vec<_> = (0..busy)
            .map(|_| {
                let world = Arc::clone(&world);
                tokio::spawn(async move { world.request("GET").await })
            })
            .collect();
        sleep(Duration::from_millis(100)).await;
        assert_eq!(world.request("GET").await, expected, "{servers}");
        for request in running {
            assert!(request.await.unwrap().starts_with("200"));
        }
        assert_eq!(world.request("GET").await, then, "{servers}");
        assert_eq!(world.in_flight(), 0);
    }
}
