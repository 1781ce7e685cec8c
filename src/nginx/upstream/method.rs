use crate::balance::{Method, Times};
use crate::nginx::Directive;
use crate::nginx::options::Wrong;
use crate::upstream::config::HashKey;

/// The method a directive names, and what its hash goes by; `None` if it names none.
pub(super) fn read(d: &Directive) -> Option<Result<(Method, HashKey), Wrong>> {
    let carried = |method| Ok((method, HashKey::Carried));
    let invalid = |index| {
        let message = format!("invalid parameter \"{}\"", d.arg(index));
        Err((index, message))
    };
    Some(match d.name() {
        "least_conn" => carried(Method::LeastConn),
        "ip_hash" => carried(Method::IpHash),
        "hash" => {
            let key = HashKey::Variables(d.arg(0).to_owned());
            match d.arg(1) {
                "consistent" => Ok((Method::ConsistentHash, key)),
                _ if d.args.len() == 1 => Ok((Method::Hash, key)),
                _ => invalid(1),
            }
        }
        "random" => match (d.args.len(), d.arg(0), d.arg(1)) {
            (0, ..) => carried(Method::Random),
            (1, "two", _) | (_, "two", "least_conn") => carried(Method::RandomTwo),
            // NGINX sells `two least_time`; without the licence it knows no such word (RN-4).
            (_, "two", _) => invalid(1),
            _ => invalid(0),
        },
        "least_time" => least_time(d),
        "peak_ewma" => carried(Method::PeakEwma),
        _ => return None,
    })
}

fn least_time(d: &Directive) -> Result<(Method, HashKey), Wrong> {
    let inflight = match d.arg(1) {
        "inflight" => true,
        _ if d.args.len() == 1 => false,
        other => return Err((1, format!("invalid parameter \"{other}\""))),
    };
    let by = match d.arg(0) {
        "header" => Times::Header,
        "last_byte" => Times::LastByte,
        other => return Err((0, format!("invalid value \"{other}\""))),
    };
    Ok((Method::LeastTime { by, inflight }, HashKey::Carried))
}

/// Whether servers named after such a method may be backups (CF-6).
pub(super) fn takes_backup(method: Method) -> bool {
    !matches!(
        method,
        Method::Hash | Method::ConsistentHash | Method::IpHash | Method::Random | Method::RandomTwo
    )
}
