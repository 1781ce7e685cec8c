use super::*;
use crate::upstream::config::Server;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn watch(line: Server) -> Watch {
    Watch::new(Target::new(&line).unwrap(), &ResolverConfig::default())
}

fn host() -> Watch {
    watch(Server::new("orders:8080").resolve())
}

fn service() -> Watch {
    watch(Server::new("orders").service("http"))
}

fn found<T>(records: T, ttl: u64) -> Answer<T> {
    Answer::Found {
        records,
        ttl: s(ttl),
    }
}

/// Addresses of 10.0.0.0/24, by their last number.
fn ips(hosts: &[u8]) -> Vec<IpAddr> {
    let ip = |&host: &u8| IpAddr::from([10, 0, 0, host]);
    hosts.iter().map(ip).collect()
}

/// The answer to a plain name.
fn plain(hosts: &[u8], ttl: u64) -> Answer<Vec<Site>> {
    let site = Site {
        host: "orders".into(),
        port: 8080,
        priority: 0,
        weight: 1,
        addresses: found(ips(hosts), ttl),
    };
    found(vec![site], ttl)
}

/// An SRV record whose target is named after its address: priority, weight, address.
fn srv(priority: u16, weight: u16, host: u8) -> Site {
    Site {
        host: format!("n{host}"),
        port: 80 + u16::from(host),
        priority,
        weight,
        addresses: found(ips(&[host]), 60),
    }
}

