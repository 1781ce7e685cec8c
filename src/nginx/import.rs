use std::path::Path;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderName, Version};

use super::level::{GRPC_SSL, Level, PROXY_SSL};
use super::outline::{Chain, Outline};
use super::{Directive, Lookups, Modifier, PassTls, PassUrl, Place, Problem, Problems, Rewrite};
use super::{client_variables, load, parse, set_header, upstream_block, upstream_blocks_together};
use crate::upstream::config::{ConfigError, GroupConfig, Proxy};

/// The name places carry when a configuration comes as text.
const FILE: &str = "nginx.conf";

/// What one location of a configuration means to a client service.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The upstream block it passes to, or a group of one for an address.
    pub group: GroupConfig,
    /// Its timeouts and retry rules.
    pub proxy: Proxy,
    /// What it makes of a request.
    pub rewrite: Rewrite,
    /// How its servers are spoken to over TLS, if they are (`proxy_pass https://...`,
    /// `grpc_pass grpcs://...`).
    pub tls: Option<PassTls>,
    /// What its author may not have meant.
    pub warnings: Vec<Problem>,
}

/// Reads what the location for the path `location` says, from a whole `nginx.conf` or from bare
/// `upstream` and `server` blocks.
///
/// The location is found as NGINX finds it. Where several servers have one for the path, put the
/// wanted server's name in front: `api.example.no/orders`. All problems are reported at once. Files
/// that are named in it are relative to where the process runs.
pub fn import(text: &str, location: &str) -> Result<Imported, ConfigError> {
    let mut problems = Problems::new();
    let tree = parse(text, FILE, &mut problems);
    read(
        &tree,
        &Place::whole(FILE),
        Path::new(""),
        location,
        problems,
    )
}

/// The same for a file, whose `include`s are followed; files it names are relative to its folder.
pub fn import_file(path: &Path, location: &str) -> Result<Imported, ConfigError> {
    let mut problems = Problems::new();
    let tree = load(path, &mut problems);
    let whole = Place::whole(&path.to_string_lossy());
    let base = path.parent().unwrap_or(Path::new(""));
    read(&tree, &whole, base, location, problems)
}

fn read(
    tree: &[Directive],
    whole: &Place,
    base: &Path,
    location: &str,
    mut problems: Problems,
) -> Result<Imported, ConfigError> {
    let outline = Outline::read(tree, &mut problems);
    let groups: Vec<GroupConfig> = outline
        .upstreams
        .iter()
        .filter_map(|block| upstream_block(block, &outline.resolver, &mut problems))
        .collect();
    upstream_blocks_together(&outline.upstreams, &mut problems);
    let upstreams = Upstreams {
        // With a broken block the location might seem to pass to a host of that name.
        whole: groups.len() == outline.upstreams.len(),
        blocks: &outline.upstreams,
        base,
        groups,
    };
    let imported = outline
        .find(location, whole, &mut problems)
        .and_then(|found| take(&found, &upstreams, &mut problems));
    match imported {
        Some(imported) if !problems.has_errors() => Ok(Imported {
            warnings: problems.iter().cloned().collect(),
            ..imported
        }),
        _ => Err(problems.into_error()),
    }
}

/// The `upstream` blocks and what they come to; one for one, if all could be read.
struct Upstreams<'a> {
    blocks: &'a [&'a Directive],
    /// The folder that files are relative to.
    base: &'a Path,
    groups: Vec<GroupConfig>,
    whole: bool,
}

impl Upstreams<'_> {
    /// The group a destination means; none if that cannot be known.
    fn find(
        &self,
        pass: &PassUrl,
        problems: &mut Problems,
    ) -> Result<Option<(GroupConfig, Lookups)>, String> {
        if !self.whole {
            return Ok(None);
        }
        let Some(index) = pass.find(&self.groups)? else {
            return Ok(Some((pass.group(), Lookups::default())));
        };
        let mut group = self.groups[index].clone();
        let known = client_variables::known_in_keys;
        let lookups = Lookups::read(self.blocks[index], &mut group, known, problems);
        Ok(Some((group, lookups)))
    }
}

