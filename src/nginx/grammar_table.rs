use super::grammar::Client::{self, NoEffect, Reads, Refuses};
use super::grammar::{Contexts, Rule};

const M: Contexts = Contexts::MAIN;
const E: Contexts = Contexts::EVENTS;
const H: Contexts = Contexts::HTTP;
const U: Contexts = Contexts::UPSTREAM;
const S: Contexts = Contexts::SERVER;
const L: Contexts = Contexts::LOCATION;
const MHSL: Contexts = Contexts::MAIN.with(HSL);
const HSL: Contexts = H.with(S).with(L);
const HS: Contexts = H.with(S);
const SL: Contexts = S.with(L);
const ANY: Contexts = MHSL.with(E).with(U);

const MANY: usize = usize::MAX;

/// Read by a gateway.
const fn plain(
    name: &'static str,
    contexts: Contexts,
    fewest: usize,
    most: usize,
    client: Client,
) -> Rule {
    Rule {
        name,
        contexts,
        args: (fewest, most),
        block: false,
        gateway: true,
        client,
    }
}

const fn block(name: &'static str, contexts: Contexts, fewest: usize, most: usize) -> Rule {
    Rule {
        block: true,
        ..plain(name, contexts, fewest, most, Reads)
    }
}

/// NGINX has it, we have not.
const fn absent(name: &'static str, contexts: Contexts, client: Client) -> Rule {
    Rule {
        gateway: false,
        ..plain(name, contexts, 0, MANY, client)
    }
}

