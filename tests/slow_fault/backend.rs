//! A server that answers after 2 ms until it is told, on its standard input, to `hang` or to be
//! `slow`.

use std::io::BufRead;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Milliseconds an answer takes; for ever is `u64::MAX`.
static TAKES: AtomicU64 = AtomicU64::new(2);

pub(crate) fn run(address: &str) {
    std::thread::spawn(|| {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            TAKES.store(if line == "hang" { u64::MAX } else { 6 }, Relaxed);
        }
        // Whoever started it has gone.
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = bind(address).await;
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        }
    });
}

/// Its network may still be on its way.
async fn bind(address: &str) -> TcpListener {
    for _ in 0..1000 {
        if let Ok(listener) = TcpListener::bind(address).await {
            return listener;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{address} cannot be listened at");
}

async fn serve(mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(n @ 1..) = stream.read(&mut buffer).await {
        seen.extend_from_slice(&buffer[..n]);
        if !seen.ends_with(b"\r\n\r\n") {
            continue;
        }
        seen.clear();
        match TAKES.load(Relaxed) {
            u64::MAX => continue,
            ms => tokio::time::sleep(Duration::from_millis(ms)).await,
        }
        let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        if stream.write_all(reply).await.is_err() {
            return;
        }
    }
}
