//! A server that falls silent, behind NGINX and behind `Upstream` under [`Semantics::Strict`], at the
//! same time, over the same two servers, one of which is a process of its own in a network of its
//! own: it hangs, is stopped, or cannot be reached any more.
//!
//! How many callers wait longer than a second is counted on both sides. `RATE` sets the requests a
//! second on each side (500).

#[cfg(target_os = "linux")]
mod backend;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
#[path = "../support/nginx.rs"]
mod nginx;
#[cfg(target_os = "linux")]
#[path = "../support/process.rs"]
#[allow(dead_code)]
mod process;
#[cfg(target_os = "linux")]
mod side_by_side;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use std::process::ExitCode;

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("backend") => backend::run(&arguments[1]),
        Some("inside") => side_by_side::measure(&arguments[1]),
        _ => {}
    }
    if matches!(
        arguments.first().map(String::as_str),
        Some("backend" | "inside")
    ) {
        return ExitCode::SUCCESS;
    }
    let mut failed = 0;
    println!("fault        stalled behind nginx   stalled here   failed (nginx, here)   suspected");
    for fault in side_by_side::FAULTS {
        failed += u32::from(!network::run_inside(fault));
    }
    let passed = side_by_side::FAULTS.len() as u32 - failed;
    println!("\n{passed} passed, {failed} failed");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("needs Linux: network namespaces");
}
