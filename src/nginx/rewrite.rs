use http::header::{CONNECTION, HOST, InvalidHeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Version};

use super::client_variables::ClientVariables;
use super::{Lookups, PassUrl, Template};
use crate::balance::{Affinity, Key, Route};

/// What a location makes of a request before it is sent: version, headers, URI, and where it
/// belongs.
#[derive(Clone, Debug)]
pub struct Rewrite {
    pub(super) proxy_host: String,
    pub(super) proxy_port: String,
    /// `proxy_http_version`
    pub(super) version: Version,
    /// All of them, NGINX's defaults included.
    pub(super) headers: Vec<(HeaderName, Template)>,
    /// What gives way to what at the beginning of the path.
    pub(super) replace: Option<(String, String)>,
    /// What decides where it goes.
    pub(super) lookups: Lookups,
}

impl Rewrite {
    /// NGINX's defaults, `Host $proxy_host` and, in HTTP/1, `Connection close`, hold unless `headers`
    /// names them.
    pub(super) fn new(
        pass: &PassUrl,
        version: Version,
        mut headers: Vec<(HeaderName, Template)>,
        replace: Option<(String, String)>,
        lookups: Lookups,
    ) -> Self {
        let close = (version < Version::HTTP_2).then_some((CONNECTION, "close"));
        for (name, value) in close.into_iter().chain([(HOST, pass.host.as_str())]) {
            if !headers.iter().any(|(n, _)| *n == name) {
                headers.insert(0, (name, Template::literal(value)));
            }
        }
        Self {
            proxy_host: pass.host.clone(),
            proxy_port: pass.port.clone(),
            version,
            headers,
            replace,
            lookups,
        }
    }

    /// The version requests are sent with: `proxy_http_version`, default 1.0; 2 for `grpc_pass`.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The headers set, in order; those that evaluate to nothing are left out of a request.
    pub fn headers(&self) -> &[(HeaderName, Template)] {
        &self.headers
    }

    /// Changes a request's head, and says in its extensions where it belongs, as far as its caller
    /// has not said so in an [`Affinity`]. An error means that a value, such as a decoded `$uri`, cannot
    /// stand in a header; the request is then half changed.
    pub fn apply(&self, request: &mut Parts) -> Result<(), InvalidHeaderValue> {
        let mut values = Vec::with_capacity(self.headers.len());
        for (_, template) in &self.headers {
            values.push(self.value(template, request)?);
        }
        if let Some(affinity) = self.affinity(request) {
            request.extensions.insert(affinity);
        }
        for (name, _) in &self.headers {
            request.headers.remove(name);
        }
        for ((name, _), value) in self.headers.iter().zip(values) {
            if let Some(value) = value {
                request.headers.append(name, value);
            }
        }
        request.version = self.version();
        self.replace_path(request);
        Ok(())
    }

    fn variables<'a>(&'a self, request: &'a Parts) -> ClientVariables<'a> {
        ClientVariables {
            request,
            proxy_host: &self.proxy_host,
            proxy_port: &self.proxy_port,
        }
    }

    /// What the group goes by, of the request as it came; nothing if it goes by nothing.
    fn affinity(&self, request: &Parts) -> Option<Affinity> {
        if self.lookups.is_empty() {
            return None;
        }
        let carried = request.extensions.get::<Affinity>();
        let mut affinity = carried.copied().unwrap_or_default();
        let variables = self.variables(request);
        if let (None, Some(key)) = (affinity.key, &self.lookups.key) {
            affinity.key = Key::new(variables.bytes(key));
        }
        if affinity.route.is_none() {
            let mut text = String::new();
            for route in &self.lookups.routes {
                route.eval(&variables, &mut text);
                if !text.is_empty() {
                    break;
                }
            }
            affinity.route = Route::new(&text);
        }
        if affinity.client.is_none() && self.lookups.client {
            affinity.client = variables.remote().map(|addr| addr.ip().to_canonical());
        }
        Some(affinity)
    }

    fn value(
        &self,
        template: &Template,
        request: &Parts,
    ) -> Result<Option<HeaderValue>, InvalidHeaderValue> {
        let mut text = String::new();
        template.eval(&self.variables(request), &mut text);
        match text.is_empty() {
            true => Ok(None),
            false => HeaderValue::from_bytes(text.as_bytes()).map(Some),
        }
    }

    /// A path outside the location, or one that would not be a path any more, stays as it is.
    fn replace_path(&self, request: &mut Parts) {
        let Some((location, replacement)) = &self.replace else {
            return;
        };
        let Some(rest) = request.uri.path_and_query() else {
            return;
        };
        let Some(rest) = rest.as_str().strip_prefix(location.as_str()) else {
            return;
        };
        if let Ok(path) = PathAndQuery::try_from(format!("{replacement}{rest}")) {
            let mut uri = std::mem::take(&mut request.uri).into_parts();
            uri.path_and_query = Some(path);
            request.uri = http::Uri::from_parts(uri).unwrap_or_default();
        }
    }
}
