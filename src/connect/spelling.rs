use std::sync::Arc;

/// How header names are spelt on the wire.
///
/// A request that was received has its names sent on as they came; any other name is written with
/// capitals behind dashes, as in `Content-Type`. Put this into a request's extensions for names that
/// want it otherwise: `X-Real-IP`, `ETag`. It changes letters' case and nothing else.
///
/// ```
/// use tower_upstream::connect::Spelling;
///
/// let spelling = Spelling::new(["X-Real-IP", "Host"]);
/// let mut head = *b"GET / HTTP/1.1\r\nHost: a\r\nX-Real-Ip: b\r\n\r\n";
/// spelling.spell(&mut head);
/// assert_eq!(&head, b"GET / HTTP/1.1\r\nHost: a\r\nX-Real-IP: b\r\n\r\n");
/// assert!(Spelling::new(["Host"]).is_usual());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spelling(Option<Arc<[Box<str>]>>);

impl Spelling {
    /// Of these names, those that are spelt unusually.
    pub fn new<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter();
        let odd: Vec<Box<str>> = names
            .filter(|name| !is_usual(name.as_ref()))
            .map(|name| name.as_ref().into())
            .collect();
        Self((!odd.is_empty()).then(|| odd.into()))
    }

    /// Whether there is nothing to change.
    pub fn is_usual(&self) -> bool {
        self.0.is_none()
    }

    /// Respells the names in the head at the beginning of `message`, which may be cut anywhere.
    pub fn spell(&self, message: &mut [u8]) {
        let Some(names) = &self.0 else {
            return;
        };
        for line in message.split_mut(|&byte| byte == b'\n').skip(1) {
            if matches!(line, [] | [b'\r']) {
                return;
            }
            let Some(end) = line.iter().position(|&byte| byte == b':') else {
                continue;
            };
            let found = &mut line[..end];
            let name = names
                .iter()
                .find(|name| found.eq_ignore_ascii_case(name.as_bytes()));
            if let Some(name) = name {
                found.copy_from_slice(name.as_bytes());
            }
        }
    }
}

/// A capital behind each dash and nowhere else.
fn is_usual(name: &str) -> bool {
    let mut begins = true;
    name.bytes().all(|byte| {
        let usual = match begins {
            true => !byte.is_ascii_lowercase(),
            false => !byte.is_ascii_uppercase(),
        };
        begins = byte == b'-';
        usual
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_in_the_head_are_respelt() {
        let spelling = Spelling::new(["ETag", "x-LOW"]);
        let mut message = *b"POST /etag: HTTP/1.1\r\nEtag: etag:\r\nX-Low:1\r\n\r\nEtag: 1\r\n";
        spelling.spell(&mut message);
        assert_eq!(
            message.as_slice(),
            b"POST /etag: HTTP/1.1\r\nETag: etag:\r\nx-LOW:1\r\n\r\nEtag: 1\r\n"
        );
    }

    #[test]
    fn usual_names_need_nothing() {
        assert!(Spelling::new(["Content-Type", "X-1-A", "Host"]).is_usual());
        assert!(!Spelling::new(["WWW-Authenticate"]).is_usual());
        assert!(!Spelling::new(["host"]).is_usual());
    }
}
