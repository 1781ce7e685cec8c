//! A group written as in the reference, and requests that walk through it.

use std::time::Duration;

use tower_upstream::balance::{
    Affinity, Key, Member, Method, PeerId, Peers, Route, Setup, Verdict,
};

/// Long after the epoch, as clocks are.
pub(crate) const NOW: Duration = Duration::from_secs(1000);

/// `A weight=2; B down; C backup`: A is `127.0.0.1:19001` and so on, for `consistent` hashes names.
pub(crate) fn members(servers: &str) -> Vec<Member> {
    servers.split(';').map(|line| member(line.trim())).collect()
}

fn member(line: &str) -> Member {
    let mut words = line.split_whitespace();
    let letter = words.next().and_then(|word| word.chars().next());
    let letter = letter.expect("a letter");
    let mut member = Member::new(name(letter));
    member.route = Route::new(&letter.to_ascii_lowercase().to_string());
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, "0"));
        let number: u32 = value.parse().expect("a number");
        match key {
            "weight" => member.config.weight = number,
            "max_fails" => member.config.max_fails = number,
            "fail_timeout" => member.config.fail_timeout = number.into(),
            "max_conns" => member.config.max_conns = number,
            "down" => member.config.down = true,
            "drain" => member.config.drain = true,
            "backup" => member.backup = true,
            other => panic!("{other}?"),
        }
    }
    member
}

pub(crate) fn name(letter: char) -> String {
    format!("127.0.0.1:{}", 19001 + (letter as u32 - 'A' as u32))
}

pub(crate) struct Group {
    pub(crate) peers: Peers,
    letters: [Vec<char>; 2],
    /// Those that refuse every attempt.
    pub(crate) refusing: &'static str,
}

impl Group {
    pub(crate) fn new(method: Method, servers: &str) -> Self {
        let setup = Setup {
            method,
            ..Setup::default()
        };
        Self::with(setup, servers)
    }

    pub(crate) fn with(setup: Setup, servers: &str) -> Self {
        let members = members(servers);
        let letters = |backup: bool| {
            let lines = servers.split(';').zip(&members);
            let listed = lines.filter(move |(_, member)| member.backup == backup);
            listed.filter_map(|(line, _)| line.trim().chars().next())
        };
        Self {
            letters: [letters(false).collect(), letters(true).collect()],
            peers: Peers::with(setup, &members),
            refusing: "",
        }
    }

    pub(crate) fn letter(&self, peer: PeerId) -> char {
        self.letters[usize::from(peer.is_backup())][peer.index()]
    }

    /// One attempt that goes on.
    pub(crate) fn hold(&mut self, affinity: Affinity) -> Option<PeerId> {
        let mut walk = self.peers.walk(0);
        walk.bind(affinity);
        self.peers.pick(&mut walk, NOW)
    }

    /// Whom a whole request asks, `u` where nobody is left.
    pub(crate) fn request(&mut self, affinity: Affinity) -> String {
        let mut walk = self.peers.walk(0);
        walk.bind(affinity);
        let mut asked = String::new();
        loop {
            let Some(peer) = self.peers.pick(&mut walk, NOW) else {
                asked.push('u');
                return asked;
            };
            let letter = self.letter(peer);
            asked.push(letter);
            let fails = self.refusing.contains(letter);
            let verdict = if fails { Verdict::Failed } else { Verdict::Ok };
            self.peers.release(peer, verdict, NOW);
            walk.spend();
            if !fails || walk.tries() == 0 {
                return asked;
            }
        }
    }

    /// Requests one after the other.
    pub(crate) fn requests(&mut self, affinity: Affinity, count: usize) -> String {
        let asked = (0..count).map(|_| self.request(affinity));
        asked.collect::<Vec<_>>().join(" ")
    }
}

pub(crate) fn nothing() -> Affinity {
    Affinity::default()
}

pub(crate) fn key(key: &str) -> Affinity {
    Affinity {
        key: Key::new(key),
        ..Affinity::default()
    }
}

pub(crate) fn client(address: &str) -> Affinity {
    Affinity {
        client: Some(address.parse().expect("an address")),
        ..Affinity::default()
    }
}

/// Bound to the peer of this letter.
pub(crate) fn bound(letter: char) -> Affinity {
    Affinity {
        route: Route::new(&letter.to_ascii_lowercase().to_string()),
        ..Affinity::default()
    }
}
