//! TLS towards clients: which server's certificate is shown, what the two agree on, and what is known
//! of a connection from then on.

mod handshake;
mod session;
mod site;

pub use handshake::{Knock, handshake};
pub use session::Cover;
pub use site::Site;
