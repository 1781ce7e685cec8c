//! The gateway on real sockets: alone where it must keep its own promises, beside a real nginx
//! where it must do the same.

#[path = "../support/gateway.rs"]
mod gateway;
#[path = "../support/nginx.rs"]
mod nginx;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/program.rs"]
mod program;

mod bodies;
mod connections;
#[cfg(target_os = "linux")]
mod hostile;
mod keys;
mod logs;
mod rig;
mod same;
mod signals;
mod sticky;
mod stricter;
mod tunnel;
