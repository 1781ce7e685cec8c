//! Who comes back goes where it was before (`sticky`; SK).
//!
//! | mode | who names the server | who remembers it | choose it when |
//! | --- | --- | --- | --- |
//! | `cookie` | a cookie of ours, set with every answer | the client | clients keep cookies |
//! | `route` | a cookie, an argument or a header | the client | the application names its server itself |
//! | `learn` | the application's session, seen when it begins | a table in here | the application has sessions of its own |
//!
//! ```text
//! request ─▶ visit ─▶ route ─▶ pick: a hint, no order (SK-3)
//!                               │
//! answer ◀── Set-Cookie ◀── answered by the peer finally used
//!                               └─▶ lesson ─▶ learn, once the attempt is over
//! ```
//!
//! 1. [`visit`](Stickiness::visit) reads the request as its sender wrote it.
//! 2. [`route`](Stickiness::route) is the hint, asked for before every pick: a session may have moved
//!    since the last.
//! 3. [`set_cookie`](Stickiness::set_cookie) adds our cookie to the header that is handed out.
//! 4. [`lesson`](Stickiness::lesson) is what that header has to teach, and
//!    [`learn`](Stickiness::learn) is told it when the attempt is over and was no failure (SK-7).
//!
//! [`Desk`] knows the time and the endings; the others are told.

mod cookie;
mod desk;
mod learn;
mod server_id;
mod sessions;
mod set_cookie;
mod source;
mod stickiness;
mod visit;
mod words;

#[cfg(feature = "nginx")]
pub(crate) use cookie::{cookie, set_cookie};
pub(crate) use desk::{Desk, Pending};
pub(crate) use server_id::server_id;
pub(crate) use source::Head;
pub(crate) use stickiness::Stickiness;
pub use visit::Visit;
