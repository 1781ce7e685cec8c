use std::fmt;

use md5::{Digest, Md5};

use crate::balance::Route;

/// What sticky requests call a peer (SK-1): the `route` of its `server` line, else the MD5 of its
/// address as logs show it, in lower-case hex. `None` for a route that is empty or too long.
pub(crate) fn server_id(route: Option<&str>, address: impl fmt::Display) -> Option<Route> {
    match route {
        Some(route) => Route::new(route),
        None => Route::new(&hex(&md5(address.to_string().as_bytes()))),
    }
}

pub(super) fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16);
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_named_by_its_md5_and_a_route_by_itself() {
        for (route, address, id) in [
            (None, "127.0.0.1:19001", "9f23fdfb4b98c8f845ae04e3662871ac"),
            (None, "[::1]:19001", "b423836b99f884fea848043118b3d7fc"),
            (None, "unix:/run/a.sock", "8cef2b5a944ef5972cac7a36adf74cbb"),
            (Some("b"), "127.0.0.1:19002", "b"),
        ] {
            let found = server_id(route, address).expect("a name");
            assert_eq!(found.as_str(), id, "{address}");
        }
        assert_eq!(server_id(Some(""), "127.0.0.1:1"), None);
        assert_eq!(server_id(Some(&"x".repeat(33)), "127.0.0.1:1"), None);
    }
}
