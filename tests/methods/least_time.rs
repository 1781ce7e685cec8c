//! W25 and LT, through the roster, which times attempts by the runtime's clock. A time of 0 is none,
//! so that at first everybody is expected to take 20 ms.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, advance};
use tower_upstream::balance::{Ending, Lease, Member, Method, Roster, Setup, Times};

use super::group::{NOW, members};

const LAST_BYTE: (Times, bool) = (Times::LastByte, false);
const LAST_BYTE_INFLIGHT: (Times, bool) = (Times::LastByte, true);
const HEADER: (Times, bool) = (Times::Header, false);
const HEADER_INFLIGHT: (Times, bool) = (Times::Header, true);

struct Timed {
    roster: Arc<Roster<char>>,
}

impl Timed {
    fn new((by, inflight): (Times, bool), servers: &str) -> Self {
        let setup = Setup {
            method: Method::LeastTime { by, inflight },
            ..Setup::default()
        };
        let letters = servers
            .split(';')
            .filter_map(|line| line.trim().chars().next());
        let members: Vec<(Member, char)> = members(servers).into_iter().zip(letters).collect();
        Self {
            roster: Arc::new(Roster::new(setup, members).epoch(NOW)),
        }
    }

    /// An attempt that is known to go there.
    fn begin(&self, expected: char) -> Lease {
        let mut walk = self.roster.walk(0);
        let picked = self.roster.pick(&mut walk, Instant::now());
        let (lease, letter) = picked.expect("somebody is free");
        assert_eq!(letter, expected);
        lease
    }

    /// Whom requests ask that are given up at once, so that there is nothing to learn from them.
    fn asked(&self, count: usize) -> String {
        let ask = || {
            let mut walk = self.roster.walk(0);
            let picked = self.roster.pick(&mut walk, Instant::now());
            picked.map_or('u', |(_, letter)| letter)
        };
        std::iter::repeat_with(ask).take(count).collect()
    }

    /// An attempt that takes so many milliseconds to its header and to its end.
    async fn serve(&self, letter: char, header: u64, response: u64, ending: Ending) {
        let mut lease = self.begin(letter);
        ms(header).await;
        lease.answered(true);
        ms(response - header).await;
        lease.settle(ending);
    }

    async fn served(&self, letter: char, response: u64) {
        self.serve(letter, response, response, Ending::Served).await;
    }
}

async fn ms(time: u64) {
    advance(Duration::from_millis(time)).await;
}

/// W25.
#[tokio::test(start_paused = true)]
async fn equals_share_in_turn_unless_one_is_heavier() {
    assert_eq!(Timed::new(HEADER, "A; B").asked(8), "ABABABAB");
    // LT-6: 20 * 1 * 1 against 20 * 1 * 3.
    assert_eq!(Timed::new(HEADER, "A weight=3; B").asked(8), "AAAAAAAA");
}

/// LT-5: 0 to 19 ms are one cluster, 20 to 39 the next; beyond 5 s all are equally bad.
#[tokio::test(start_paused = true)]
async fn times_of_one_cluster_are_equal() {
    // After the first turn, A's, it is B's if they are equal.
    for (a, b, expected) in [
        (1, 19, "BABA"),
        (19, 20, "AAAA"),
        (20, 39, "BABA"),
        (39, 40, "AAAA"),
        (4979, 9000, "AAAA"),
        (4980, 9000, "BABA"),
        (5001, 9000, "BABA"),
    ] {
        let group = Timed::new(LAST_BYTE, "A fail_timeout=60; B fail_timeout=60");
        let (first, second) = (group.begin('A'), group.begin('B'));
        for (mut lease, time) in [(first, a), (second, b - a)] {
            ms(time).await;
            lease.answered(true);
            lease.settle(Ending::Served);
        }
        assert_eq!(group.asked(4), expected, "{a} and {b} ms");
    }
}

/// LT-1.
#[tokio::test(start_paused = true)]
async fn a_sample_is_a_twentieth_of_the_mean() {
    for (sample, expected) in [
        (100, "AA"),
        (489, "AA"),
        (490, "BA"),
        (889, "BA"),
        (890, "BB"),
    ] {
        let group = Timed::new(LAST_BYTE, "A fail_timeout=60; B fail_timeout=60");
        let (first, second) = (group.begin('A'), group.begin('B'));
        for (mut lease, time) in [(first, 100), (second, 25)] {
            ms(time).await;
            lease.answered(true);
            lease.settle(Ending::Served);
        }
        // floor(0.5 + 0.05 * sample + 95): 120 from 490 on, 140 from 890 on. B's is 125.
        group.served('A', sample).await;
        assert_eq!(group.asked(2), expected, "{sample} ms");
    }
}

/// LT-3's other half: the header's time, or the last byte's.
#[tokio::test(start_paused = true)]
async fn either_time_may_be_the_one_that_counts() {
    for (method, expected) in [(HEADER, "AAA"), (LAST_BYTE, "BBB")] {
        let group = Timed::new(method, "A; B");
        group.serve('A', 30, 500, Ending::Served).await;
        group.serve('B', 90, 90, Ending::Served).await;
        assert_eq!(group.asked(3), expected);
    }
}

