//! `set_real_ip_from` and `real_ip_header`: who the client is, according to a proxy we trust.

use std::net::{IpAddr, SocketAddr};

use hyper::header::HeaderMap;

use crate::config::{Location, RealIpFrom};

/// The client a trusted proxy names, if the connection comes from one and it names one.
pub fn find(
    location: &Location,
    from: Option<SocketAddr>,
    headers: &HeaderMap,
) -> Option<(IpAddr, Option<u16>)> {
    if location.real_ip_from.is_empty()
        || !location.real_ip_from.iter().any(|net| trusts(net, from))
    {
        return None;
    }
    let name = location.real_ip_header.as_str();
    let mut values = headers.get_all(name).iter();
    // Of a list, the last one is what the trusted proxy itself added. Only this header is one.
    let value = match name.eq_ignore_ascii_case("X-Forwarded-For") {
        true => values.next_back()?,
        false => values.next()?,
    };
    let value = value.to_str().ok()?;
    parse(value.rsplit([',', ' ']).find(|part| !part.is_empty())?)
}

fn trusts(net: &RealIpFrom, from: Option<SocketAddr>) -> bool {
    match (net, from.map(|address| address.ip().to_canonical())) {
        (RealIpFrom::Unix, from) => from.is_none(),
        (RealIpFrom::Net(IpAddr::V4(net), length), Some(IpAddr::V4(from))) => {
            let shift = 32 - u32::from(*length).min(32);
            let cut = |ip: u32| ip.checked_shr(shift).unwrap_or(0);
            cut(net.to_bits()) == cut(from.to_bits())
        }
        (RealIpFrom::Net(IpAddr::V6(net), length), Some(IpAddr::V6(from))) => {
            let shift = 128 - u32::from(*length).min(128);
            let cut = |ip: u128| ip.checked_shr(shift).unwrap_or(0);
            cut(net.to_bits()) == cut(from.to_bits())
        }
        _ => false,
    }
}

/// An address with or without a port.
fn parse(text: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Ok(ip) = text.parse() {
        return Some((ip, None));
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some((address.ip(), Some(address.port())));
    }
    let inside = text.strip_prefix('[')?.strip_suffix(']')?;
    Some((IpAddr::V6(inside.parse().ok()?), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nets_trust_what_lies_in_them() {
        let from = |text: &str| Some(SocketAddr::new(text.parse().unwrap(), 1));
        let net = |text: &str, length| RealIpFrom::Net(text.parse().unwrap(), length);
        assert!(trusts(&net("10.0.0.0", 8), from("10.9.9.9")));
        assert!(!trusts(&net("10.0.0.0", 8), from("11.0.0.0")));
        assert!(trusts(&net("0.0.0.0", 0), from("11.0.0.0")));
        assert!(trusts(&net("::1", 128), from("::1")));
        assert!(!trusts(&net("::1", 128), from("::2")));
        assert!(!trusts(&net("0.0.0.0", 0), from("::1")));
        assert!(trusts(&RealIpFrom::Unix, None));
    }

    #[test]
    fn ports_are_optional() {
        assert_eq!(parse("1.2.3.4"), Some(("1.2.3.4".parse().unwrap(), None)));
        assert_eq!(
            parse("1.2.3.4:5"),
            Some(("1.2.3.4".parse().unwrap(), Some(5)))
        );
        assert_eq!(parse("[::1]:5"), Some(("::1".parse().unwrap(), Some(5))));
        assert_eq!(parse("[::1]"), Some(("::1".parse().unwrap(), None)));
        assert_eq!(parse("nobody"), None);
    }
}
