//! What `$name` stands for, worked out when it is asked for.

mod request;
mod tls;
mod upstream;

use tower_upstream::nginx::Variables;

use crate::exchange::Exchange;

/// Names with a value of their own.
const NAMES: &[&str] = &[
    "args",
    "binary_remote_addr",
    "body_bytes_sent",
    "connection",
    "connection_requests",
    "content_length",
    "content_type",
    "document_uri",
    "host",
    "hostname",
    "http2",
    "https",
    "is_args",
    "limit_conn_status",
    "limit_req_status",
    "msec",
    "pid",
    "proxy_add_x_forwarded_for",
    "proxy_host",
    "proxy_port",
    "query_string",
    "realip_remote_addr",
    "realip_remote_port",
    "remote_addr",
    "remote_port",
    "remote_user",
    "request",
    "request_id",
    "request_method",
    "request_time",
    "request_uri",
    "scheme",
    "server_addr",
    "server_name",
    "server_port",
    "server_protocol",
    "ssl_alpn_protocol",
    "ssl_cipher",
    "ssl_client_cert",
    "ssl_client_escaped_cert",
    "ssl_client_fingerprint",
    "ssl_client_i_dn",
    "ssl_client_raw_cert",
    "ssl_client_s_dn",
    "ssl_client_serial",
    "ssl_client_verify",
    "ssl_curve",
    "ssl_protocol",
    "ssl_server_name",
    "ssl_session_reused",
    "status",
    "time_iso8601",
    "time_local",
    "upstream_addr",
    "upstream_bytes_received",
    "upstream_bytes_sent",
    "upstream_connect_time",
    "upstream_header_time",
    "upstream_response_length",
    "upstream_response_time",
    "upstream_status",
    "uri",
    // What expressions captured; the rest of the digits is in `known`.
    "1",
    "2",
    "3",
    "4",
    "5",
];

/// Beginnings of names whose rest names a header, an argument or a cookie.
const FAMILIES: [&str; 6] = [
    "http_",
    "arg_",
    "cookie_",
    "sent_http_",
    "upstream_http_",
    "upstream_cookie_",
];

/// Whether there is a variable of that name, lower case and without the `$`.
pub fn known(name: &str) -> bool {
    let family = |prefix: &&str| {
        name.strip_prefix(*prefix)
            .is_some_and(|rest| !rest.is_empty())
    };
    NAMES.contains(&name) || matches!(name, "6" | "7" | "8" | "9") || FAMILIES.iter().any(family)
}

impl Variables for Exchange {
    fn append(&self, name: &str, out: &mut String) -> bool {
        if let Some(rest) = name.strip_prefix("upstream_") {
            return upstream::append(self, rest, out);
        }
        if let Some(rest) = name.strip_prefix("ssl_") {
            return tls::append(&self.client.cover, rest, out);
        }
        request::append(self, name, out)
    }
}

/// A value for headers and the like.
pub fn eval(template: &tower_upstream::nginx::Template, exchange: &Exchange) -> String {
    let mut out = String::new();
    template.eval(exchange, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::known;

    #[test]
    fn families_need_a_rest() {
        assert!(known("http_host"));
        assert!(known("arg_x"));
        assert!(!known("http_"));
        assert!(!known("nope"));
        assert!(known("9"));
        assert!(!known("0"));
    }
}