/// What the chosen location and the levels around it say together.
fn take(
    chain: &Chain<'_, '_>,
    upstreams: &Upstreams<'_>,
    problems: &mut Problems,
) -> Option<Imported> {
    let location = chain.last()?;
    let Some(directive) = location.passes.last() else {
        let place = &location.directive?.name.place;
        problems.push(
            place,
            "this location has no \"proxy_pass\" or \"grpc_pass\"",
        );
        return None;
    };
    let grpc = directive.name() == "grpc_pass";
    let (set_header, other) = match grpc {
        true => ("grpc_set_header", "proxy_"),
        false => ("proxy_set_header", "grpc_"),
    };
    for level in chain {
        level.refuse(other, problems);
    }
    let headers = headers(chain, set_header, problems);
    let fail = |problems: &mut Problems, message: String| {
        problems.push(directive.place(0), message);
        None
    };
    let name = directive.name();
    if directive.arg(0).contains('$') {
        let message = format!("variables in \"{name}\" are not supported for a client");
        return fail(problems, message);
    }
    if grpc && !cfg!(feature = "http2") {
        let message = "\"grpc_pass\" needs this crate's feature \"http2\"";
        return fail(problems, message.into());
    }
    let pass = match grpc {
        true => PassUrl::grpc(directive.arg(0)),
        false => PassUrl::parse(directive.arg(0)),
    };
    let pass = match pass {
        Ok(pass) => pass,
        Err(message) => return fail(problems, message),
    };
    let (group, lookups) = match upstreams.find(&pass, problems) {
        Ok(found) => found?,
        Err(message) => return fail(problems, message),
    };
    let replace = match replaced(location, &pass) {
        Ok(replace) => replace,
        Err(message) => return fail(problems, message),
    };
    let (ssl, prefix) = match grpc {
        true => (&location.grpc_ssl, GRPC_SSL),
        false => (&location.ssl, PROXY_SSL),
    };
    let tls = ssl.finish(prefix, &pass, directive, upstreams.base, problems);
    let tls = tls.and_then(|tls| tls.fixed(prefix, problems));
    let (proxy, version) = match grpc {
        true => (location.grpc.finish_grpc(), Version::HTTP_2),
        false => (location.proxy.finish(), location.proxy.version()),
    };
    let mut rewrite = Rewrite::new(&pass, version, headers, replace, lookups);
    if grpc {
        // It is `proxy_pass` that NGINX has the variable for.
        rewrite.proxy_host.clear();
    }
    Some(Imported {
        group,
        proxy,
        rewrite,
        tls,
        warnings: Vec::new(),
    })
}

/// The part of the path that gives way to the URI of `proxy_pass`.
fn replaced(location: &Level<'_>, pass: &PassUrl) -> Result<Option<(String, String)>, String> {
    match location.matcher {
        _ if pass.uri.is_empty() => Ok(None),
        Some((Modifier::Named, _)) => Err("\"proxy_pass\" cannot have URI part in location given \
             by regular expression, or inside named location, or inside \"if\" statement, or \
             inside \"limit_except\" block"
            .into()),
        Some((_, text)) => Ok(Some((text.to_owned(), pass.uri.clone()))),
        None => Ok(None),
    }
}

/// The `proxy_set_header`s, or whatever they are called, of the innermost level that has any (CF-1).
fn headers(
    chain: &Chain<'_, '_>,
    name: &str,
    problems: &mut Problems,
) -> Vec<(HeaderName, super::Template)> {
    let own = |level: &Level<'_>| level.set_headers.iter().any(|d| d.name() == name);
    let Some(level) = chain.iter().rev().find(|level| own(level)) else {
        return Vec::new();
    };
    let directives = level.set_headers.iter().filter(|d| d.name() == name);
    let mut headers = Vec::new();
    for directive in directives {
        let Some((name, value)) = set_header(directive, client_variables::known, problems) else {
            continue;
        };
        match HeaderName::try_from(&name) {
            Ok(CONTENT_LENGTH | TRANSFER_ENCODING) => problems.push(
                directive.place(0),
                format!("\"{name}\" follows from the body and cannot be set for a client"),
            ),
            Ok(name) => headers.push((name, value)),
            Err(error) => problems.push(directive.place(0), error.to_string()),
        }
    }
    headers
}
