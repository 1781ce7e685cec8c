//! The worked traces of the NGINX reference, on a clock moved by hand.

mod differences;
mod failures;
mod weights;
mod world;

use tower_upstream::Semantics;
use world::World;

/// Runs a trace that starts at x.3 under NGINX's rules. A step is `TIME`, `A=act,act` (what a peer
/// does from now on), or `[METHOD] -> RESULT`; a result without statuses compares the attempts alone.
async fn trace(servers: &str, proxy: &str, steps: &[&str]) {
    let world = World::new(servers, proxy, Semantics::Nginx, 300);
    run(&world, steps).await;
    assert_eq!(world.in_flight(), 0, "every slot came back");
}

async fn run(world: &World, steps: &[&str]) {
    for (index, step) in steps.iter().enumerate() {
        let Some((method, expected)) = step.split_once("->") else {
            match step.contains('=') {
                true => world.script(step),
                false => world.at(step).await,
            }
            continue;
        };
        let method = if method.trim() == "POST" {
            "POST"
        } else {
            "GET"
        };
        let expected = expected.trim();
        let seen = world.request(method).await;
        let comparable = match expected.contains('(') {
            true => seen.clone(),
            false => {
                let (from, to) = (seen.find('[').unwrap(), seen.find(']').unwrap());
                seen[from..=to].to_string()
            }
        };
        assert_eq!(
            comparable, expected,
            "step {index} ({step}) of {steps:?}, saw {seen}"
        );
    }
}

/// Attempts of consecutive requests, as the reference's one-line traces give them.
fn requests(attempts: &str) -> Vec<String> {
    attempts
        .split_inclusive(']')
        .map(|attempt| format!("-> {}", attempt.trim()))
        .collect()
}

async fn attempts(servers: &str, proxy: &str, script: &str, expected: &str) {
    let expected = requests(expected);
    let mut steps = vec![script];
    steps.extend(expected.iter().map(String::as_str));
    trace(servers, proxy, &steps).await;
}
