use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use tower_upstream::nginx::{Address, Directive, units};

use super::shared::Shared;
use crate::config::{Listen, ListenAddress};

/// `backlog` where nothing is said.
const BACKLOG: u32 = 511;

/// All addresses listened on so far.
#[derive(Debug, Default)]
pub(crate) struct Listens {
    list: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    address: ListenAddress,
    servers: Vec<usize>,
    default_server: Option<usize>,
    backlog: Option<u32>,
    ssl: bool,
    http2: bool,
}

impl Listens {
    /// The addresses with more than one server behind them.
    pub(crate) fn shared(&self) -> impl Iterator<Item = (String, &[usize])> {
        let shared = self.list.iter().filter(|entry| entry.servers.len() > 1);
        shared.map(|entry| (show(&entry.address), &entry.servers[..]))
    }

    pub(crate) fn finish(self) -> Vec<Listen> {
        self.list
            .into_iter()
            .map(|entry| Listen {
                address: entry.address,
                default_server: entry
                    .default_server
                    .or(entry.servers.first().copied())
                    .unwrap_or_default(),
                servers: entry.servers,
                backlog: entry.backlog.unwrap_or(BACKLOG),
                ssl: entry.ssl,
                http2: entry.http2,
            })
            .collect()
    }
}

/// What a `listen` says besides where.
#[derive(Default)]
struct Options {
    default_server: bool,
    backlog: Option<u32>,
    ssl: bool,
    http2: bool,
}

/// Reads the `listen`s of the server with this index; without any it has NGINX's `*:80`.
pub(crate) fn read(block: &Directive, listens: &[&Directive], server: usize, shared: &mut Shared) {
    if listens.is_empty() {
        let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 80));
        add(
            block,
            ListenAddress::Tcp(any),
            &Options::default(),
            server,
            shared,
        );
    }
    for d in listens {
        let addresses = addresses(d.arg(0)).unwrap_or_else(|what| {
            let message = format!("{what} in \"{}\" of the \"listen\" directive", d.arg(0));
            shared.problems.push(d.place(0), message);
            Vec::new()
        });
        let options = match options(d) {
            Ok(options) => options,
            Err((index, message)) => {
                shared.problems.push(d.place(index), message);
                continue;
            }
        };
        for address in addresses {
            add(d, address, &options, server, shared);
        }
    }
}

fn options(d: &Directive) -> Result<Options, (usize, String)> {
    let mut options = Options::default();
    for (index, word) in d.args.iter().enumerate().skip(1) {
        let text = word.text.as_str();
        match text.split_once('=') {
            None if matches!(text, "default_server" | "default") => options.default_server = true,
            None if text == "ssl" => options.ssl = true,
            None if text == "http2" => options.http2 = true,
            Some(("backlog", number)) => match units::number(number) {
                Some(n @ 1..) => options.backlog = Some(u32::try_from(n).unwrap_or(u32::MAX)),
                _ => return Err((index, format!("invalid backlog \"{text}\""))),
            },
            None if ["proxy_protocol", "reuseport", "bind", "deferred"].contains(&text) => {
                return Err((index, format!("unsupported parameter \"{text}\"")));
            }
            Some((
                "rcvbuf" | "sndbuf" | "ipv6only" | "so_keepalive" | "fastopen" | "setfib"
                | "accept_filter",
                _,
            )) => return Err((index, format!("unsupported parameter \"{text}\""))),
            _ => return Err((index, format!("invalid parameter \"{text}\""))),
        }
    }
    Ok(options)
}

/// A port, an address with or without one, `*`, a name, or `unix:/path`.
fn addresses(text: &str) -> Result<Vec<ListenAddress>, &'static str> {
    if let Some(port) = units::number(text) {
        let port = u16::try_from(port).ok().filter(|port| *port != 0);
        let port = port.ok_or("invalid port")?;
        return Ok(tcp(Ipv4Addr::UNSPECIFIED.into(), port));
    }
    let address = Address::parse(text)?;
    if let Some(path) = address.host.strip_prefix("unix:") {
        return Ok(vec![ListenAddress::Unix(path.into())]);
    }
    let port = address.port.unwrap_or(80);
    if address.host == "*" {
        return Ok(tcp(Ipv4Addr::UNSPECIFIED.into(), port));
    }
    let bare = address.host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<Ipv6Addr>() {
        return Ok(tcp(ip.into(), port));
    }
    let found = (bare, port)
        .to_socket_addrs()
        .map_err(|_| "host not found")?;
    Ok(found.map(ListenAddress::Tcp).collect())
}

fn tcp(ip: std::net::IpAddr, port: u16) -> Vec<ListenAddress> {
    vec![ListenAddress::Tcp(SocketAddr::new(ip, port))]
}

fn add(
    d: &Directive,
    address: ListenAddress,
    options: &Options,
    server: usize,
    shared: &mut Shared,
) {
    let text = show(&address);
    let list = &mut shared.listens.list;
    let index = list.iter().position(|entry| entry.address == address);
    let index = index.unwrap_or_else(|| {
        list.push(Entry {
            address,
            servers: Vec::new(),
            default_server: None,
            backlog: None,
            ssl: false,
            http2: false,
        });
        list.len() - 1
    });
    let entry = &mut list[index];
    let place = &d.name.place;
    if entry.servers.contains(&server) {
        shared
            .problems
            .push(place, format!("a duplicate listen {text}"));
        return;
    }
    entry.servers.push(server);
    // What one server says of an address holds for all behind it.
    entry.ssl |= options.ssl;
    entry.http2 |= options.http2;
    if options.default_server && entry.default_server.replace(server).is_some() {
        let message = format!("a duplicate default server for {text}");
        shared.problems.push(place, message);
    }
    if options.backlog.is_some()
        && entry
            .backlog
            .replace(options.backlog.unwrap_or(BACKLOG))
            .is_some()
    {
        let message = format!("duplicate listen options for {text}");
        shared.problems.push(place, message);
    }
}

fn show(address: &ListenAddress) -> String {
    match address {
        ListenAddress::Tcp(address) => address.to_string(),
        ListenAddress::Unix(path) => format!("unix:{}", path.display()),
    }
}
