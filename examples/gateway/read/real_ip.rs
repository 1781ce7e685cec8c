use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};

use tower_upstream::nginx::values::{Value, fill};
use tower_upstream::nginx::{Directive, Problems};

use crate::config::RealIpFrom;

/// Whose word about the client's address is taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct RealIp {
    pub(crate) from: Vec<RealIpFrom>,
    header: Option<String>,
}

impl RealIp {
    pub(crate) fn directive(&mut self, d: &Directive, problems: &mut Problems) -> bool {
        match d.name() {
            "set_real_ip_from" => self.trust(d, problems),
            "real_ip_header" => fill(&mut self.header, d, problems, header),
            _ => return false,
        }
        true
    }

    pub(crate) fn inherit(&mut self, outer: &Self) {
        if self.from.is_empty() {
            self.from.clone_from(&outer.from);
        }
        if self.header.is_none() {
            self.header.clone_from(&outer.header);
        }
    }

    pub(crate) fn header(&self) -> String {
        self.header.clone().unwrap_or_else(|| "X-Real-IP".into())
    }

    fn trust(&mut self, d: &Directive, problems: &mut Problems) {
        let text = d.arg(0);
        if text == "unix:" {
            self.from.push(RealIpFrom::Unix);
            return;
        }
        if let Some((ip, bits)) = network(text) {
            let whole = mask(ip, bits);
            if whole != ip {
                let message = format!("low address bits of {text} are meaningless");
                problems.warn(d.place(0), message);
            }
            self.from.push(RealIpFrom::Net(whole, bits));
            return;
        }
        let resolved = (!text.contains('/')).then(|| (text, 0).to_socket_addrs());
        let addresses: Vec<_> = resolved.into_iter().flatten().flatten().collect();
        if addresses.is_empty() {
            let message = format!("host not found in set_real_ip_from \"{text}\"");
            problems.push(d.place(0), message);
        }
        for address in addresses {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            self.from.push(RealIpFrom::Net(address.ip(), bits));
        }
    }
}

fn header(d: &Directive) -> Value<String> {
    match d.arg(0) {
        "proxy_protocol" => Err("the PROXY protocol is not supported".into()),
        name => Ok(name.to_owned()),
    }
}

/// An address, or one with a prefix length that fits it.
fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (ip, bits) = match text.split_once('/') {
        Some((ip, bits)) => (ip, Some(bits)),
        None => (text, None),
    };
    let ip: IpAddr = ip.parse().ok()?;
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        None => most,
        Some(bits) if bits.bytes().all(|b| b.is_ascii_digit()) => bits.parse().ok()?,
        Some(_) => return None,
    };
    (bits <= most).then_some((ip, bits))
}

fn mask(ip: IpAddr, bits: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from(u32::from(ip) & mask))
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(ip) & mask))
        }
    }
}
