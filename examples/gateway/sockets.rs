//! Listening sockets, which outlive the configurations that name them.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::config::{Listen, ListenAddress};

/// All sockets, by address.
#[derive(Debug, Default)]
pub struct Sockets(HashMap<ListenAddress, Bound>);

/// A bound socket.
#[derive(Debug)]
enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// A worker's copy of a socket, and who is behind it.
#[derive(Debug)]
pub struct Door {
    /// The socket.
    pub listener: Listener,
    /// Index into the plan's listens.
    pub listen: usize,
    /// Listens of the same port on one address, all served by this socket, which has every address.
    pub within: Vec<(IpAddr, usize)>,
}

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// TCP, and its address.
    Tcp(TcpListener, SocketAddr),
    /// `unix:`
    Unix(UnixListener),
}

/// How often and how long apart an address in use is tried again.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(400);

impl Sockets {
    /// Opens what `listens` need and is not open yet. Nothing changes if something cannot be opened.
    pub fn open(&mut self, listens: &[Listen], prefix: &Path) -> Result<(), String> {
        let mut fresh = HashMap::new();
        for listen in listens {
            let known = self.0.contains_key(&listen.address) || fresh.contains_key(&listen.address);
            if known || covering(listens, &listen.address).is_some() {
                continue;
            }
            fresh.insert(listen.address.clone(), bind(listen, prefix)?);
        }
        self.0.extend(fresh);
        Ok(())
    }

    /// Closes what `listens` do not need any more.
    pub fn keep_only(&mut self, listens: &[Listen]) {
        let needed = |address: &ListenAddress| {
            let own = listens.iter().any(|l| l.address == *address);
            own && covering(listens, address).is_none()
        };
        self.0.retain(|address, bound| {
            let keep = needed(address);
            if !keep {
                bound.unlink();
            }
            keep
        });
    }

    /// A copy of every socket for one worker.
    pub fn doors(&self, listens: &[Listen]) -> io::Result<Vec<Door>> {
        let mut doors = Vec::new();
        for (index, listen) in listens.iter().enumerate() {
            let Some(bound) = self
                .0
                .get(&listen.address)
                .filter(|_| covering(listens, &listen.address).is_none())
            else {
                continue;
            };
            let within = listens.iter().enumerate().filter_map(|(inner, other)| {
                match (&other.address, covering(listens, &other.address)) {
                    (ListenAddress::Tcp(address), Some(outer)) if outer == index => {
                        Some((address.ip(), inner))
                    }
                    _ => None,
                }
            });
            doors.push(Door {
                within: within.collect(),
                listener: bound.copy()?,
                listen: index,
            });
        }
        Ok(doors)
    }

    /// Removes the files of `unix:` sockets.
    pub fn unlink(&self) {
        self.0.values().for_each(Bound::unlink);
    }
}

/// The listen on every address that takes the connections of `address` as well.
fn covering(listens: &[Listen], address: &ListenAddress) -> Option<usize> {
    let ListenAddress::Tcp(address) = address else {
        return None;
    };
    if address.ip().is_unspecified() {
        return None;
    }
    listens.iter().position(|other| match other.address {
        ListenAddress::Tcp(wide) => {
            wide.ip().is_unspecified()
                && wide.is_ipv4() == address.is_ipv4()
                && wide.port() == address.port()
        }
        ListenAddress::Unix(_) => false,
    })
}

impl Bound {
    fn copy(&self) -> io::Result<Listener> {
        Ok(match self {
            Self::Tcp(listener) => Listener::Tcp(listener.try_clone()?, listener.local_addr()?),
            Self::Unix(listener, _) => Listener::Unix(listener.try_clone()?),
        })
    }

    fn unlink(&self) {
        if let Self::Unix(_, path) = self {
            // Somebody else may have removed it.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn bind(listen: &Listen, prefix: &Path) -> Result<Bound, String> {
    let mut tries = 1;
    loop {
        match try_bind(listen, prefix) {
            Ok(bound) => return Ok(bound),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries < TRIES => {
                tries += 1;
                std::thread::sleep(PAUSE);
            }
            Err(error) => {
                let name = match &listen.address {
                    ListenAddress::Tcp(address) => address.to_string(),
                    ListenAddress::Unix(path) => format!("unix:{}", path.display()),
                };
                return Err(format!("bind() to {name} failed ({error})"));
            }
        }
    }
}

fn try_bind(listen: &Listen, prefix: &Path) -> io::Result<Bound> {
    let backlog = i32::try_from(listen.backlog).unwrap_or(i32::MAX);
    match &listen.address {
        ListenAddress::Tcp(address) => {
            let domain = Domain::for_address(*address);
            let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
            socket.set_reuse_address(true)?;
            if address.is_ipv6() {
                socket.set_only_v6(true)?;
            }
            socket.bind(&SockAddr::from(*address))?;
            socket.listen(backlog)?;
            socket.set_nonblocking(true)?;
            Ok(Bound::Tcp(socket.into()))
        }
        ListenAddress::Unix(path) => {
            let path = prefix.join(path);
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            socket.bind(&SockAddr::unix(&path)?)?;
            socket.listen(backlog)?;
            socket.set_nonblocking(true)?;
            Ok(Bound::Unix(socket.into(), path))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(address: &str) -> Listen {
        Listen {
            address: ListenAddress::Tcp(address.parse().unwrap()),
            servers: vec![0],
            default_server: 0,
            backlog: 511,
            ssl: false,
            http2: false,
        }
    }

    #[test]
    fn a_port_on_every_address_covers_single_addresses() {
        let listens = [
            listen("127.0.0.1:80"),
            listen("0.0.0.0:80"),
            listen("127.0.0.1:81"),
        ];
        assert_eq!(covering(&listens, &listens[0].address), Some(1));
        assert_eq!(covering(&listens, &listens[1].address), None);
        assert_eq!(covering(&listens, &listens[2].address), None);
    }
}
