use tower_upstream::nginx::{Directive, ProxyLevel, SslLevel, grpc_directive, proxy_directive};

use super::answer::Answers;
use super::door::Door;
use super::forward::Forward;
use super::limit::Limits;
use super::log::Logs;
use super::real_ip::RealIp;
use super::shared::Shared;
use crate::config::{Action, Location, Matcher, Return};
use crate::variables::known;

/// How the names of the directives begin that say how servers are spoken to over TLS.
pub(crate) const PROXY_SSL: &str = "proxy_ssl_";
pub(crate) const GRPC_SSL: &str = "grpc_ssl_";

/// What may be said at every level, by family; each knows how it is inherited (CF-1).
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    pub(crate) proxy: ProxyLevel,
    pub(crate) proxy_ssl: SslLevel,
    pub(crate) forward: Forward,
    /// What `grpc_pass` goes by.
    pub(crate) grpc: ProxyLevel,
    pub(crate) grpc_ssl: SslLevel,
    pub(crate) grpc_forward: Forward,
    door: Door,
    answers: Answers,
    logs: Logs,
    real_ip: RealIp,
    limits: Limits,
}

impl Scope {
    /// False if no family knows the directive.
    pub(crate) fn directive(&mut self, d: &Directive, shared: &mut Shared) -> bool {
        let formats = &shared.log_formats;
        let problems = &mut shared.problems;
        proxy_directive(&mut self.proxy, d, problems)
            || self.proxy_ssl.directive(PROXY_SSL, d, known, problems)
            || self.forward.directive(d, problems)
            || grpc_directive(&mut self.grpc, d, problems)
            || self.grpc_ssl.directive(GRPC_SSL, d, known, problems)
            || self.grpc_forward.grpc(d, problems)
            || self.door.directive(d, problems)
            || self.answers.directive(d, problems)
            || self.logs.directive(d, formats, problems)
            || self.real_ip.directive(d, problems)
            || self.limits.directive(d, shared)
    }

    /// Fills what this level leaves open from the level around it.
    pub(crate) fn inherit(&mut self, outer: &Self, shared: &mut Shared) {
        self.proxy.inherit(&outer.proxy, &mut shared.problems);
        self.proxy_ssl.inherit(&outer.proxy_ssl);
        self.forward.inherit(&outer.forward);
        self.grpc.inherit(&outer.grpc, &mut shared.problems);
        self.grpc_ssl.inherit(&outer.grpc_ssl);
        self.grpc_forward.inherit(&outer.grpc_forward);
        self.door.inherit(&outer.door);
        self.answers.inherit(&outer.answers);
        self.logs.inherit(&outer.logs);
        self.real_ip.inherit(&outer.real_ip);
        self.limits.inherit(&outer.limits);
    }

    /// The finished level.
    pub(crate) fn level(
        &self,
        matcher: Matcher,
        action: Action,
        returns: Option<Return>,
        locations: Vec<Location>,
        shared: &Shared,
    ) -> Location {
        let (keepalive_timeout, keepalive_header) = self.door.keepalive();
        Location {
            matcher,
            action,
            returns,
            locations,
            client_max_body_size: self.proxy.max_body_size.unwrap_or(1 << 20),
            client_body_timeout: self.door.body_timeout(),
            keepalive_timeout,
            keepalive_header,
            keepalive_requests: self.door.keepalive_requests(),
            add_headers: self.answers.add_headers.clone(),
            add_trailers: self.answers.add_trailers.clone(),
            default_type: self.answers.default_type(),
            internal: self.answers.internal,
            error_pages: self.answers.error_pages.clone(),
            access_logs: self.logs.access_logs(),
            error_log: self.logs.error_log.clone(),
            limit_req: self.limits.requests(shared),
            limit_conn: self.limits.connections(shared),
            real_ip_from: self.real_ip.from.clone(),
            real_ip_header: self.real_ip.header(),
        }
    }
}
