//! Compile-time proofs: what a caller holds can be shared, sent and kept.

use tower_upstream::balance::{
    Affinity, Ending, Lease, Member, PeerConfig, PeerId, PeerState, Peers, Roster, Setup, Walk,
};
use tower_upstream::breaker::{
    Breaker, BreakerLayer, Circuit, FailureRules, Handle, MaxFails, ResponseFuture, Snapshot,
};
use tower_upstream::classify::{Condition, Outcome};
use tower_upstream::retry::{
    Attempted, Backoff, Budget, BudgetConfig, BudgetSnapshot, Pushback, Retry, RetryConfig,
    RetryLayer, Terms,
};
use tower_upstream::upstream::{Endpoint, Engine, Plain};
use tower_upstream::{Error, NextUpstream, Semantics};

fn shared<T: Send + Sync + 'static>() {}
fn cloned<T: Send + Sync + Clone + 'static>() {}

#[test]
fn machines_and_values_go_anywhere() {
    cloned::<Peers>();
    cloned::<PeerConfig>();
    cloned::<PeerId>();
    cloned::<PeerState>();
    cloned::<Walk>();
    cloned::<MaxFails>();
    cloned::<FailureRules>();
    cloned::<Circuit>();
    cloned::<Handle>();
    cloned::<Snapshot>();
    cloned::<tower_upstream::ConfigError>();
    cloned::<Condition>();
    cloned::<Outcome>();
    cloned::<Ending>();
    cloned::<Attempted>();
    cloned::<Backoff>();
    cloned::<Budget>();
    cloned::<BudgetConfig>();
    cloned::<BudgetSnapshot>();
    cloned::<Pushback>();
    cloned::<RetryConfig>();
    cloned::<Terms>();
    cloned::<NextUpstream>();
    cloned::<Semantics>();
    shared::<Roster<String>>();
    cloned::<Setup>();
    cloned::<Member>();
    cloned::<Affinity>();
    shared::<Lease>();
    shared::<Error>();
}

/// A breaker is as free as its service and its classifier, which need not be cloned.
#[test]
fn a_breaker_is_as_free_as_what_it_is_made_of() {
    struct Classifier;
    cloned::<BreakerLayer<Classifier>>();
    cloned::<Breaker<String, Classifier>>();
    shared::<ResponseFuture<std::future::Ready<()>, Classifier>>();
}

/// Retries are as free as the service they repeat.
#[test]
fn retries_are_as_free_as_their_service() {
    type Classify = fn(&Result<u8, std::io::Error>) -> Condition;
    cloned::<RetryLayer<Classify>>();
    cloned::<Retry<String, Classify>>();
}

/// The engine is as free as the service behind it, and its rules are free whatever they answer.
#[test]
fn the_engine_is_as_free_as_its_endpoints() {
    type Answer = std::cell::Cell<u8>;
    type Classify = fn(&Result<Answer, std::io::Error>) -> Condition;
    type Rules = Plain<Classify, Answer, std::io::Error>;
    cloned::<Endpoint<String>>();
    shared::<Rules>();
    cloned::<Engine<String, Rules>>();
}

mod http {
    use bytes::Bytes;
    use http_body_util::Full;
    use tower_service::Service;
    use tower_upstream::connect::Address;
    use tower_upstream::timeout::Elapsed;
    use tower_upstream::{
        Attempt, Builder, ConfigError, Error, Group, GroupConfig, Keepalive, PeerSnapshot, Proxy,
        RequestBuffering, ResolverConfig, ResponseBody, ResponseFuture, Server, Sticky, Trail,
        Upstream, Visit,
    };

    use super::{cloned, shared};

    fn sent<T: Send + 'static>() {}
    fn unpinned<T: Unpin>() {}

    #[test]
    fn the_client_is_shared_and_its_futures_are_sent() {
        cloned::<Upstream>();
        cloned::<Group>();
        cloned::<Builder>();
        cloned::<Trail>();
        sent::<ResponseFuture>();
        sent::<ResponseBody>();
        unpinned::<ResponseBody>();
    }

