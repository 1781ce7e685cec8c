//! From a request to its answer: server, location, action, and error pages in between.

use std::sync::Arc;

use hyper::body::Body as _;
use hyper::header;
use hyper::{Method, Request, Response, Version};

use crate::admit::{self, Found};
use crate::answer::{self, Answer};
use crate::body::{ClientBody, Reply};
use crate::client::Client;
use crate::config::{ErrorPage, Level, PageStatus, Return};
use crate::exchange::{Exchange, Head};
use crate::forward::{self, Source};
use crate::incoming::Incoming;
use crate::limit;
use crate::limit_conn;
use crate::log::error;
use crate::variables::eval;

/// The connection ends without an answer.
#[derive(Debug)]
pub struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed without an answer")
    }
}

impl std::error::Error for Closed {}

/// How often a request may be sent elsewhere by error pages.
const MOST_REDIRECTS: u32 = 10;

/// Serves one request of `client`.
pub async fn handle(
    client: Arc<Client>,
    request: Request<Incoming>,
) -> Result<Response<Reply>, Closed> {
    let (parts, body) = request.into_parts();
    let (started, serial) = match body {
        Incoming::Http1(_) => client.begin_request(!body.is_end_stream()),
        Incoming::Http2(_) => client.begin_stream(),
    };
    let head = Head {
        started,
        serial,
        method: parts.method,
        uri: parts.uri,
        version: parts.version,
        headers: parts.headers,
    };
    let worker = Arc::clone(&client.worker);
    let mut x = Exchange::new(client, head);
    let found = match admit::admit(&mut x) {
        Ok(()) => match &worker.plan.config.servers[x.server].returns {
            Some(returns) => Err(returned(&mut x, returns)),
            None => Ok(admit::locate(&mut x)),
        },
        Err(status) => {
            // Whatever follows a head like this cannot be trusted; streams do not follow each other.
            x.wants_keepalive &= x.version == Version::HTTP_2;
            Err(Answer::Page(status))
        }
    };
    let source = Source::new(parts.extensions, body);
    let abort_matters = !x
        .at()
        .forward
        .as_ref()
        .is_some_and(|f| f.pass.ignore_client_abort);
    if abort_matters {
        return serve(x, found, source).await;
    }
    // The work goes on without its client, so it cannot be the client's to drop.
    x.client.wire().hold_eof = true;
    tokio::spawn(serve(x, found, source))
        .await
        .unwrap_or(Err(Closed))
}

async fn serve(
    mut x: Box<Exchange>,
    found: Result<Found, Answer>,
    mut source: Source,
) -> Result<Response<Reply>, Closed> {
    let mut answer = match found {
        Ok(found) => act(&mut x, found, &mut source).await,
        Err(answer) => answer,
    };
    for _ in 0..MOST_REDIRECTS {
        let Some(page) = error_page(&mut x, &mut answer) else {
            return answer::finish(x, answer, source);
        };
        answer = follow(&mut x, page, &mut source).await;
    }
    answer::finish(x, Answer::Page(500), source)
}

/// Does what the place of an exchange is there for.
async fn act(x: &mut Exchange, found: Found, source: &mut Source) -> Answer {
    match found {
        Found::Here => {}
        Found::Redirect(to) => return Answer::Redirect(301, to),
    }
    let location = &x.at().location;
    if location.internal && !x.paged {
        return Answer::Page(404);
    }
    let most = location.client_max_body_size;
    if let Some(length) = source.length().filter(|length| most != 0 && *length > most) {
        error::about(
            x,
            Level::Error,
            format_args!("client intended to send too large body: {length} bytes"),
        );
        return Answer::Page(413);
    }
    let worker = Arc::clone(&x.client.worker);
    if let Some(returns) = &worker.plan.places[x.place].location.returns {
        return returned(x, returns);
    }
    admit::find_client(x);
    if let Err(status) = limit::requests(x).await {
        return limit::refused(status);
    }
    if let Err(status) = limit_conn::connections(x) {
        return limit::refused(status);
    }
    if x.at().forward.is_none() {
        return Answer::Page(404);
    }
    forward::forward(x, source).await
}