/// LT-2: neither FAILED nor NEXT adds a sample, whatever had come.
#[tokio::test(start_paused = true)]
async fn only_what_was_served_is_a_sample() {
    for ending in [Ending::Failed, Ending::Next] {
        for method in [HEADER, LAST_BYTE, LAST_BYTE_INFLIGHT] {
            let group = Timed::new(method, "A max_fails=0; B max_fails=0");
            group.serve('A', 700, 700, ending).await;
            group.served('B', 50).await;
            assert_eq!(group.asked(3), "AAA", "{ending:?} by {method:?}");
        }
    }
    let group = Timed::new(LAST_BYTE, "A; B");
    group.serve('A', 700, 700, Ending::Cut).await;
    group.served('B', 50).await;
    assert_eq!(group.asked(3), "BBB", "a body cut short was released OK");
}

/// LT-3.
#[tokio::test(start_paused = true)]
async fn who_was_left_alone_looks_faster_by_and_by() {
    let group = Timed::new(LAST_BYTE, "A; B");
    group.served('A', 100).await;
    group.served('B', 50).await;
    assert_eq!(group.asked(2), "BB", "120 and 60");
    ms(10_000).await;
    assert_eq!(group.asked(2), "BB", "ten seconds are not more than ten");
    ms(1_000).await;
    // 60 and 40: B, which is thereby looked at. 60 and 60: B's turn, then A's, looked at as well.
    assert_eq!(group.asked(6), "BBABBB");
}

/// LT-4: B's one request in flight counts with its age, and everybody with those that wait there.
#[tokio::test(start_paused = true)]
async fn a_request_that_waits_counts_with_its_age() {
    // A: 240. B, with one in flight: twice its age, in clusters.
    for (age, expected) in [(99, "BB"), (100, "BA"), (119, "BA"), (120, "AA")] {
        let group = Timed::new(LAST_BYTE_INFLIGHT, "A; B");
        group.served('A', 230).await;
        let waits = group.begin('B');
        ms(age).await;
        assert_eq!(group.asked(2), expected, "{age} ms");
        drop(waits);

        // Another that left meanwhile takes its own time away with it.
        let group = Timed::new(LAST_BYTE_INFLIGHT, "A; B");
        group.served('A', 230).await;
        let (waits, leaves) = (group.begin('B'), group.begin('B'));
        ms(40).await;
        drop(leaves);
        ms(age - 40).await;
        assert_eq!(group.asked(2), expected, "{age} ms, one left");
        drop(waits);
    }
    let group = Timed::new(LAST_BYTE, "A; B");
    group.served('A', 230).await;
    let waits = group.begin('B');
    ms(5_000).await;
    assert_eq!(group.asked(2), "BB", "without inflight nobody sees it hang");
    drop(waits);
}

/// LT-3 and LT-4: what was measured fades, what is waiting does not.
#[tokio::test(start_paused = true)]
async fn an_age_does_not_fade() {
    let group = Timed::new(LAST_BYTE_INFLIGHT, "A fail_timeout=60; B fail_timeout=0");
    group.served('A', 230).await;
    ms(720).await;
    let waits = group.begin('B');
    // Into the next second: B was not looked at for longer than its fail_timeout.
    ms(100).await;
    assert_eq!(group.asked(2), "BA", "240 and 2 * 120");
    drop(waits);
}

/// LT-4, `header`: from the header on it is in flight no more, and its time is known.
#[tokio::test(start_paused = true)]
async fn a_body_that_is_still_coming_is_not_waited_for() {
    for (method, expected) in [(HEADER_INFLIGHT, "BB"), (HEADER, "AA")] {
        let group = Timed::new(method, "A; B");
        let mut streams = group.begin('A');
        ms(230).await;
        streams.answered(true);
        group.served('B', 100).await;
        // 2 * 240, or as long as nothing is known of A 2 * 20; B: 120.
        assert_eq!(group.asked(2), expected, "{method:?}");
        streams.settle(Ending::Served);
        assert_eq!(group.asked(2), "BB", "{method:?}: 240 and 120");
    }
    let group = Timed::new(HEADER_INFLIGHT, "A; B");
    let mut streams = group.begin('A');
    ms(50).await;
    streams.answered(true);
    group.served('B', 230).await;
    ms(5_000).await;
    assert_eq!(group.asked(2), "AA", "2 * 60 and 240");
    streams.settle(Ending::Served);
}

/// LT-4, `header`: a sample is counted once.
#[tokio::test(start_paused = true)]
async fn a_header_is_one_sample() {
    let group = Timed::new(HEADER_INFLIGHT, "A; B");
    let (first, second) = (group.begin('A'), group.begin('B'));
    for (mut lease, time) in [(first, 100), (second, 25)] {
        ms(time).await;
        lease.answered(true);
        lease.settle(Ending::Served);
    }
    group.serve('A', 600, 900, Ending::Served).await;
    // floor(0.5 + 30 + 95) = 125, as is B's; 149 if it were counted twice.
    assert_eq!(group.asked(2), "BA");
}

/// LT-7.
#[tokio::test(start_paused = true)]
async fn backups_are_compared_by_time() {
    let group = Timed::new(LAST_BYTE, "A max_conns=1; B backup; C backup");
    let held = group.begin('A');
    group.served('B', 100).await;
    group.served('C', 50).await;
    assert_eq!(group.asked(3), "CCC");
    drop(held);
    assert_eq!(group.asked(3), "AAA");
}
