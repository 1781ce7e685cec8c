//! NGINX's rules written down as plainly as they can be: everything is counted anew for every pick.

use std::collections::HashSet;
use std::net::IpAddr;

use tower_upstream::balance::{Member, Method};

#[derive(Clone, Debug)]
pub(crate) struct Server {
    host: Vec<u8>,
    port: Vec<u8>,
    origin: String,
    weight: i64,
    max_fails: u64,
    fail_timeout: u64,
    max_conns: u64,
    pub(crate) down: bool,
    effective: i64,
    current: i64,
    conns: u64,
    fails: u64,
    accessed: u64,
    checked: u64,
}

impl Server {
    fn new(member: &Member) -> Self {
        let config = member.config;
        let (host, port) = member.origin.split_once(':').expect("host:port");
        Self {
            host: host.into(),
            port: port.into(),
            origin: member.origin.to_string(),
            weight: config.weight.into(),
            max_fails: config.max_fails.into(),
            fail_timeout: config.fail_timeout,
            max_conns: config.max_conns.into(),
            down: config.down,
            effective: config.weight.into(),
            current: 0,
            conns: 0,
            fails: 0,
            accessed: 0,
            checked: 0,
        }
    }

    /// ST-4.
    fn banned(&self, now: u64) -> bool {
        self.max_fails != 0
            && self.fails >= self.max_fails
            && now - self.checked <= self.fail_timeout
    }

