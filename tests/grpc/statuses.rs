//! What servers say of calls, and what follows from it.

use std::sync::Mutex;
use std::time::Duration;

use tonic::{Code, Status};
use tower_upstream::classify::Codes;
use tower_upstream::upstream::config::Choice;
use tower_upstream::{Grpc, NextUpstream, Proxy, Semantics, Upstream};

use crate::client::{Client, fails, group, in_flight, proxy, upstream};
use crate::server::Orders;

fn two() -> (Orders, Orders) {
    (Orders::start("a"), Orders::start("b"))
}

#[tokio::test]
async fn unavailable_before_all_else_moves_on_and_counts_under_strict() {
    let (a, b) = two();
    a.answers(Status::unavailable("not now"));
    let upstream = upstream(&[a.address, b.address], Semantics::Strict);
    let mut client = Client::new(&upstream);
    assert_eq!(client.get_again("x").await.unwrap(), "b x");
    assert_eq!(fails(&upstream), [1, 0]);
    let metadata = |server: &Orders| {
        let metadata: &Mutex<_> = &server.told.metadata;
        let said = metadata
            .lock()
            .unwrap()
            .get("grpc-previous-rpc-attempts")
            .cloned();
        said.map(|said| said.to_str().unwrap().to_owned())
    };
    assert_eq!((metadata(&a), metadata(&b)), (None, Some("1".to_owned())));
}

#[tokio::test]
async fn unavailable_is_a_success_under_nginx() {
    let (a, b) = two();
    a.answers(Status::unavailable("not now"));
    let upstream = upstream(&[a.address, b.address], Semantics::Nginx);
    let mut client = Client::new(&upstream);
    for _ in 0..2 {
        let status = client.get_again("x").await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::Unavailable, "not now")
        );
        assert_eq!(client.get_again("x").await.unwrap(), "b x");
    }
    assert_eq!((fails(&upstream), a.calls()), (vec![0, 0], 2));
}

/// The server may have done something before it said so.
#[tokio::test]
async fn what_must_not_be_repeated_only_counts() {
    let (a, b) = two();
    a.answers(Status::unavailable("not now"));
    let servers = [a.address, b.address];
    let careful = upstream(&servers, Semantics::Strict);
    let status = Client::new(&careful).get("x").await.unwrap_err();
    assert_eq!((status.code(), b.calls()), (Code::Unavailable, 0));
    assert_eq!((fails(&careful), in_flight(&careful)), (vec![1, 0], 0));

    let proxy = Proxy {
        next_upstream: NextUpstream::ERROR | NextUpstream::NON_IDEMPOTENT,
        ..proxy()
    };
    let upstream = Upstream::new(group(&servers, Semantics::Strict), proxy);
    assert_eq!(Client::new(&upstream).get("x").await.unwrap(), "b x");
}

#[tokio::test]
async fn a_server_that_wants_nobody_to_be_asked_again_is_heard() {
    let (a, b) = two();
    let servers = [a.address, b.address];
    for (pushback, answered) in [
        ("-1", false),
        ("nonsense", false),
        ("0", true),
        ("500", true),
    ] {
        let mut status = Status::unavailable("not now");
        let said = pushback.parse().unwrap();
        status.metadata_mut().insert("grpc-retry-pushback-ms", said);
        a.answers(status);
        let upstream = upstream(&servers, Semantics::Strict);
        let answer = Client::new(&upstream).get_again("x").await;
        assert_eq!(answer.is_ok(), answered, "{pushback}");
        assert_eq!(fails(&upstream), [1, 0]);
    }
}

#[tokio::test]
async fn a_status_after_messages_only_counts() {
    let (a, b) = two();
    a.answers(Status::unavailable("no more"));
    let servers = [a.address, b.address];
    for (semantics, counted) in [(Semantics::Strict, 1), (Semantics::Nginx, 0)] {
        let upstream = upstream(&servers, semantics);
        let mut answers = Client::new(&upstream).list("2 x").await.unwrap();
        for _ in 0..2 {
            assert_eq!(answers.message().await.unwrap().as_deref(), Some("x"));
        }
        assert_eq!(fails(&upstream), [0, 0]);
        let status = answers.message().await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::Unavailable, "no more")
        );
        assert_eq!(
            (fails(&upstream), in_flight(&upstream)),
            (vec![counted, 0], 0)
        );
    }
    assert_eq!(b.calls(), 0);
}

#[tokio::test]
async fn what_is_about_the_call_says_nothing_of_the_server() {
    let (a, b) = two();
    let upstream = upstream(&[a.address, b.address], Semantics::Strict);
    let mut client = Client::new(&upstream);
    for code in (1..17)
        .map(Code::from)
        .filter(|code| *code != Code::Unavailable)
    {
        a.answers(Status::new(code, "no"));
        let status = client.get_again("x").await.unwrap_err();
        assert_eq!(status.code(), code);
        assert_eq!(client.get_again("x").await.unwrap(), "b x");
        assert_eq!(fails(&upstream), [0, 0], "{code:?}");
    }
}

#[tokio::test]
async fn which_statuses_count_and_which_move_on_are_two_things() {
    let (a, b) = two();
    let servers = [a.address, b.address];
    let rule = Grpc {
        counts: Codes::INTERNAL,
        next: Codes::ABORTED,
    };
    for semantics in [Semantics::Nginx, Semantics::Strict] {
        for (code, moves, counted) in [
            (Code::Internal, false, 1),
            (Code::Aborted, true, 0),
            (Code::Unavailable, false, 0),
        ] {
            a.answers(Status::new(code, "no"));
            let proxy = Proxy {
                grpc: Choice::On(rule),
                ..proxy()
            };
            let upstream = Upstream::new(group(&servers, semantics), proxy);
            let answer = Client::new(&upstream).get_again("x").await;
            assert_eq!(answer.is_ok(), moves, "{code:?}");
            assert_eq!(fails(&upstream), [counted, 0], "{code:?}");
        }
    }
}

#[tokio::test]
async fn off_keeps_calls_where_they_are() {
    let (a, b) = two();
    a.answers(Status::unavailable("not now"));
    let proxy = Proxy {
        next_upstream: NextUpstream::OFF,
        ..proxy()
    };
    let upstream = Upstream::new(group(&[a.address, b.address], Semantics::Strict), proxy);
    assert!(Client::new(&upstream).get_again("x").await.is_err());
    assert_eq!((fails(&upstream), b.calls()), (vec![1, 0], 0));
}

#[tokio::test]
async fn time_that_is_over_is_said_in_a_status() {
    let a = Orders::start("a");
    let limits = [
        Proxy {
            read_timeout: Duration::from_millis(50),
            ..proxy()
        },
        Proxy {
            request_timeout: Some(Duration::from_millis(50)),
            ..proxy()
        },
    ];
    for limit in limits {
        let upstream = Upstream::new(group(&[a.address], Semantics::Strict), limit);
        let status = Client::new(&upstream).get("hang").await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
        assert_eq!(in_flight(&upstream), 0);
    }
}
