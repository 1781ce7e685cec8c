//! Whether a request may come over the connection it came over.

use super::session::Cover;
use super::settings::VerifyClient;
use super::verdict::Verdict;
use crate::exchange::Exchange;
use crate::pages::{BAD_CERTIFICATE, NO_CERTIFICATE, PLAIN_HTTP};

/// What is said of a request for a server that another server's client certificate does not open.
pub const MISDIRECTED: &str =
    "client attempted to request the server name different from the one that was negotiated";

/// Whether a request for `name` must come over a connection of its own: its server wants to see a
/// client's certificate, and another name was negotiated.
pub fn is_misdirected(x: &Exchange, server: usize, name: &str) -> bool {
    let negotiated = x.client.cover.session().and_then(|s| s.found_by.as_deref());
    let verify = x.plan().config.servers[server].verify_client;
    negotiated.is_some_and(|known| known != name) && verify != VerifyClient::Off
}

/// Why a request is refused that is otherwise in order: the status that chooses its page, and what
/// the log says.
pub fn refusal(x: &Exchange) -> Option<(u16, &'static str)> {
    let session = match &x.client.cover {
        Cover::None => return None,
        Cover::Missing => {
            return Some((PLAIN_HTTP, "client sent plain HTTP request to HTTPS port"));
        }
        Cover::Tls(session) => session,
    };
    let verify = x.plan().config.servers[x.server].verify_client;
    if verify == VerifyClient::Off {
        return None;
    }
    if x.server != session.server && !session.client.is_empty() {
        // Another server has looked at the certificate, by its own lights.
        return Some((421, MISDIRECTED));
    }
    match (session.verdict, verify) {
        (Verdict::Failed(why), VerifyClient::OptionalNoCa) if why.unknown_issuer => None,
        (Verdict::Failed(why), _) => Some((BAD_CERTIFICATE, why.sentence)),
        (Verdict::None, VerifyClient::On) => {
            Some((NO_CERTIFICATE, "client sent no required SSL certificate"))
        }
        (Verdict::None | Verdict::Success, _) => None,
    }
}