    fn full(&self) -> bool {
        self.max_conns != 0 && self.conns >= self.max_conns
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    tried: HashSet<usize>,
    backup: bool,
    key: String,
    client: Option<IpAddr>,
    sum: u32,
    round: u32,
    pub(crate) misses: u32,
    h: Option<u32>,
    point: Option<usize>,
}

impl Request {
    pub(crate) fn new(key: String, client: IpAddr) -> Self {
        Self {
            key,
            client: Some(client),
            ..Self::default()
        }
    }
}

pub(crate) struct Model {
    method: Method,
    pub(crate) lists: [Vec<Server>; 2],
    ring: Vec<(u32, String)>,
    random: fastrand::Rng,
}

impl Model {
    pub(crate) fn new(method: Method, members: &[Member], seed: u64) -> Self {
        let list = |backup: bool| {
            let own = members.iter().filter(|member| member.backup == backup);
            own.map(Server::new).collect::<Vec<_>>()
        };
        let lists = [list(false), list(true)];
        Self {
            method,
            ring: match method {
                Method::ConsistentHash => ring(&lists[0]),
                _ => Vec::new(),
            },
            lists,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    fn single(&self) -> bool {
        self.lists[0].len() == 1 && self.lists[1].is_empty()
    }

    /// ST-5.
    fn eligible(&self, request: &Request, now: u64) -> Vec<usize> {
        let list = &self.lists[usize::from(request.backup)];
        let may = |index: &usize| {
            let server = &list[*index];
            !(request.tried.contains(index) || server.down || server.banned(now) || server.full())
        };
        (0..list.len()).filter(may).collect()
    }

    /// The list and the place in it.
    pub(crate) fn pick(&mut self, request: &mut Request, now: u64) -> Option<(bool, usize)> {
        if self.single() {
            let server = &self.lists[0][0];
            return (!server.down && !server.full()).then(|| self.book(request, 0, now));
        }
        let best = match self.chosen(request, now) {
            Some(best) => best,
            None if request.backup || self.lists[1].is_empty() => return None,
            None => {
                request.backup = true;
                request.tried.clear();
                self.chosen(request, now)?
            }
        };
        Some(self.book(request, best, now))
    }

    /// RR-5.
    fn book(&mut self, request: &mut Request, index: usize, now: u64) -> (bool, usize) {
        request.tried.insert(index);
        let server = &mut self.lists[usize::from(request.backup)][index];
        if now - server.checked > server.fail_timeout {
            server.checked = now;
        }
        server.conns += 1;
        (request.backup, index)
    }

    fn chosen(&mut self, request: &mut Request, now: u64) -> Option<usize> {
        let drawn = !request.backup && self.lists[0].len() > 1;
        let found = match self.method {
            Method::LeastConn => return self.least_conn(request, now),
            Method::Hash if drawn && !request.key.is_empty() => self.hash(request, now),
            Method::ConsistentHash if drawn && !request.key.is_empty() => {
                self.consistent(request, now)
            }
            Method::IpHash if drawn => self.ip_hash(request, now),
            Method::Random if drawn => self.random(request, now),
            Method::RandomTwo if drawn => self.random_two(request, now),
            _ => None,
        };
        found.or_else(|| {
            let among = self.eligible(request, now);
            self.in_turn(request.backup, &among)
        })
    }

    /// RR-2 to RR-4.
    fn in_turn(&mut self, backup: bool, among: &[usize]) -> Option<usize> {
        let list = &mut self.lists[usize::from(backup)];
        let mut total = 0;
        let mut best: Option<usize> = None;
        for &index in among {
            let server = &mut list[index];
            server.current += server.effective;
            total += server.effective;
            server.effective = (server.effective + 1).min(server.weight);
            let current = server.current;
            if best.is_none_or(|best| current > list[best].current) {
                best = Some(index);
            }
        }
        list[best?].current -= total;
        best
    }

    /// LC.
    fn least_conn(&mut self, request: &Request, now: u64) -> Option<usize> {
        let among = self.eligible(request, now);
        let list = &self.lists[usize::from(request.backup)];
        let load = |index: usize| (list[index].conns, list[index].weight as u64);
        let less = |a: usize, b: usize| {
            let ((one, of), (other, than)) = (load(a), load(b));
            (one * than).cmp(&(other * of))
        };
        let best = among.iter().copied().min_by(|a, b| less(*a, *b))?;
        let tied: Vec<usize> = among
            .into_iter()
            .filter(|i| less(*i, best).is_eq())
            .collect();
        match tied.len() {
            1 => Some(best),
            _ => self.in_turn(request.backup, &tied),
        }
    }

    /// The walk over the weights that HS-1, IP-2 and RN-1 share.
    fn owner(&self, slot: u64) -> usize {
        let mut slot = slot as i64;
        for (index, server) in self.lists[0].iter().enumerate() {
            slot -= server.weight;
            if slot < 0 {
                return index;
            }
        }
        unreachable!("a slot below the total is somebody's")
    }

    fn total(&self) -> u64 {
        self.lists[0]
            .iter()
            .map(|server| server.weight as u64)
            .sum()
    }

    /// HS.
    fn hash(&self, request: &mut Request, now: u64) -> Option<usize> {
        while request.misses <= 20 {
            let text = match request.round {
                0 => request.key.clone(),
                round => format!("{round}{}", request.key),
            };
            let drawn = crc32(text.as_bytes()) >> 16 & 0x7fff;
            request.sum = request.sum.wrapping_add(drawn);
            request.round += 1;
            let index = self.owner(u64::from(request.sum) % self.total());
            if self.eligible(request, now).contains(&index) {
                return Some(index);
            }
            request.misses += 1;
        }
        None
    }

    /// CH.
    fn consistent(&mut self, request: &mut Request, now: u64) -> Option<usize> {
        let hash = crc32(request.key.as_bytes());
        let first = || self.ring.iter().position(|(point, _)| *point >= hash);
        let mut point = request.point.unwrap_or_else(|| first().unwrap_or(0));
        while request.misses <= 20 {
            let origin = &self.ring[point % self.ring.len()].1;
            let mut among = self.eligible(request, now);
            among.retain(|index| self.lists[0][*index].origin == *origin);
            request.point = Some(point);
            if let Some(index) = self.in_turn(false, &among) {
                return Some(index);
            }
            point += 1;
            request.misses += 1;
        }
        None
    }

    /// IP.
    fn ip_hash(&self, request: &mut Request, now: u64) -> Option<usize> {
        let bytes = match request.client {
            Some(IpAddr::V4(client)) => client.octets()[..3].to_vec(),
            Some(IpAddr::V6(client)) => client.octets().to_vec(),
            None => vec![0; 3],
        };
        let mut h = request.h.unwrap_or(89);
        while request.misses <= 20 {
            for byte in &bytes {
                h = (h * 113 + u32::from(*byte)) % 6271;
            }
            let index = self.owner(u64::from(h) % self.total());
            if self.eligible(request, now).contains(&index) {
                request.h = Some(h);
                return Some(index);
            }
            request.misses += 1;
        }
        None
    }

    fn draw(&mut self) -> usize {
        let slot = self.random.u64(..self.total());
        self.owner(slot)
    }

    /// RN-1.
    fn random(&mut self, request: &mut Request, now: u64) -> Option<usize> {
        while request.misses <= 20 {
            let index = self.draw();
            if self.eligible(request, now).contains(&index) {
                return Some(index);
            }
            request.misses += 1;
        }
        None
    }

    /// RN-3. The first find counts as a miss, too.
    fn random_two(&mut self, request: &mut Request, now: u64) -> Option<usize> {
        let mut first: Option<usize> = None;
        while request.misses <= 20 {
            let index = self.draw();
            let may = first != Some(index) && self.eligible(request, now).contains(&index);
            match first {
                Some(first) if may => {
                    let (one, two) = (&self.lists[0][first], &self.lists[0][index]);
                    let busier = two.conns * one.weight as u64 > one.conns * two.weight as u64;
                    return Some(if busier { first } else { index });
                }
                None if may => first = Some(index),
                _ => {}
            }
            request.misses += 1;
        }
        None
    }

    /// MF-2 to MF-5.
    pub(crate) fn release(&mut self, at: (bool, usize), failed: bool, now: u64) {
        let single = self.single();
        let server = &mut self.lists[usize::from(at.0)][at.1];
        server.conns -= 1;
        if single {
            return;
        }
        if failed {
            server.fails += 1;
            (server.accessed, server.checked) = (now, now);
            if server.max_fails != 0 {
                let loss = server.weight / server.max_fails as i64;
                server.effective = (server.effective - loss).max(0);
            }
        } else if server.accessed < server.checked {
            server.fails = 0;
        }
    }
}

/// CH-1, CH-2.
fn ring(servers: &[Server]) -> Vec<(u32, String)> {
    let mut ring: Vec<(u32, String)> = Vec::new();
    for server in servers {
        let mut last = 0u32;
        for _ in 0..160 * server.weight {
            let mut text = [&server.host[..], &[0], &server.port].concat();
            text.extend(last.to_le_bytes());
            last = crc32(&text);
            ring.push((last, server.origin.clone()));
        }
    }
    ring.sort_by_key(|(point, _)| *point);
    ring.dedup_by_key(|(point, _)| *point);
    ring
}

/// HS-2, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| match crc & 1 {
            1 => crc >> 1 ^ 0xedb8_8320,
            _ => crc >> 1,
        })
    };
    !bytes.iter().fold(!0, step)
}

#[test]
fn the_models_own_arithmetic_is_nginx_s() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    assert_eq!(crc32(b"foo") >> 16 & 0x7fff, 3187, "13.3");
    let servers: Vec<Server> = super::group::members("A; B; C")
        .iter()
        .map(Server::new)
        .collect();
    let ring = ring(&servers);
    assert_eq!(ring.len(), 480);
    let first = |at: usize| (ring[at].0, ring[at].1.as_str());
    assert_eq!(first(0), (0x18f557, "127.0.0.1:19003"));
    assert_eq!(first(1), (0x432943, "127.0.0.1:19001"));
    assert_eq!(first(2), (0x9bfc96, "127.0.0.1:19001"));
}