    /// Checks are spawned by whoever has a runtime.
    #[test]
    fn checks_are_sent() {
        use tower_upstream::HealthCheck;
        use tower_upstream::health::{Change, Checks, Failure, Standing};
        fn runs(checks: Checks) {
            fn sent(_: impl Future<Output = ()> + Send + 'static) {}
            sent(checks.run());
        }
        let _ = runs;
        sent::<Checks>();
        cloned::<HealthCheck>();
        cloned::<Standing>();
        cloned::<Change>();
        cloned::<Failure>();
    }

    #[test]
    fn values_are_shared() {
        cloned::<Address>();
        cloned::<Attempt>();
        cloned::<ConfigError>();
        cloned::<Elapsed>();
        cloned::<GroupConfig>();
        cloned::<Keepalive>();
        cloned::<PeerSnapshot>();
        cloned::<Proxy>();
        cloned::<RequestBuffering>();
        cloned::<ResolverConfig>();
        cloned::<Server>();
        cloned::<Sticky>();
        cloned::<Visit>();
        shared::<Error>();
    }

    /// Bodies need to be Send, not Sync: what streams from one place is not looked at from two.
    #[test]
    fn it_is_a_service_for_any_body() {
        fn service<S, B>()
        where
            S: Service<::http::Request<B>, Error = Error, Future = ResponseFuture>,
        {
        }
        service::<Upstream, Full<Bytes>>();
        service::<Upstream, axum::body::Body>();
        service::<Upstream, hyper::body::Incoming>();
        service::<Upstream, ResponseBody>();
    }
}

/// Limits are as free as what they are made of, and so are the futures of those who wait.
#[test]
fn limits_are_as_free_as_their_keys_and_their_service() {
    use tower_upstream::answer::{self, Errors, Reason, Refusal};
    use tower_upstream::limit::rate::{
        Bucket, Local, One, Rate, RateLimit, RateLimitLayer, RateLimited, Snapshot, Status,
        Verdict, Zone,
    };
    use tower_upstream::limit::{Everyone, Key};

    struct Keys;
    cloned::<Zone>();
    cloned::<Rate>();
    cloned::<Bucket>();
    cloned::<Local>();
    cloned::<Verdict>();
    cloned::<Status>();
    cloned::<Snapshot>();
    cloned::<RateLimit<Everyone>>();
    cloned::<RateLimitLayer<One<Keys>, Errors>>();
    cloned::<RateLimited<String, One<Keys>, Errors>>();
    cloned::<Key<'static>>();
    cloned::<Reason>();
    cloned::<Refusal>();
    shared::<answer::Error<std::io::Error>>();
}

/// A bulkhead is as free as what it is made of.
#[test]
fn a_bulkhead_is_as_free_as_what_it_is_made_of() {
    use tower_upstream::limit::bulkhead::{
        Alike, Bulkhead, BulkheadLayer, Class, Handle, Limit, Limiter, Permit, Presence, Queue,
        ResponseFuture, Shares, Snapshot, Zone,
    };

    struct Traffic;
    struct Keys;
    cloned::<Limit>();
    cloned::<Limiter>();
    cloned::<Queue>();
    cloned::<Class>();
    cloned::<Shares>();
    cloned::<Zone>();
    cloned::<Handle>();
    cloned::<Snapshot>();
    shared::<Permit>();
    shared::<Presence>();
    cloned::<BulkheadLayer<Traffic, Keys, Alike>>();
    cloned::<Bulkhead<String, Traffic, Keys>>();
    type Service = tower::util::ServiceFn<fn(u8) -> std::future::Ready<Result<u8, u8>>>;
    shared::<ResponseFuture<Service, u8, Traffic, u8>>();
}

#[test]
fn what_dns_knows_goes_anywhere() {
    use tower_upstream::dns::{
        Answer, Failure, Follower, Member, Resolver, Servers, Site, Target, Updates, Watch,
    };
    fn sent<T: Send + Unpin + 'static>() {}

    cloned::<Answer<Vec<Site>>>();
    cloned::<Failure>();
    cloned::<Member>();
    cloned::<Resolver>();
    cloned::<Target>();
    cloned::<Watch>();
    sent::<Follower>();
    sent::<Servers>();
    sent::<Updates>();
}

/// Followers are as free as the stream they follow.
#[test]
fn followers_are_as_free_as_their_stream() {
    use tower_upstream::Server;
    use tower_upstream::discover::{EndpointFollower, Follower};
    fn sent<T: Send + Unpin + 'static>() {}

    type Servers = futures_util::stream::Empty<Result<Change, std::io::Error>>;
    type Change = tower::discover::Change<u8, Server>;
    sent::<Follower<Servers>>();
    sent::<EndpointFollower<Servers, fn(&u8) -> Member>>();
}

#[test]
fn a_timeout_is_as_free_as_its_service() {
    use tower_upstream::answer::Errors;
    use tower_upstream::timeout::{
        Calls, Deadline, Elapsed, ResponseFuture, Timeout, TimeoutLayer,
    };
    cloned::<Deadline>();
    cloned::<Elapsed>();
    cloned::<TimeoutLayer<Calls<Errors>>>();
    cloned::<Timeout<(), Calls<Errors>>>();
    shared::<ResponseFuture<(), ()>>();
    {
        use tower_upstream::answer::HttpAnswers;
        use tower_upstream::timeout::{Http, Incoming, RequestBodyTimeoutLayer, TimeoutBody};
        cloned::<Incoming>();
        cloned::<RequestBodyTimeoutLayer>();
        cloned::<TimeoutLayer<Http<HttpAnswers>>>();
        cloned::<Timeout<(), Http<HttpAnswers>>>();
        shared::<TimeoutBody<()>>();
    }
}
