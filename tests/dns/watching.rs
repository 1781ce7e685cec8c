//! What every case needs: updates of a line, and waiting for a list.

use std::time::Duration;

use tokio::time::timeout;
use tower_upstream::dns::{Member, Resolver, Target, Updates};
use tower_upstream::{ResolverConfig, Server};

/// Longer than any case takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) fn updates(config: &ResolverConfig, line: &Server) -> Updates {
    Updates::new(Resolver::new(config).unwrap(), Target::new(line).unwrap())
}

/// `server orders.example:80 resolve`
pub(crate) fn plain() -> Server {
    Server::new("orders.example:80").resolve()
}

/// Every member as `address`, `address*weight`, with `b` for a backup; sorted, since name servers
/// turn their records round.
pub(crate) fn shown(members: &[Member]) -> Vec<String> {
    let one = |member: &Member| {
        let weight = match member.weight {
            1 => String::new(),
            weight => format!("*{weight}"),
        };
        let backup = if member.backup { "b" } else { "" };
        format!("{}{weight}{backup}", member.address)
    };
    let mut shown: Vec<_> = members.iter().map(one).collect();
    shown.sort();
    shown
}

/// Looks until the list is this one.
pub(crate) async fn until(updates: &mut Updates, expected: &[&str]) {
    let looking = async {
        while shown(updates.watch().members()) != expected {
            updates.look().await;
        }
    };
    if timeout(PATIENCE, looking).await.is_err() {
        let watch = updates.watch();
        panic!(
            "{:?} has {:?}, not {expected:?}; {:?}",
            watch.target().line().address,
            shown(watch.members()),
            watch.troubles()
        );
    }
}

/// The next look fails in this way, and the list stays as it is.
pub(crate) async fn fails(updates: &mut Updates, words: &str) {
    let before = shown(updates.watch().members());
    let looking = async {
        loop {
            assert!(!updates.look().await, "nothing new is heard");
            if !updates.watch().troubles().is_empty() {
                break;
            }
        }
    };
    timeout(PATIENCE, looking).await.expect("it fails");
    let troubles = updates.watch().troubles();
    assert!(troubles[0].contains(words), "{troubles:?}");
    assert_eq!(shown(updates.watch().members()), before);
}
