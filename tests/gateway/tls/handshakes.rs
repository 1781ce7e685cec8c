//! Which certificate is shown, which protocol is agreed on, and what goes wrong.

use std::io::Read;
use std::time::{Duration, Instant};

use super::certificates::Files;
use super::client::{LAST, curl, openssl};
use super::{gateway, nginx, server, shows};

fn two(more: &str) -> String {
    let site = |name: &str| {
        let more = format!(
            "{} location / {{ return 200 {name}:$scheme; }} {more}",
            shows(name)
        );
        server(&format!("{name}.test"), &more)
    };
    format!("access_log off;\n{}{}", site("a"), site("b"))
}

#[test]
fn the_name_asked_for_chooses_the_certificate_and_the_server() {
    let files = Files::with_two();
    let front = gateway(&files, &two(""));
    for name in ["a", "b"] {
        for version in ["--tls-max 1.2", "--tlsv1.3"] {
            let got = curl(&front, &files, &format!("{version} https://{name}.test/"));
            assert_eq!(got, format!("{name}:https"), "{version}");
        }
    }
    // Whoever asks for nobody we know, or for nobody, gets the default.
    for asked in ["-servername c.test", "-noservername"] {
        let said = openssl(&front, &files, asked, LAST);
        assert!(said.contains("subject=CN = a.test"), "{said}");
    }
    let said = openssl(&front, &files, "-servername B.test", LAST);
    assert!(said.contains("subject=CN = b.test"), "{said}");
}

#[test]
fn a_server_without_a_certificate_is_behind_that_of_the_default() {
    let files = Files::with_two();
    let bare = server("c.test", "location / { return 200 c; }");
    let front = gateway(&files, &(two("") + &bare));
    assert_eq!(curl(&front, &files, "-k https://c.test/"), "c");
    let said = openssl(&front, &files, "-servername c.test", LAST);
    assert!(said.contains("subject=CN = a.test"), "{said}");
}

#[test]
fn of_several_certificates_one_suits_the_client() {
    let files = Files::with_two();
    files.vouch_for_rsa("r", "a.test");
    let both = server("a.test", &format!("{} {}", shows("a"), shows("r")));
    let front = gateway(&files, &both);
    for (arguments, bits) in [
        ("-sigalgs RSA-PSS+SHA256", 2048),
        ("-sigalgs ECDSA+SHA256", 256),
        ("-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256", 2048),
        ("-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", 256),
    ] {
        let said = openssl(&front, &files, arguments, LAST);
        let key = format!("Server public key is {bits} bit");
        assert!(said.contains(&key), "{arguments}: {said}");
    }
}

#[test]
fn ciphers_and_curves_are_those_configured() {
    let files = Files::with_two();
    let narrow = "ssl_ciphers ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256;
                  ssl_prefer_server_ciphers on; ssl_ecdh_curve secp384r1;";
    let front = gateway(&files, &two(narrow));
    let offer = "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305";
    let said = openssl(&front, &files, offer, LAST);
    assert!(
        said.contains("Cipher is ECDHE-ECDSA-CHACHA20-POLY1305"),
        "{said}"
    );
    assert!(said.contains("Server Temp Key: ECDH, secp384r1"), "{said}");
    let said = openssl(
        &front,
        &files,
        "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384",
        "",
    );
    assert!(said.contains("alert handshake failure"), "{said}");
    let said = openssl(&front, &files, "-curves X25519", "");
    assert!(said.contains("alert handshake failure"), "{said}");
}

#[test]
fn versions_are_those_configured() {
    let files = Files::with_two();
    let one = format!(
        "server {{ listen @FRONT ssl; {} ssl_protocols TLSv1.3; }}",
        shows("a")
    );
    let front = gateway(&files, &one);
    let said = openssl(&front, &files, "-tls1_2", "");
    assert!(said.contains("alert protocol version"), "{said}");
    let said = openssl(&front, &files, "-tls1_3", LAST);
    assert!(
        said.contains("Protocol  : TLSv1.3") || said.contains("TLSv1.3, Cipher is"),
        "{said}"
    );
}

