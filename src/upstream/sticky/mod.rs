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
//! 3. [`answered`](Stickiness::answered) is told the header that is handed out. It adds the cookie,
//!    or says what there is to learn.
//! 4. [`learn`](Stickiness::learn) is told that when the attempt is over and was no failure (SK-7).

mod cookie;
mod learn;
mod server_id;
mod sessions;
mod set_cookie;
mod source;
mod stickiness;
mod visit;
mod words;

pub(crate) use server_id::server_id;
pub(crate) use source::Head;
pub(crate) use stickiness::Stickiness;
pub(crate) use visit::{Lesson, Visit};
