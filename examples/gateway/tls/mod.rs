//! TLS towards clients: which server's certificate is shown, what the two agree on, and what is known
//! of a connection from then on.

mod admit;
mod certificate;
mod clients;
mod handshake;
mod name;
mod session;
mod sessions;
mod settings;
mod site;
pub mod suites;
mod verdict;

pub use admit::{MISDIRECTED, is_misdirected, refusal};
pub use certificate::complain;
pub use handshake::{Knock, handshake};
pub use name::Certificate;
pub use session::{Cover, Session};
pub use sessions::{Store, Stores};
pub use settings::{Settings, VerifyClient};
pub use site::Site;
pub use verdict::Verdict;
