//! curl and `openssl s_client` as programs.

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use super::super::rig::Server;
use super::certificates::Files;

/// What curl gets for `arguments`, whatever name it asks for; status line and headers with `-i`.
pub(super) fn curl(server: &Server, files: &Files, arguments: &str) -> String {
    let output = Command::new("curl")
        .args(["-sS", "--max-time", "10", "--cacert"])
        .arg(files.path().join("ca.pem"))
        .args(["--connect-to", &format!("::{}", server.front)])
        .args(files.named(arguments).split_whitespace())
        .output()
        .expect("curl");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    String::from_utf8_lossy(&output.stdout).into_owned() + &told
}

/// What OpenSSL's client says about a connection; `request` is sent once it stands, and then it waits
/// for the end.
pub(super) fn openssl(server: &Server, files: &Files, arguments: &str, request: &str) -> String {
    openssl_at(server.front, files, arguments, request)
}

/// The same at another address.
pub(super) fn openssl_at(
    address: SocketAddr,
    files: &Files,
    arguments: &str,
    request: &str,
) -> String {
    let mut client = Command::new("openssl")
        .args(["s_client", "-ign_eof", "-connect", &address.to_string()])
        .args(files.named(arguments).split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl");
    let mut stdin = client.stdin.take().expect("its input");
    // Where there is no handshake nobody reads this.
    let _ = stdin.write_all(request.as_bytes());
    drop(stdin);
    let output = client.wait_with_output().expect("its end");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    String::from_utf8_lossy(&output.stdout).into_owned() + &told
}

/// A request that ends its connection.
pub(super) const LAST: &str = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
