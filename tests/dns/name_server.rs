//! A real authoritative name server for the zone `example.`, whose records and moods a test changes.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{HeaderCounts, Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::{A, AAAA, CNAME, SOA, SRV};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{
    AxfrPolicy, Catalog, MessageResponseBuilder, ZoneHandler, ZoneType,
};
use tokio::net::{TcpListener, UdpSocket};
use tower_upstream::ResolverConfig;

/// What the server does with questions.
#[derive(Clone, Copy)]
pub(crate) enum Mood {
    Answers,
    AnswersAfter(Duration),
    Refuses(ResponseCode),
    /// Refuses what is asked of one name only.
    RefusesOne(&'static str, ResponseCode),
    /// Refuses questions for one kind of records only.
    RefusesKind(RecordType, ResponseCode),
    Silent,
}

#[derive(Clone)]
struct Zone(Arc<Mutex<State>>);

struct State {
    catalog: Arc<Catalog>,
    mood: Mood,
    asked: Vec<(String, RecordType, Instant)>,
}

pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    zone: Zone,
    running: Option<Server<Zone>>,
}

impl NameServer {
    /// Listens on a free port, UDP and TCP.
    pub(crate) async fn start(records: Vec<Record>) -> Self {
        let zone = Zone(Arc::new(Mutex::new(State {
            catalog: catalog(records),
            mood: Mood::Answers,
            asked: Vec::new(),
        })));
        let (address, running) = loop {
            let address = SocketAddr::from(([127, 0, 0, 1], 0));
            let Ok(socket) = UdpSocket::bind(address).await else {
                continue;
            };
            let address = socket.local_addr().unwrap();
            if let Ok(listener) = TcpListener::bind(address).await {
                break (address, serve(&zone, socket, listener));
            }
        };
        Self {
            address,
            zone,
            running: Some(running),
        }
    }

    /// Closes its sockets.
    pub(crate) fn die(&mut self) {
        self.running.take().expect("it runs");
    }

    /// Listens again where it did.
    pub(crate) async fn come_back(&mut self) {
        let listening = async {
            loop {
                let socket = UdpSocket::bind(self.address).await;
                let listener = TcpListener::bind(self.address).await;
                if let (Ok(socket), Ok(listener)) = (socket, listener) {
                    return (socket, listener);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let bound = tokio::time::timeout(Duration::from_secs(5), listening).await;
        let (socket, listener) = bound.expect("its port is free again");
        self.running = Some(serve(&self.zone, socket, listener));
    }

    pub(crate) fn holds(&self, records: Vec<Record>) {
        self.zone.0.lock().unwrap().catalog = catalog(records);
    }

    pub(crate) fn mood(&self, mood: Mood) {
        self.zone.0.lock().unwrap().mood = mood;
    }

    /// When it was asked for records of this kind.
    pub(crate) fn asked(&self, kind: RecordType) -> Vec<Instant> {
        let state = self.zone.0.lock().unwrap();
        let asked = state.asked.iter().filter(|asked| asked.1 == kind);
        asked.map(|asked| asked.2).collect()
    }

    /// It alone, with a second's patience and a pause as long.
    pub(crate) fn config(&self) -> ResolverConfig {
        ResolverConfig {
            servers: vec![self.address.to_string()],
            timeout: Duration::from_secs(1),
            ..ResolverConfig::default()
        }
    }
}

fn serve(zone: &Zone, socket: UdpSocket, listener: TcpListener) -> Server<Zone> {
    let mut server = Server::new(zone.clone());
    server.register_socket(socket);
    server.register_listener(listener, Duration::from_secs(5), 32);
    server
}

#[async_trait::async_trait]
impl RequestHandler for Zone {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut response: R,
    ) -> ResponseInfo {
        let query = request.request_info().unwrap().query;
        let (name, kind) = (query.name().to_string(), query.query_type());
        let (catalog, mood) = {
            let mut state = self.0.lock().unwrap();
            state.asked.push((name.clone(), kind, Instant::now()));
            (Arc::clone(&state.catalog), state.mood)
        };
        let refusal = match mood {
            Mood::Answers => None,
            Mood::AnswersAfter(pause) => {
                tokio::time::sleep(pause).await;
                None
            }
            Mood::Refuses(code) => Some(code),
            Mood::RefusesOne(one, code) => name.starts_with(one).then_some(code),
            Mood::RefusesKind(one, code) => (kind == one).then_some(code),
            Mood::Silent => {
                let metadata = Metadata::response_from_request(&request.metadata);
                return ResponseInfo::from(hickory_server::proto::op::Header {
                    metadata,
                    counts: HeaderCounts::default(),
                });
            }
        };
        match refusal {
            None => catalog.handle_request::<R, T>(request, response).await,
            Some(code) => {
                let message = MessageResponseBuilder::from_message_request(request)
                    .error_msg(&request.metadata, code);
                response.send_response(message).await.unwrap()
            }
        }
    }
}

fn catalog(records: Vec<Record>) -> Arc<Catalog> {
    let origin = name("");
    let soa = SOA::new(origin.clone(), origin.clone(), 1, 60, 60, 60, 60);
    let mut zone: InMemoryZoneHandler =
        InMemoryZoneHandler::empty(origin.clone(), ZoneType::Primary, AxfrPolicy::Deny);
    assert!(zone.upsert_mut(Record::from_rdata(origin.clone(), 60, RData::SOA(soa)), 1));
    for record in records {
        assert!(zone.upsert_mut(record, 1), "each record once");
    }
    let mut catalog = Catalog::new();
    let zone: Arc<dyn ZoneHandler> = Arc::new(zone);
    catalog.upsert(origin.into(), vec![zone]);
    Arc::new(catalog)
}

fn name(below: &str) -> Name {
    let text = match below {
        "" => "example.".to_owned(),
        below => format!("{below}.example."),
    };
    Name::from_ascii(text).unwrap()
}

/// An A or AAAA record of a name below `example.`
pub(crate) fn host(below: &str, ttl: u32, ip: &str) -> Record {
    let data = match ip.parse().unwrap() {
        IpAddr::V4(ip) => RData::A(A(ip)),
        IpAddr::V6(ip) => RData::AAAA(AAAA(ip)),
    };
    Record::from_rdata(name(below), ttl, data)
}

/// `orders.example.` with these A records.
pub(crate) fn orders(ttl: u32, ips: &[&str]) -> Vec<Record> {
    ips.iter().map(|ip| host("orders", ttl, ip)).collect()
}

pub(crate) fn alias(below: &str, ttl: u32, target: &str) -> Record {
    Record::from_rdata(name(below), ttl, RData::CNAME(CNAME(name(target))))
}

/// An SRV record: priority, weight, port, and a target below `example.`
pub(crate) fn srv(below: &str, ttl: u32, (p, w, port): (u16, u16, u16), target: &str) -> Record {
    let target = match target {
        "." => Name::root(),
        target => name(target),
    };
    Record::from_rdata(name(below), ttl, RData::SRV(SRV::new(p, w, port, target)))
}
