use crate::balance::{Method, Route};
use crate::nginx::options::Wrong;
use crate::nginx::{Address, Directive, units};
use crate::upstream::config::Server;

/// `server ADDRESS [PARAMETER ...]` in a group that is balanced by `method` so far; a repeated
/// parameter overrides (CF-2).
pub(super) fn read(d: &Directive, method: Method) -> Result<Server, Wrong> {
    let address = d.arg(0);
    let mut server = Server::new(address);
    for (index, word) in d.args.iter().enumerate().skip(1) {
        parameter(&mut server, &word.text, method).map_err(|message| (index, message))?;
    }
    let at_address = |message| Err((0, message));
    if server.service.is_some() && !server.resolve {
        return at_address(format!(
            "service upstream \"{address}\" requires \"resolve\" parameter"
        ));
    }
    let found = match Address::parse(address) {
        Ok(found) => found,
        Err(what) => return at_address(format!("{what} in upstream \"{address}\"")),
    };
    if server.service.is_some() && found.port.is_some() {
        return at_address(format!("service upstream \"{address}\" may not have port"));
    }
    if server.service.is_some() && !found.is_name() {
        return at_address(format!(
            "service upstream \"{address}\" requires domain name"
        ));
    }
    if server.follows_dns() && !cfg!(feature = "dns") {
        return at_address(format!(
            "\"resolve\" of server \"{address}\" needs the crate's feature \"dns\""
        ));
    }
    Ok(server)
}

fn parameter(server: &mut Server, word: &str, method: Method) -> Result<(), String> {
    let invalid = || format!("invalid parameter \"{word}\"");
    match word.split_once('=') {
        Some(("weight", value)) => match count(value) {
            Some(weight @ 1..) => server.weight = weight,
            _ => return Err(invalid()),
        },
        Some(("max_fails", value)) => server.max_fails = count(value).ok_or_else(invalid)?,
        Some(("max_conns", value)) => server.max_conns = count(value).ok_or_else(invalid)?,
        Some(("fail_timeout", value)) => {
            server.fail_timeout = units::time_s(value).ok_or_else(invalid)?;
        }
        Some(("route", "")) => return Err("route is empty".into()),
        Some(("route", value)) if value.len() > Route::MAX => {
            return Err(format!("route is longer than {}", Route::MAX));
        }
        Some(("route", value)) => server.route = Some(value.to_owned()),
        Some(("service", "")) => return Err("service is empty".into()),
        Some(("service", value)) => server.service = Some(value.to_owned()),
        None if word == "backup" && !super::method::takes_backup(method) => {
            return Err("balancing method does not support parameter \"backup\"".into());
        }
        None if word == "backup" => server.backup = true,
        // The later of the two counts.
        None if word == "down" => (server.down, server.drain) = (true, false),
        None if word == "drain" => (server.down, server.drain) = (false, true),
        None if word == "resolve" => server.resolve = true,
        _ => return Err(invalid()),
    }
    Ok(())
}

/// Digits; what does not fit means "more than ever happens", as in NGINX's wider integers.
fn count(text: &str) -> Option<u32> {
    let number = units::number(text)?;
    Some(u32::try_from(number).unwrap_or(u32::MAX))
}
