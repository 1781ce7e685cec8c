//! The small pages of statuses without a page of their own, and the words of status lines.

use bytes::Bytes;

/// What we call ourselves to clients.
pub const SERVER: &str = "tower-upstream";

/// A request head larger than its buffers; clients see 400 with a page of its own.
pub const HEAD_TOO_LARGE: u16 = 494;

/// A client certificate that does not convince; clients see 400, as with the two that follow.
pub const BAD_CERTIFICATE: u16 = 495;

/// No client certificate where one is required.
pub const NO_CERTIFICATE: u16 = 496;

/// HTTP where TLS was expected.
pub const PLAIN_HTTP: u16 = 497;

/// The status that clients see: some of ours only choose a page.
pub fn shown(status: u16) -> u16 {
    match status {
        HEAD_TOO_LARGE | BAD_CERTIFICATE | NO_CERTIFICATE | PLAIN_HTTP => 400,
        status => status,
    }
}

/// What is the matter with a 400.
fn matter(status: u16) -> Option<&'static str> {
    Some(match status {
        HEAD_TOO_LARGE => "Request Header Or Cookie Too Large",
        BAD_CERTIFICATE => "The SSL certificate error",
        NO_CERTIFICATE => "No required SSL certificate was sent",
        PLAIN_HTTP => "The plain HTTP request was sent to HTTPS port",
        _ => return None,
    })
}

/// The words after a status code where they differ from today's standard ones.
pub fn reason(status: u16) -> Option<&'static str> {
    Some(match status {
        302 => "Moved Temporarily",
        405 => "Not Allowed",
        408 => "Request Time-out",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Large",
        416 => "Requested Range Not Satisfiable",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        100..=102 | 200..=202 | 204 | 206 | 301 | 303 | 304 | 307 | 308 => return None,
        400..=404 | 406 | 409..=412 | 415 | 421 | 429 | 500..=502 | 505 | 507 => return None,
        // The rest has no words.
        _ => "",
    })
}

/// The title of a status' page, if it has one.
fn title(status: u16) -> Option<&'static str> {
    Some(match status {
        301 => "301 Moved Permanently",
        302 => "302 Found",
        303 => "303 See Other",
        307 => "307 Temporary Redirect",
        308 => "308 Permanent Redirect",
        400 => "400 Bad Request",
        401 => "401 Authorization Required",
        402 => "402 Payment Required",
        403 => "403 Forbidden",
        404 => "404 Not Found",
        405 => "405 Not Allowed",
        406 => "406 Not Acceptable",
        408 => "408 Request Time-out",
        409 => "409 Conflict",
        410 => "410 Gone",
        411 => "411 Length Required",
        412 => "412 Precondition Failed",
        413 => "413 Request Entity Too Large",
        414 => "414 Request-URI Too Large",
        415 => "415 Unsupported Media Type",
        416 => "416 Requested Range Not Satisfiable",
        421 => "421 Misdirected Request",
        429 => "429 Too Many Requests",
        HEAD_TOO_LARGE => "400 Request Header Or Cookie Too Large",
        BAD_CERTIFICATE => "400 The SSL certificate error",
        NO_CERTIFICATE => "400 No required SSL certificate was sent",
        PLAIN_HTTP => "400 The plain HTTP request was sent to HTTPS port",
        500 => "500 Internal Server Error",
        501 => "501 Not Implemented",
        502 => "502 Bad Gateway",
        503 => "503 Service Temporarily Unavailable",
        504 => "504 Gateway Time-out",
        505 => "505 HTTP Version Not Supported",
        507 => "507 Insufficient Storage",
        _ => return None,
    })
}

/// The page of a status; nothing for those that never have one.
pub fn page(status: u16) -> Option<Bytes> {
    let title = title(status)?;
    let heading = match matter(status) {
        Some(matter) => {
            format!("<center><h1>400 Bad Request</h1></center>\r\n<center>{matter}</center>")
        }
        None => format!("<center><h1>{title}</h1></center>"),
    };
    Some(Bytes::from(format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n{heading}\r\n\
         <hr><center>{SERVER}</center>\r\n</body>\r\n</html>\r\n"
    )))
}

/// Statuses after which a client connection is not kept: its next bytes cannot be trusted.
pub fn closes(status: u16) -> bool {
    matches!(shown(status), 400 | 413 | 414 | 500 | 501 | 505)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_its_status_twice_and_us_once() {
        let page = page(404).unwrap();
        let text = std::str::from_utf8(&page).unwrap();
        assert_eq!(
            text,
            "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n\
             <center><h1>404 Not Found</h1></center>\r\n<hr><center>tower-upstream</center>\r\n\
             </body>\r\n</html>\r\n"
        );
    }

    #[test]
    fn a_large_head_is_a_400_to_clients() {
        let page = page(HEAD_TOO_LARGE).unwrap();
        let text = std::str::from_utf8(&page).unwrap();
        assert!(text.contains("<title>400 Request Header Or Cookie Too Large</title>"));
        assert!(text.contains("<h1>400 Bad Request</h1>"));
    }

    #[test]
    fn successes_have_no_page() {
        assert_eq!(page(200), None);
        assert_eq!(page(204), None);
    }
}