/// What a `return` says; texts may mention its status.
fn returned(x: &mut Exchange, returns: &Return) -> Answer {
    use crate::config::Answer as Configured;
    x.status = returns.status;
    match &returns.answer {
        _ if returns.status == 444 => Answer::Close(444),
        Configured::Page => Answer::Page(returns.status),
        Configured::Text(text) => Answer::Text(returns.status, eval(text, x)),
        Configured::Redirect(to) => Answer::Redirect(returns.status, eval(to, x)),
    }
}

/// The `error_page` for an answer, if this one may still have one.
fn error_page(x: &mut Exchange, answer: &mut Answer) -> Option<ErrorPage> {
    let status = match &*answer {
        Answer::Page(status) | Answer::Redirect(status, _) => *status,
        Answer::Peer(response) => {
            let intercept = x
                .at()
                .forward
                .as_ref()
                .is_some_and(|f| f.pass.intercept_errors);
            Some(response.status().as_u16()).filter(|status| intercept && *status >= 300)?
        }
        Answer::Text(..) | Answer::Close(_) => return None,
    };
    if status < 300 {
        return None;
    }
    let pages = &x.at().location.error_pages;
    let page = pages
        .iter()
        .find(|page| page.codes.contains(&status))
        .cloned();
    if let Answer::Peer(response) = answer {
        // An answer nobody wants to replace is not an error yet.
        page.as_ref()?;
        if status == 401 {
            x.challenge = response.headers().get(header::WWW_AUTHENTICATE).cloned();
        }
        if x.paged {
            *answer = Answer::Page(status);
        }
    }
    // An error of an error page is what the client is told of.
    x.shown_status = None;
    if std::mem::replace(&mut x.paged, true) {
        return None;
    }
    let page = page?;
    x.shown_status = match page.status {
        PageStatus::Keep => Some(status),
        PageStatus::Target => None,
        PageStatus::Fixed(status) => Some(status),
    };
    Some(page)
}

/// Goes where an error page says.
async fn follow(x: &mut Exchange, page: ErrorPage, source: &mut Source) -> Answer {
    let target = eval(&page.target, x);
    x.proxied = None;
    if target.starts_with('@') {
        let site = &x.plan().sites[x.server];
        return match site.named.get(&target).copied() {
            Some(place) => {
                x.place = place;
                act(x, Found::Here, source).await
            }
            None => {
                error::about(
                    x,
                    Level::Error,
                    format_args!("could not find named location \"{target}\""),
                );
                Answer::Page(500)
            }
        };
    }
    if !target.starts_with('/') {
        x.shown_status = None;
        let status = match page.status {
            PageStatus::Fixed(status @ (301 | 302 | 303 | 307 | 308)) => status,
            _ => 302,
        };
        return Answer::Redirect(status, target);
    }
    let (path, args) = match target.split_once('?') {
        Some((path, args)) => (path, args),
        None => (target.as_str(), ""),
    };
    x.path = Some(path.as_bytes().to_vec());
    x.args = Some(args.to_owned());
    x.redirected = true;
    if x.method != Method::HEAD {
        x.method = Method::GET;
    }
    let worker = Arc::clone(&x.client.worker);
    if let Some(returns) = &worker.plan.config.servers[x.server].returns {
        return returned(x, returns);
    }
    let found = admit::locate(x);
    act(x, found, source).await
}

impl Source {
    fn length(&self) -> Option<u64> {
        self.client_body().and_then(|body| body.size_hint().exact())
    }
}

/// The client's body under the limits of the place an exchange is at.
pub fn limited(x: &Exchange, body: Incoming) -> ClientBody {
    let location = &x.at().location;
    ClientBody::new(
        body,
        location.client_max_body_size,
        location.client_body_timeout,
        Arc::clone(&x.client),
    )
}
