use super::{Place, Problems, Template};
#[cfg(feature = "tls")]
use crate::connect::{Part, Tls};
use crate::upstream::config::TlsConfig;

/// What a configuration says of a destination that is spoken to over TLS, and where it says so.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "tls"), allow(dead_code))]
pub struct PassTls {
    /// The values that hold.
    pub config: TlsConfig,
    /// The name, where it is used and follows the request; there is none among the values then. What
    /// it evaluates to goes through [`tls_name`](super::tls_name) to
    /// [`Tls::name`](crate::connect::Tls).
    pub follows: Option<Template>,
    pub(super) whole: Place,
    pub(super) certificate: Place,
    pub(super) key: Place,
    pub(super) trusted: Place,
    pub(super) crl: Place,
    pub(super) name: Place,
}

impl PassTls {
    /// The same, where no name can follow a request.
    pub(super) fn fixed(self, prefix: &str, problems: &mut Problems) -> Option<Self> {
        if self.follows.is_none() {
            return Some(self);
        }
        let message = format!(
            "\"{prefix}name\" of a client cannot follow the request: of variables it may have \
             $proxy_host and $proxy_port"
        );
        problems.push(&self.name, message);
        None
    }

    /// The client it comes to; its files are read now. Everything wrong with them is told where they
    /// are named. See [`Tls::from_config`].
    #[cfg(feature = "tls")]
    pub fn client(&self, problems: &mut Problems) -> Option<Tls> {
        Tls::read(&self.config)
            .map_err(|wrong| {
                for (part, message) in wrong {
                    problems.push(self.place(part), message);
                }
            })
            .ok()
    }

    #[cfg(feature = "tls")]
    fn place(&self, part: Part) -> &Place {
        match part {
            Part::Whole | Part::Versions => &self.whole,
            Part::Trusted => &self.trusted,
            Part::Crl => &self.crl,
            Part::Certificate => &self.certificate,
            Part::Key => &self.key,
            Part::Name => &self.name,
        }
    }
}
