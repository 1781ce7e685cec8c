//! A process that may open no more files, which is nobody's fault.

#![cfg(unix)]

use std::fs::File;
use std::process::Command;

use bytes::Bytes;
use http_body_util::Empty;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tower_upstream::{ErrorKind, Server, Upstream};

/// Set in the copy of the test that has few files to open.
const INSIDE: &str = "TOWER_UPSTREAM_FEW_FILES";

/// Runs the test named `name` again in a process that may open 100 files; true inside of it.
fn inside(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let status = Command::new("sh")
        .args(["-c", "ulimit -n 100 && exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .expect("this test needs `sh`");
    assert!(status.success(), "with few files: {status}");
    false
}

#[test]
fn running_out_of_files_blames_no_peer() {
    if !inside("running_out_of_files_blames_no_peer") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // Connections wait in their backlogs: nobody here needs a file to accept one.
        let peers = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        let server =
            |peer: &std::net::TcpListener| Server::new(peer.local_addr().unwrap().to_string());
        let upstream = Upstream::builder()
            .server(server(&peers[0]))
            .server(server(&peers[1]))
            .build()
            .unwrap();
        let request = || http::Request::get("/").body(Empty::<Bytes>::new()).unwrap();

        let mut files = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            files.push(file);
        }
        assert!(files.len() < 100);
        let error = upstream.send(request()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exhausted);
        assert_eq!(
            (error.status().as_u16(), error.attempts()),
            (500, 1),
            "NU-18"
        );
        for peer in upstream.group().snapshot() {
            assert_eq!((peer.state.fails, peer.state.in_flight), (0, 0));
        }

        drop(files);
        for peer in peers {
            peer.set_nonblocking(true).unwrap();
            tokio::spawn(answer(TcpListener::from_std(peer).unwrap()));
        }
        assert_eq!(upstream.send(request()).await.unwrap().status(), 200);
    });
}

async fn answer(peer: TcpListener) {
    let (mut stream, _) = peer.accept().await.unwrap();
    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(reply).await.unwrap();
}