/// Every member as `address`, `address*weight`, with `b` for a backup; addresses by last number.
fn shown(watch: &Watch) -> String {
    let one = |member: &Member| {
        let address = member.address.to_string();
        let host = address.split([':', '.']).nth(3).unwrap();
        let weight = match member.weight {
            1 => String::new(),
            weight => format!("*{weight}"),
        };
        format!("{host}{weight}{}", if member.backup { "b" } else { "" })
    };
    watch
        .members()
        .iter()
        .map(one)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_name_is_looked_up_at_once_and_then_a_second_after_its_ttl() {
    let mut watch = host();
    assert_eq!((watch.due(), watch.members()), (s(0), [].as_slice()));
    assert!(watch.answered(plain(&[1, 2], 30), s(100)));
    assert_eq!((watch.due(), shown(&watch)), (s(131), "1 2".into()));
    assert!(!watch.answered(plain(&[1, 2], 0), s(131)), "nothing is new");
    assert_eq!(watch.due(), s(132), "a TTL of zero is no busy loop");
}

#[test]
fn the_shortest_ttl_of_all_that_was_used_decides() {
    let mut watch = service();
    let mut short = srv(1, 1, 2);
    short.addresses = found(ips(&[2]), 5);
    watch.answered(found(vec![srv(1, 1, 1), short], 300), s(0));
    assert_eq!(watch.due(), s(6));
    watch.answered(found(vec![srv(1, 1, 1)], 7), s(6));
    assert_eq!(watch.due(), s(14));
}

#[test]
fn valid_overrules_every_ttl_and_zero_does_not() {
    let watch = |valid| {
        let config = ResolverConfig {
            valid: Some(valid),
            ..ResolverConfig::default()
        };
        Watch::new(host().target().clone(), &config)
    };
    let mut five = watch(s(5));
    five.answered(plain(&[1], 300), s(0));
    assert_eq!(five.due(), s(6));
    five.answered(Answer::Absent, s(6));
    assert_eq!(five.due(), s(12));
    let mut zero = watch(s(0));
    zero.answered(plain(&[1], 300), s(0));
    assert_eq!(zero.due(), s(301));
}

#[test]
fn who_stays_keeps_its_place_and_who_is_new_comes_last() {
    let mut watch = host();
    watch.answered(plain(&[1, 2, 3], 1), s(0));
    assert!(
        !watch.answered(plain(&[3, 1, 2], 1), s(2)),
        "only the order is new"
    );
    assert!(watch.answered(plain(&[4, 3, 1], 1), s(4)));
    assert_eq!(shown(&watch), "1 3 4");
    assert!(watch.answered(plain(&[2, 4], 1), s(6)));
    assert_eq!(shown(&watch), "4 2", "who was gone begins anew");
}

#[test]
fn a_name_that_is_gone_removes_everyone_and_is_asked_for_again_after_11_seconds() {
    let mut watch = host();
    watch.answered(plain(&[1], 1), s(0));
    assert!(watch.answered(Answer::Absent, s(2)));
    assert_eq!((watch.due(), shown(&watch)), (s(13), String::new()));
    assert_eq!(
        watch.troubles(),
        ["orders could not be resolved (3: Host not found)"]
    );
    assert!(!watch.answered(Answer::Absent, s(13)));
    assert!(watch.answered(plain(&[1], 1), s(24)));
    assert_eq!(watch.troubles(), [] as [&str; 0]);
}

#[test]
fn a_first_answer_is_news_even_if_it_is_nobody() {
    assert!(host().answered(Answer::Absent, s(0)));
}

#[test]
fn any_other_failure_keeps_the_last_good_answer_and_pauses() {
    let mut watch = host();
    assert!(!watch.answered(Answer::Failed(Failure::TimedOut), s(0)));
    assert_eq!(watch.due(), s(30), "resolver_timeout");
    watch.answered(plain(&[1, 2], 1), s(30));
    for (failure, words) in [
        (Failure::TimedOut, "110: Operation timed out"),
        (Failure::Code(2), "2: Server failure"),
        (Failure::Code(5), "5: Operation refused"),
        (Failure::Other("no route".into()), "no route"),
    ] {
        assert!(!watch.answered(Answer::Failed(failure), s(40)));
        assert_eq!((watch.due(), shown(&watch)), (s(70), "1 2".into()));
        let told = format!("orders could not be resolved ({words})");
        assert_eq!(watch.troubles(), [told]);
    }
    let config = ResolverConfig {
        timeout: Duration::from_millis(100),
        ..ResolverConfig::default()
    };
    let mut hasty = Watch::new(watch.target().clone(), &config);
    hasty.answered(Answer::Failed(Failure::TimedOut), s(0));
    assert_eq!(hasty.due(), s(1), "at least a second");
}

#[test]
fn the_lowest_priority_is_primary_and_all_others_are_backups() {
    let mut watch = service();
    let sites = vec![srv(20, 3, 1), srv(10, 5, 2), srv(30, 1, 3), srv(10, 0, 4)];
    watch.answered(found(sites, 60), s(0));
    assert_eq!(shown(&watch), "2*5 4 1*3b 3b", "a weight of 0 is 1");
    assert_eq!(watch.members()[0].address, "10.0.0.2:82".parse().unwrap());

    assert!(watch.answered(found(vec![srv(20, 3, 1), srv(30, 1, 3)], 60), s(61)));
    assert_eq!(
        shown(&watch),
        "3b 1*3",
        "a backup that becomes primary begins anew"
    );
}

#[test]
fn the_lines_weight_overrules_the_records() {
    let sites = || found(vec![srv(1, 5, 1), srv(1, 7, 2)], 60);
    let mut heavy = watch(Server::new("orders").service("http").weight(2));
    heavy.answered(sites(), s(0));
    assert_eq!(shown(&heavy), "1*2 2*2");
    let mut host = watch(Server::new("orders").resolve().weight(4));
    host.answered(plain(&[1], 60), s(0));
    assert_eq!(shown(&host), "1*4");
}

#[test]
fn a_new_weight_is_news_and_keeps_the_place() {
    let mut watch = service();
    watch.answered(found(vec![srv(1, 5, 1), srv(1, 7, 2)], 60), s(0));
    assert!(watch.answered(found(vec![srv(1, 6, 1), srv(1, 7, 2)], 60), s(61)));
    assert_eq!(shown(&watch), "1*6 2*7");
}

#[test]
fn on_a_backup_line_primaries_are_backups_and_the_rest_is_ignored() {
    let mut watch = watch(Server::new("orders").service("http").backup());
    watch.answered(found(vec![srv(2, 1, 1), srv(1, 1, 2)], 60), s(0));
    assert_eq!(shown(&watch), "2b");
}

#[test]
fn an_address_is_one_peer_however_often_it_is_named() {
    let mut plainly = host();
    plainly.answered(plain(&[1, 2, 1], 60), s(0));
    assert_eq!(shown(&plainly), "1 2");

    let again = |priority, weight| Site {
        host: "alias".into(),
        ..srv(priority, weight, 1)
    };
    let mut watch = service();
    let sites = vec![again(2, 9), srv(1, 3, 1), again(1, 4)];
    watch.answered(found(sites, 60), s(0));
    assert_eq!(
        shown(&watch),
        "1*3",
        "the best priority, and the first of it"
    );
}

#[test]
fn a_target_that_is_gone_takes_only_its_own_addresses_along() {
    let mut watch = service();
    watch.answered(found(vec![srv(1, 1, 1), srv(2, 1, 2)], 60), s(0));
    let gone = Site {
        addresses: Answer::Absent,
        ..srv(1, 1, 1)
    };
    assert!(watch.answered(found(vec![gone.clone(), srv(2, 1, 2)], 60), s(61)));
    assert_eq!(
        shown(&watch),
        "2",
        "and the next priority is the first one then"
    );
    assert_eq!(watch.due(), s(122));
    assert_eq!(
        watch.troubles(),
        ["n1 could not be resolved (3: Host not found) while resolving service http of orders"]
    );
    assert!(watch.answered(found(vec![gone], 60), s(122)));
    assert_eq!((watch.due(), shown(&watch)), (s(133), String::new()));
}

#[test]
fn a_target_that_cannot_be_looked_up_is_where_it_was() {
    let mut watch = service();
    let failed = |host| Site {
        addresses: Answer::Failed(Failure::Code(2)),
        ..srv(1, 1, host)
    };
    watch.answered(found(vec![srv(1, 1, 1), srv(1, 1, 2)], 60), s(0));
    assert!(watch.answered(found(vec![failed(1), failed(2), srv(1, 1, 3)], 60), s(61)));
    assert_eq!(shown(&watch), "1 2 3");
    assert_eq!(watch.due(), s(91), "as soon as after any failure");
    assert!(watch.answered(found(vec![failed(1), failed(4)], 60), s(91)));
    assert_eq!(
        shown(&watch),
        "1",
        "nobody knows where 4 is, and 2 is named no more"
    );

    let mut nothing = service();
    assert!(!nothing.answered(found(vec![failed(1)], 60), s(0)));
    assert_eq!(nothing.due(), s(30));
}

#[test]
fn a_service_without_records_or_sites_is_gone() {
    let mut watch = service();
    watch.answered(found(vec![srv(1, 1, 1)], 60), s(0));
    assert!(watch.answered(found(vec![], 60), s(61)));
    assert_eq!((watch.due(), shown(&watch)), (s(72), String::new()));
    assert_eq!(
        watch.troubles(),
        ["service http of orders could not be resolved (3: Host not found)"]
    );
}

#[test]
fn an_address_comes_from_its_line_and_of_a_service_from_its_target() {
    let origins = |watch: &Watch| -> Vec<String> {
        let members = watch.members().iter();
        members.map(|member| member.origin.clone()).collect()
    };
    let mut host = host();
    host.answered(plain(&[1, 2], 30), s(0));
    assert_eq!(origins(&host), ["orders:8080", "orders:8080"]);
    let mut service = service();
    let capital = Site {
        host: "N2".into(),
        ..srv(1, 1, 2)
    };
    service.answered(found(vec![srv(1, 1, 1), capital], 30), s(0));
    assert_eq!(origins(&service), ["n1", "n2"]);
}

#[test]
fn nobody_listens_at_port_0() {
    let mut watch = service();
    let none = Site {
        port: 0,
        ..srv(1, 1, 1)
    };
    watch.answered(found(vec![none, srv(1, 1, 2)], 30), s(0));
    assert_eq!(shown(&watch), "2");
}
