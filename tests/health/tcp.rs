//! Looks that only connect.

use tower_upstream::HealthCheck;

use crate::server::{Act, TestServer};
use crate::world::{World, quick};

#[tokio::test]
async fn whoever_accepts_is_well() {
    let mut server = TestServer::new(Act::Hang).await;
    let name = server.name();
    let mut world = World::checked(&[&name], quick(HealthCheck::tcp()));
    world.known().await;
    assert_eq!(world.verdicts(), [Some(true)]);
    server.close().await;
    let change = world.change().await;
    let expected = format!("{name} down: no connection: ");
    assert!(change.starts_with(&expected), "{change}");
    server.reopen().await;
    assert_eq!(world.change().await, format!("{name} up"));
    assert_eq!((server.checks().len(), server.requests()), (0, 0));
}