/// Every directive we know to exist. One that means different things in different places has a
/// row for each.
pub(super) const ROWS: &[Rule] = &[
    block("events", M, 0, 0),
    block("http", M, 0, 0),
    block("server", H, 0, 0),
    block("location", SL, 1, 2),
    block("upstream", H, 1, 1),
    plain("include", ANY, 1, 1, Refuses),
    // main
    plain("worker_processes", M, 1, 1, NoEffect),
    plain("pid", M, 1, 1, NoEffect),
    plain("user", M, 1, 2, NoEffect),
    plain("daemon", M, 1, 1, NoEffect),
    plain("master_process", M, 1, 1, NoEffect),
    plain("worker_connections", E, 1, 1, NoEffect),
    plain("worker_shutdown_timeout", M, 1, 1, NoEffect),
    plain("error_log", MHSL, 1, MANY, NoEffect),
    // upstream
    plain("server", U, 1, MANY, Reads),
    plain("zone", U, 1, 2, Reads),
    plain("keepalive", U, 1, 1, Reads),
    plain("keepalive_requests", U, 1, 1, Reads),
    plain("keepalive_time", U, 1, 1, Reads),
    plain("keepalive_timeout", U, 1, 1, Reads),
    plain("least_conn", U, 0, 0, Reads),
    plain("ip_hash", U, 0, 0, Reads),
    plain("hash", U, 1, 2, Reads),
    plain("random", U, 0, 2, Reads),
    plain("least_time", U, 1, 2, Reads),
    plain("sticky", U, 2, MANY, Reads),
    plain("resolver", H.with(U), 1, MANY, Reads),
    plain("resolver_timeout", H.with(U), 1, 1, Reads),
    // upstream, ours
    plain("semantics", U, 1, 1, Reads),
    plain("peak_ewma", U, 0, 0, Reads),
    plain("warm_up", U, 1, 3, Reads),
    plain("subset", U, 1, 2, Reads),
    plain("failure_rule", U, 1, 6, Reads),
    plain("ejection_cap", U, 1, 3, Reads),
    plain("slow_fault", U, 1, 4, Reads),
    plain("shadow", U, 1, 1, Reads),
    plain("active_check", U, 0, MANY, Reads),
    plain("retry_budget", U, 1, 2, Reads),
    // the door
    plain("listen", S, 1, MANY, NoEffect),
    plain("server_name", S, 1, MANY, NoEffect),
    plain("client_header_timeout", HS, 1, 1, NoEffect),
    plain("client_header_buffer_size", HS, 1, 1, NoEffect),
    plain("large_client_header_buffers", HS, 2, 2, NoEffect),
    plain("http2", HS, 1, 1, NoEffect),
    plain("client_body_timeout", HSL, 1, 1, NoEffect),
    plain("keepalive_timeout", HSL, 1, 2, NoEffect),
    plain("keepalive_requests", HSL, 1, 1, NoEffect),
    plain("access_log", HSL, 1, MANY, NoEffect),
    plain("log_format", H, 2, MANY, NoEffect),
    plain("set_real_ip_from", HSL, 1, 1, NoEffect),
    plain("real_ip_header", HSL, 1, 1, NoEffect),
    plain("ssl_certificate", HS, 1, 1, NoEffect),
    plain("ssl_certificate_key", HS, 1, 1, NoEffect),
    plain("ssl_protocols", HS, 1, MANY, NoEffect),
    plain("ssl_ciphers", HS, 1, 1, NoEffect),
    plain("ssl_prefer_server_ciphers", HS, 1, 1, NoEffect),
    plain("ssl_ecdh_curve", HS, 1, 1, NoEffect),
    plain("ssl_session_cache", HS, 1, 2, NoEffect),
    plain("ssl_session_timeout", HS, 1, 1, NoEffect),
    plain("ssl_session_tickets", HS, 1, 1, NoEffect),
    plain("ssl_buffer_size", HS, 1, 1, NoEffect),
    plain("ssl_client_certificate", HS, 1, 1, NoEffect),
    plain("ssl_trusted_certificate", HS, 1, 1, NoEffect),
    plain("ssl_verify_client", HS, 1, 1, NoEffect),
    plain("ssl_verify_depth", HS, 1, 1, NoEffect),
    plain("ssl_crl", HS, 1, 1, NoEffect),
    plain("ssl_reject_handshake", HS, 1, 1, NoEffect),
    plain("ssl_stapling", HS, 1, 1, NoEffect),
    plain("ssl_early_data", HS, 1, 1, NoEffect),
    // what a client of a server gets
    plain("return", SL, 1, 2, Refuses),
    plain("add_header", HSL, 2, 3, Refuses),
    plain("add_trailer", HSL, 2, 3, Refuses),
    plain("error_page", HSL, 2, MANY, Refuses),
    plain("default_type", HSL, 1, 1, NoEffect),
    plain("internal", L, 0, 0, Refuses),
    plain("proxy_hide_header", HSL, 1, 1, Refuses),
    plain("proxy_pass_header", HSL, 1, 1, Refuses),
    plain("proxy_method", HSL, 1, 1, Refuses),
    plain("proxy_set_body", HSL, 1, 1, Refuses),
    plain("proxy_pass_request_headers", HSL, 1, 1, Refuses),
    plain("proxy_pass_request_body", HSL, 1, 1, Refuses),
    plain("proxy_intercept_errors", HSL, 1, 1, Refuses),
    plain("proxy_redirect", HSL, 1, 2, Refuses),
    plain("proxy_ignore_client_abort", HSL, 1, 1, Refuses),
    plain("proxy_pass_trailers", HSL, 1, 1, Refuses),
    plain("limit_req_zone", H, 3, 3, NoEffect),
    plain("limit_req", HSL, 1, 3, Refuses),
    plain("limit_req_status", HSL, 1, 1, Refuses),
    plain("limit_req_dry_run", HSL, 1, 1, Refuses),
    plain("limit_req_log_level", HSL, 1, 1, Refuses),
    plain("limit_conn_zone", H, 2, 2, NoEffect),
    plain("limit_conn", HSL, 2, 2, Refuses),
    plain("limit_conn_status", HSL, 1, 1, Refuses),
    plain("limit_conn_dry_run", HSL, 1, 1, Refuses),
    plain("limit_conn_log_level", HSL, 1, 1, Refuses),
    // the way to a peer
    plain("proxy_pass", L, 1, 1, Reads),
    plain("proxy_set_header", HSL, 2, 2, Reads),
    plain("proxy_http_version", HSL, 1, 1, Reads),
    plain("proxy_connect_timeout", HSL, 1, 1, Reads),
    plain("proxy_send_timeout", HSL, 1, 1, Reads),
    plain("proxy_read_timeout", HSL, 1, 1, Reads),
    plain("proxy_next_upstream", HSL, 1, MANY, Reads),
    plain("proxy_next_upstream_tries", HSL, 1, 1, Reads),
    plain("proxy_next_upstream_timeout", HSL, 1, 1, Reads),
    plain("proxy_buffering", HSL, 1, 1, Reads),
    plain("proxy_request_buffering", HSL, 1, 1, Reads),
    plain("proxy_buffer_size", HSL, 1, 1, Reads),
    plain("proxy_buffers", HSL, 2, 2, Reads),
    plain("client_max_body_size", HSL, 1, 1, Reads),
    plain("grpc_pass", L, 1, 1, Reads),
    plain("grpc_set_header", HSL, 2, 2, Reads),
    plain("grpc_connect_timeout", HSL, 1, 1, Reads),
    plain("grpc_send_timeout", HSL, 1, 1, Reads),
    plain("grpc_read_timeout", HSL, 1, 1, Reads),
    plain("grpc_next_upstream", HSL, 1, MANY, Reads),
    plain("grpc_next_upstream_tries", HSL, 1, 1, Reads),
    plain("grpc_next_upstream_timeout", HSL, 1, 1, Reads),
    plain("grpc_buffer_size", HSL, 1, 1, Reads),
    plain("grpc_hide_header", HSL, 1, 1, Refuses),
    plain("grpc_pass_header", HSL, 1, 1, Refuses),
    plain("grpc_intercept_errors", HSL, 1, 1, Refuses),
    plain("proxy_ssl_certificate", HSL, 1, 1, Reads),
    plain("proxy_ssl_certificate_key", HSL, 1, 1, Reads),
    plain("proxy_ssl_ciphers", HSL, 1, 1, Reads),
    plain("proxy_ssl_crl", HSL, 1, 1, Reads),
    plain("proxy_ssl_name", HSL, 1, 1, Reads),
    plain("proxy_ssl_protocols", HSL, 1, MANY, Reads),
    plain("proxy_ssl_server_name", HSL, 1, 1, Reads),
    plain("proxy_ssl_session_reuse", HSL, 1, 1, Reads),
    plain("proxy_ssl_trusted_certificate", HSL, 1, 1, Reads),
    plain("proxy_ssl_verify", HSL, 1, 1, Reads),
    plain("proxy_ssl_verify_depth", HSL, 1, 1, Reads),
    plain("grpc_ssl_certificate", HSL, 1, 1, Reads),
    plain("grpc_ssl_certificate_key", HSL, 1, 1, Reads),
    plain("grpc_ssl_ciphers", HSL, 1, 1, Reads),
    plain("grpc_ssl_crl", HSL, 1, 1, Reads),
    plain("grpc_ssl_name", HSL, 1, 1, Reads),
    plain("grpc_ssl_protocols", HSL, 1, MANY, Reads),
    plain("grpc_ssl_server_name", HSL, 1, 1, Reads),
    plain("grpc_ssl_session_reuse", HSL, 1, 1, Reads),
    plain("grpc_ssl_trusted_certificate", HSL, 1, 1, Reads),
    plain("grpc_ssl_verify", HSL, 1, 1, Reads),
    plain("grpc_ssl_verify_depth", HSL, 1, 1, Reads),
    // ours
    plain("proxy_hedge", HSL, 1, 2, Reads),
    // NGINX's own that only concern its door, its files or its process
    absent("multi_accept", E, NoEffect),
    absent("use", E, NoEffect),
    absent("accept_mutex", E, NoEffect),
    absent("worker_rlimit_nofile", M, NoEffect),
    absent("worker_cpu_affinity", M, NoEffect),
    absent("load_module", M, NoEffect),
    absent("sendfile", HSL, NoEffect),
    absent("tcp_nopush", HSL, NoEffect),
    absent("tcp_nodelay", HSL, NoEffect),
    absent("server_tokens", HSL, NoEffect),
    absent("root", HSL, NoEffect),
    absent("index", HSL, NoEffect),
    absent("types_hash_max_size", HSL, NoEffect),
    absent("server_names_hash_bucket_size", H, NoEffect),
    absent("server_names_hash_max_size", H, NoEffect),
    absent("send_timeout", HSL, NoEffect),
    absent("keepalive_time", HSL, NoEffect),
    absent("gzip", HSL, NoEffect),
    absent("gzip_types", HSL, NoEffect),
    absent("ssl", HS, NoEffect),
    absent("ssl_password_file", HS, NoEffect),
    absent("ssl_dhparam", HS, NoEffect),
    absent("ssl_session_ticket_key", HS, NoEffect),
    absent("ssl_stapling_file", HS, NoEffect),
    absent("ssl_stapling_responder", HS, NoEffect),
    absent("ssl_stapling_verify", HS, NoEffect),
    absent("ssl_ocsp", HS, NoEffect),
    absent("ssl_ocsp_cache", HS, NoEffect),
    absent("ssl_ocsp_responder", HS, NoEffect),
    absent("ssl_conf_command", HS, NoEffect),
    // NGINX's own that change what a request meets
    absent("resolver", SL, Refuses),
    absent("resolver_timeout", SL, Refuses),
    absent("rewrite", SL, Refuses),
    absent("set", SL, Refuses),
    absent("auth_basic", HSL, Refuses),
    absent("auth_request", HSL, Refuses),
    absent("allow", HSL, Refuses),
    absent("deny", HSL, Refuses),
    absent("alias", L, Refuses),
    absent("try_files", SL, Refuses),
    absent("limit_rate", HSL, Refuses),
    absent("proxy_bind", HSL, Refuses),
    absent("proxy_busy_buffers_size", HSL, Refuses),
    absent("proxy_cache", HSL, Refuses),
    absent("proxy_cache_path", H, Refuses),
    absent("proxy_cache_valid", HSL, Refuses),
    absent("proxy_cookie_domain", HSL, Refuses),
    absent("proxy_cookie_path", HSL, Refuses),
    absent("proxy_ignore_headers", HSL, Refuses),
    absent("proxy_limit_rate", HSL, Refuses),
    absent("proxy_max_temp_file_size", HSL, Refuses),
    absent("proxy_socket_keepalive", HSL, Refuses),
    absent("proxy_ssl_conf_command", HSL, Refuses),
    absent("proxy_ssl_password_file", HSL, Refuses),
    absent("proxy_store", HSL, Refuses),
    absent("proxy_temp_path", HSL, Refuses),
    absent("fastcgi_pass", L, Refuses),
    absent("grpc_bind", HSL, Refuses),
    absent("grpc_ignore_headers", HSL, Refuses),
    absent("grpc_socket_keepalive", HSL, Refuses),
    absent("grpc_ssl_conf_command", HSL, Refuses),
    absent("grpc_ssl_password_file", HSL, Refuses),
    absent("uwsgi_pass", L, Refuses),
    Rule {
        block: true,
        ..absent("if", SL, Refuses)
    },
    Rule {
        block: true,
        ..absent("limit_except", L, Refuses)
    },
    Rule {
        block: true,
        ..absent("types", HSL, NoEffect)
    },
    Rule {
        block: true,
        ..absent("map", H, Refuses)
    },
    Rule {
        block: true,
        ..absent("geo", H, Refuses)
    },
    Rule {
        block: true,
        ..absent("split_clients", H, Refuses)
    },
    Rule {
        block: true,
        ..absent("stream", M, NoEffect)
    },
    Rule {
        block: true,
        ..absent("mail", M, NoEffect)
    },
];
