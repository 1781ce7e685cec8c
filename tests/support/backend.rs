//! A scripted backend: a raw TCP server on loopback that does what a `Script` says.

use std::collections::VecDeque;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::request::read_request;
use super::script::{Reply, Script, What};
use super::{answer, h2};

/// Long enough for the other side to know that it is connected.
const HANG_UP_AFTER: Duration = Duration::from_millis(20);

/// One backend; everything stops when it is dropped.
pub(crate) struct Backend {
    letter: char,
    address: SocketAddr,
    http2: bool,
    state: Arc<Mutex<State>>,
    door: Door,
}

/// What holds the port.
enum Door {
    Closed,
    Open(JoinHandle<()>),
    /// The listener and the connections that fill its backlog.
    Full(#[expect(dead_code, reason = "held open")] Vec<Socket>),
}

/// What is left to do, and what was done.
#[derive(Default)]
pub(super) struct State {
    replies: VecDeque<Reply>,
    seen: Vec<Seen>,
}

/// One connection accepted or request read.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Connections are counted from 1, and so are the requests of each.
    pub(crate) connection: u32,
    pub(crate) turn: u32,
    /// Method and path; empty when the connection was ended before reading.
    pub(crate) request: String,
    pub(crate) at: SystemTime,
}

impl Backend {
    /// A backend that does not listen yet.
    pub(crate) fn new(letter: char, address: SocketAddr, http2: bool) -> Self {
        Self {
            letter,
            address,
            http2,
            state: Arc::default(),
            door: Door::Closed,
        }
    }

    /// Changes what the backend does. Connections live on unless the port closes.
    pub(crate) async fn play(&mut self, script: &Script) {
        match script {
            Script::Refuse => self.close().await,
            Script::Deaf => {
                self.close().await;
                self.door = Door::Full(full_backlog(self.address));
            }
            Script::Serve(replies) => {
                lock(&self.state).replies = replies.iter().cloned().collect();
                if !matches!(self.door, Door::Open(_)) {
                    self.close().await;
                    self.door = Door::Open(self.open());
                }
            }
        }
    }

    /// All that happened so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        lock(&self.state).seen.clone()
    }

    /// Closes the port and every connection.
    async fn close(&mut self) {
        if let Door::Open(task) = std::mem::replace(&mut self.door, Door::Closed) {
            task.abort();
            let _ = task.await;
        }
    }

    fn open(&self) -> JoinHandle<()> {
        let listener = listener(self.address, 128);
        let listener = TcpListener::from_std(listener).expect("a runtime");
        let (state, letter, http2) = (Arc::clone(&self.state), self.letter, self.http2);
        let mut connections = 0;
        tokio::spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    return;
                };
                connections += 1;
                let state = Arc::clone(&state);
                open.spawn(serve(stream, letter, connections, state, http2));
                while open.try_join_next().is_some() {}
            }
        })
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        if let Door::Open(task) = &self.door {
            task.abort();
        }
    }
}

async fn serve(
    mut stream: TcpStream,
    letter: char,
    connection: u32,
    state: Arc<Mutex<State>>,
    http2: bool,
) {
    let _ = stream.set_nodelay(true);
    if let Some(reply) = next_reply(&state, Reply::on_accept) {
        note(&state, connection, 0, String::new());
        if reply.what == What::HangUp {
            sleep(HANG_UP_AFTER).await;
        }
        return end(&stream, reply.what);
    }
    if http2 {
        if let Some(what) = h2::serve(&mut stream, letter, connection, &state).await {
            end(&stream, what);
        }
        return;
    }
    let mut buffer = Vec::new();
    for turn in 1.. {
        let Some(request) = read_request(&mut stream, &mut buffer).await else {
            return;
        };
        note(
            &state,
            connection,
            turn,
            format!("{} {}", request.method, request.path),
        );
        let Some(mut reply) = next_reply(&state, |_| true) else {
            return;
        };
        reply.what = match reply.what {
            What::Stale | What::StaleHang if turn == 1 => answer::ok(),
            What::Stale => What::Close,
            What::StaleHang => What::Hang,
            what => what,
        };
        if answer::send(&mut stream, letter, &request, &reply)
            .await
            .is_none()
        {
            return end(&stream, reply.what);
        }
    }
}

/// The next reply if it is of the wanted sort; the last one stays.
pub(super) fn next_reply(state: &Mutex<State>, wanted: impl Fn(&Reply) -> bool) -> Option<Reply> {
    let mut state = lock(state);
    let next = state.replies.front().filter(|reply| wanted(reply)).cloned();
    if next.is_some() && state.replies.len() > 1 {
        state.replies.pop_front();
    }
    next
}

pub(super) fn note(state: &Mutex<State>, connection: u32, turn: u32, request: String) {
    lock(state).seen.push(Seen {
        connection,
        turn,
        request,
        at: SystemTime::now(),
    });
}

/// Prepares the close that dropping the stream performs.
fn end(stream: &TcpStream, what: What) {
    if matches!(what, What::Reset | What::ResetOnAccept) {
        let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
    }
}

fn listener(address: SocketAddr, backlog: i32) -> StdListener {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("reuse the port");
    socket.set_nonblocking(true).expect("nonblocking");
    socket
        .bind(&address.into())
        .unwrap_or_else(|why| panic!("cannot bind {address}: {why}"));
    socket.listen(backlog).expect("listen");
    socket.into()
}

/// A listener that nobody accepts from, with its backlog filled.
fn full_backlog(address: SocketAddr) -> Vec<Socket> {
    let mut sockets = vec![Socket::from(listener(address, 0))];
    for _ in 0..3 {
        let socket =
            Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
        socket.set_nonblocking(true).expect("nonblocking");
        let _ = socket.connect(&address.into());
        sockets.push(socket);
    }
    sockets
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().expect("no panic while it was held")
}