#[test]
fn application_protocols_are_agreed_on_or_not() {
    let files = Files::with_two();
    let http = two("").replacen("ssl_protocols", "http2 on; ssl_protocols", 1);
    let front = gateway(&files, &http);
    for (name, offer, want) in [
        ("a", "-alpn h2,http/1.1", "ALPN protocol: h2"),
        ("a", "-alpn http/1.1", "ALPN protocol: http/1.1"),
        ("b", "-alpn h2,http/1.1", "ALPN protocol: http/1.1"),
        ("b", "", "No ALPN negotiated"),
        ("b", "-alpn http/1.0", "ALPN protocol: http/1.0"),
        ("b", "-alpn h2", "alert no application protocol"),
    ] {
        let arguments = format!("-servername {name}.test {offer}");
        let said = openssl(&front, &files, &arguments, LAST);
        assert!(said.contains(want), "{arguments}: {said}");
    }
}

#[test]
fn a_handshake_can_be_refused_by_name() {
    let files = Files::with_two();
    let refusing = "server { listen @FRONT ssl default_server; ssl_reject_handshake on; }\n";
    let front = gateway(&files, &(refusing.to_owned() + &two("")));
    assert_eq!(curl(&front, &files, "https://a.test/"), "a:https");
    let said = openssl(&front, &files, "-servername c.test", "");
    assert!(said.contains("no peer certificate available"), "{said}");
    front.wait_for("error.log", "SSL_do_handshake() failed (");
}

#[test]
fn who_never_finishes_holds_nobody_up_and_is_closed_in_time() {
    let files = Files::with_two();
    let front = gateway(&files, &format!("client_header_timeout 1s;\n{}", two("")));
    let start = Instant::now();
    let mut silent = front.connect();
    let mut begun = front.connect();
    begun.send([0x16, 3, 1]);
    assert_eq!(curl(&front, &files, "https://a.test/"), "a:https");
    for wire in [&mut silent, &mut begun] {
        assert!(wire.is_closed());
        let took = start.elapsed();
        assert!(took >= Duration::from_secs(1), "{took:?}");
        assert!(took < Duration::from_secs(4), "{took:?}");
    }
    let address = front.front;
    let late = format!(
        "client timed out (110: Connection timed out) while SSL handshaking, \
         client: 127.0.0.1, server: {address}"
    );
    assert!(front.wait_for("error.log", &late).contains(" [info] "));
}

#[test]
fn what_goes_wrong_is_told_as_information() {
    let files = Files::with_two();
    for front in [gateway(&files, &two("")), nginx(&files, &two(""))] {
        openssl(&front, &files, "-alpn nonsense", "");
        front.wait_for("error.log", "[info]");
        let log = front.wait_for("error.log", "SSL_do_handshake() failed (");
        let line = log.lines().find(|line| line.contains("SSL_do_handshake"));
        let line = line.expect("a line");
        let about = format!(
            ") while SSL handshaking, client: 127.0.0.1, server: {}",
            front.front
        );
        assert!(
            line.contains(" [info] ") && line.ends_with(&about),
            "{line}"
        );
        drop(front.connect());
        front.wait_for(
            "error.log",
            "client closed connection while SSL handshaking",
        );
    }
}

#[test]
fn a_client_that_goes_without_a_word_has_had_its_answer() {
    let files = Files::with_two();
    let front = gateway(&files, &two(""));
    let said = openssl(&front, &files, "-servername a.test", LAST);
    assert!(said.contains("a:https"), "{said}");
    // Without close_notify OpenSSL would call this an error.
    assert!(!said.contains("unexpected eof"), "{said}");
    let mut wire = front.connect();
    wire.send("\u{16}");
    let mut rest = Vec::new();
    wire.0.shutdown(std::net::Shutdown::Write).unwrap();
    wire.0.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, [0u8; 0]);
}
