use super::{attempts, trace};

#[tokio::test(start_paused = true)]
async fn reference_sequences() {
    for (weights, expected) in [
        (&[5, 1, 1][..], "A A B A C A A"),
        (&[3, 2, 1], "A B A C B A"),
        (&[4, 3, 2], "A B C A B A C B A"),
        (&[2, 1], "A B A"),
        (&[1, 2], "B A B"),
        (&[1, 1, 1], "A B C"),
    ] {
        let servers: Vec<String> = weights
            .iter()
            .zip("ABC".chars())
            .map(|(weight, letter)| format!("{letter} weight={weight}"))
            .collect();
        // Smooth round robin is periodic: the same again.
        let expected: Vec<String> = [expected, expected].join(" ").split(' ').map(one).collect();
        attempts(&servers.join(";"), "error", "Z=ok", &expected.join(" ")).await;
    }
}

fn one(letter: &str) -> String {
    format!("[{letter}]")
}

#[tokio::test(start_paused = true)]
async fn w16_effective_weight_after_failures() {
    for (servers, acts, expected) in [
        (
            "A weight=4 max_fails=2; B weight=2",
            "A=close,ok",
            "[A, B] B A B A A B A A B A A B A A B A A B A",
        ),
        (
            "A weight=5 max_fails=3; B",
            "A=close,close,ok",
            "[A, B] [A, B] B A A A A A B A A A A A B A A A A A",
        ),
        (
            "A max_fails=3; B",
            "A=close,close,ok",
            "[A, B] B [A, B] B A B A B",
        ),
    ] {
        attempts(servers, "error", acts, &bracketed(expected)).await;
    }
}

/// `[A, B] B A` as `[A, B] [B] [A]`.
fn bracketed(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in text.chars() {
        inside = (inside || c == '[') && c != ']';
        match c {
            'A'..='D' if !inside => out.extend(['[', c, ']']),
            c => out.push(c),
        }
    }
    out
}

#[tokio::test(start_paused = true)]
async fn w16_weight_climbs_back_after_a_ban() {
    let mut steps = vec!["A=close,ok".to_string(), "-> [A, B]".into(), "2.0".into()];
    steps.extend(
        "B B A A B A A A B A A A B A A A"
            .split(' ')
            .map(|a| format!("-> [{a}]")),
    );
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    trace("A weight=3 max_fails=1 fail_timeout=1; B", "error", &steps).await;
}
