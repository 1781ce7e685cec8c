//! Whoever follows a group hears of changes and of its end.

use std::pin::pin;

use futures_util::FutureExt;
use tower_upstream::upstream::Changes;
use tower_upstream::{Group, GroupConfig, Server};

fn group() -> Group {
    let mut config = GroupConfig::new("orders");
    config.servers = vec![Server::new("127.0.0.1:1")];
    Group::new(config).unwrap()
}

/// What the next word is, if there is one.
fn heard(changes: &mut Changes) -> Option<bool> {
    pin!(changes.next()).now_or_never()
}

#[test]
fn every_change_is_heard_once() {
    let group = group();
    let members = group.members();
    let mut changes = members.changes();
    assert_eq!(heard(&mut changes), None);
    members.insert(Server::new("127.0.0.1:2")).unwrap();
    assert_eq!(heard(&mut changes), Some(true));
    assert_eq!(heard(&mut changes), None);
    members.drain("127.0.0.1:2", true);
    members.remove("127.0.0.1:1");
    assert_eq!(heard(&mut changes), Some(true), "both at once");
    members.set(Vec::new()).unwrap();
    assert_eq!(heard(&mut changes), Some(true));
    assert!(!members.remove("127.0.0.1:1"));
    assert_eq!(heard(&mut changes), None);
}

/// A handle on the members keeps no group alive.
#[test]
fn the_end_comes_with_the_last_of_the_group() {
    let group = group();
    let members = group.members();
    let mut changes = members.changes();
    let worker = group.worker();
    drop(group);
    assert_eq!(heard(&mut changes), None);
    assert!(!members.is_orphaned());
    drop(worker);
    assert!(members.is_orphaned());
    assert_eq!(heard(&mut changes), Some(false));
    assert_eq!(heard(&mut changes), Some(false), "and stays so");
    assert_eq!(heard(&mut members.changes()), Some(false));
}

#[tokio::test]
async fn a_waiting_follower_is_woken() {
    let group = group();
    let mut changes = group.members().changes();
    let follower = tokio::spawn(async move { changes.next().await });
    tokio::task::yield_now().await;
    drop(group);
    assert!(!follower.await.unwrap());
}
