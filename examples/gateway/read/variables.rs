/// Names that stand for themselves.
const NAMES: [&str; 35] = [
    "host",
    "args",
    "uri",
    "request_uri",
    "request",
    "request_method",
    "scheme",
    "server_name",
    "server_addr",
    "server_port",
    "remote_addr",
    "remote_port",
    "binary_remote_addr",
    "proxy_host",
    "proxy_port",
    "proxy_add_x_forwarded_for",
    "content_length",
    "content_type",
    "connection",
    "connection_requests",
    "request_time",
    "msec",
    "time_local",
    "time_iso8601",
    "status",
    "body_bytes_sent",
    "upstream_addr",
    "upstream_status",
    "upstream_response_time",
    "upstream_connect_time",
    "upstream_header_time",
    "upstream_response_length",
    "upstream_bytes_sent",
    "upstream_bytes_received",
    // `combined` has it; without authentication it never has a value.
    "remote_user",
];

/// Families of names.
const PREFIXES: [&str; 5] = ["http_", "arg_", "cookie_", "upstream_http_", "sent_http_"];

/// Whether the gateway has a variable of this name, given in lower case.
pub(crate) fn known(name: &str) -> bool {
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
