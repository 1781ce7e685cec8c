//! Looks that ask gRPC's own health service.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tower::{Service, service_fn};
use tower_upstream::HealthCheck;
use tower_upstream::classify::Codes;
use tower_upstream::upstream::config::GrpcProbe;

use crate::server::{Act, TestServer};
use crate::text::Text;
use crate::world::{World, quick};

const SERVING: &str = "\x08\x01";
const NOT_SERVING: &str = "\x08\x02";

/// What is answered, and the questions; the messages are so simple that they are text.
#[derive(Clone)]
struct Health(Arc<Mutex<(Answer, Vec<String>)>>);

type Answer = Result<&'static str, Status>;

impl Health {
    async fn start(answer: Answer) -> (Self, SocketAddr) {
        let health = Self(Arc::new(Mutex::new((answer, Vec::new()))));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::builder().add_service(health.clone());
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        (health, address)
    }

    fn answers(&self, answer: Answer) {
        self.0.lock().unwrap().0 = answer;
    }

    fn asked(&self) -> String {
        self.0.lock().unwrap().1.last().cloned().unwrap()
    }

    fn check(&self, request: &Request<String>) -> Result<Response<String>, Status> {
        let (answer, asked) = &mut *self.0.lock().unwrap();
        asked.push(request.get_ref().clone());
        answer.clone().map(|text| Response::new(text.to_owned()))
    }
}

impl NamedService for Health {
    const NAME: &'static str = "grpc.health.v1.Health";
}

impl Service<http::Request<Body>> for Health {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let health = self.clone();
        Box::pin(async move {
            assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
            let check = |request: Request<String>| {
                let answer = health.check(&request);
                async move { answer }
            };
            Ok(Grpc::new(Text).unary(service_fn(check), request).await)
        })
    }
}

#[tokio::test]
async fn a_server_is_well_while_it_says_that_it_serves() {
    let (health, address) = Health::start(Ok(SERVING)).await;
    let name = address.to_string();
    let mut world = World::checked(&[&name], quick(HealthCheck::grpc("shop.Orders")));
    world.known().await;
    assert_eq!(world.verdicts(), [Some(true)]);
    assert_eq!(health.asked(), "\x0a\x0bshop.Orders");
    for (answer, words) in [
        (Ok(NOT_SERVING), "not serving"),
        // An enum's zero is left out: UNKNOWN.
        (Ok(""), "not serving"),
        (Err(Status::not_found("who?")), "gRPC status NOT_FOUND"),
        (Ok("\x0f"), "no proper answer: no HealthCheckResponse"),
    ] {
        health.answers(answer);
        assert_eq!(world.change().await, format!("{name} down: {words}"));
        health.answers(Ok(SERVING));
        assert_eq!(world.change().await, format!("{name} up"));
    }
}

#[tokio::test]
async fn a_status_may_be_well_without_an_answer() {
    let (health, address) = Health::start(Err(Status::unimplemented("no"))).await;
    let name = address.to_string();
    let probe = GrpcProbe {
        status: Codes::UNIMPLEMENTED,
        ..GrpcProbe::default()
    };
    let mut world = World::checked(&[&name], quick(HealthCheck::new(probe)));
    world.known().await;
    assert_eq!(
        (world.verdicts(), health.asked().as_str()),
        (vec![Some(true)], "")
    );
    health.answers(Ok(SERVING));
    assert_eq!(world.change().await, format!("{name} down: gRPC status OK"));
}

#[tokio::test]
async fn whoever_speaks_http_1_or_is_gone_is_not_well() {
    let mut server = TestServer::new(Act::Status(200)).await;
    let name = server.name();
    let check = quick(HealthCheck::grpc("")).fall(1);
    let mut world = World::checked(&[&name], check.clone());
    let change = world.change().await;
    let expected = format!("{name} down: no proper answer: ");
    assert!(change.starts_with(&expected), "{change}");
    server.close().await;
    let mut world = World::checked(&[&name], check);
    let change = world.change().await;
    let expected = format!("{name} down: no connection: ");
    assert!(change.starts_with(&expected), "{change}");
}
