//! Client certificates, beside a real nginx: pages, log lines and variables.

use rcgen::{DistinguishedName, DnType, DnValue, SerialNumber, date_time_ymd};

use super::super::rig::{Server, status};
use super::certificates::Files;
use super::client::{LAST, curl, openssl};
use super::{gateway, nginx, server, shows};

const LOG: &str = "log_format f '$status $ssl_client_verify|$ssl_client_s_dn|$ssl_client_i_dn|\
    $ssl_client_serial|$ssl_client_fingerprint'; access_log access.log f;\n";

/// Servers `on.test`, `optional.test`, `no-ca.test` and `off.test`.
fn every_mode(more: &str) -> String {
    let modes = [
        ("on", "on"),
        ("optional", "optional"),
        ("no-ca", "optional_no_ca"),
        ("off", "off"),
    ];
    let servers = modes.map(|(name, mode)| {
        let more = format!(
            "{} ssl_client_certificate @/ca.pem; ssl_verify_client {mode}; {more}
             location / {{ return 200 $ssl_client_verify; }}",
            shows("a")
        );
        server(&format!("{name}.test"), &more)
    });
    format!("{LOG}{}", servers.concat())
}

/// Both programs' log lines after every certificate was shown to every mode.
fn shown(files: &Files, http: &str, certificates: &[&str]) -> [Vec<String>; 2] {
    [gateway(files, http), nginx(files, http)].map(|mut front| {
        for certificate in certificates {
            for mode in ["on", "optional", "no-ca", "off"] {
                let pair = match *certificate {
                    "" => String::new(),
                    name => format!("--cert @/{name}.pem --key @/{name}.key"),
                };
                curl(&front, files, &format!("-k {pair} https://{mode}.test/"));
            }
        }
        front.process.stop();
        let log = front.process.read("access.log");
        let labels = certificates.iter().flat_map(|name| [name; 4]);
        let lines = labels.zip(log.lines());
        lines
            .map(|(name, line)| format!("{name}: {line}"))
            .collect()
    })
}

#[test]
fn every_mode_thinks_of_every_certificate_as_nginx_does() {
    let files = Files::with_two();
    files.vouch("good", "good.test");
    files.vouch_with("expired", "expired.test", |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    files.vouch_with("early", "early.test", |params| {
        params.not_before = date_time_ymd(2090, 1, 1);
    });
    files.vouch_with("server", "server.test", |params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    });
    files.alone("alone");
    files.by_a_stranger("stranger");
    let one = files.authority.below("One below");
    let two = one.below("Two below");
    files.vouch_below("below", &one, &[]);
    files.vouch_below("deep", &two, &[&one]);
    let certificates = [
        "", "good", "expired", "early", "server", "alone", "stranger", "below", "deep",
    ];
    let [ours, theirs] = shown(&files, &every_mode(""), &certificates);
    assert_eq!(ours.len(), certificates.len() * 4);
    assert_eq!(ours, theirs);
}

#[test]
fn depth_lists_and_pinned_certificates() {
    let files = Files::with_two();
    files.vouch("good", "good.test");
    files.vouch_with("revoked", "revoked.test", |params| {
        params.serial_number = Some(SerialNumber::from(77u64));
    });
    files.revoke("ca", 77);
    files.alone("alone");
    files.write(
        "trusted.pem",
        &std::fs::read_to_string(files.path().join("alone.pem")).unwrap(),
    );
    let one = files.authority.below("One below");
    files.vouch_below("below", &one, &[]);
    let lists = every_mode("ssl_crl @/ca.crl;");
    let [ours, theirs] = shown(&files, &lists, &["good", "revoked"]);
    assert_eq!(ours, theirs);
    assert!(ours.concat().contains("FAILED:certificate revoked"));
    let trusted = every_mode("ssl_trusted_certificate @/trusted.pem; ssl_verify_depth 0;");
    let [ours, theirs] = shown(&files, &trusted, &["alone", "good", "below"]);
    assert_eq!(ours, theirs);
}

#[test]
fn names_are_written_as_nginx_writes_them() {
    let files = Files::with_two();
    files.vouch_with("odd", "odd.test", |params| {
        let mut name = DistinguishedName::new();
        let printable = DnValue::PrintableString("NO".try_into().unwrap());
        name.push(DnType::CountryName, printable);
        name.push(DnType::StateOrProvinceName, "Østfold");
        name.push(DnType::OrganizationName, " A, \"B\"+C;<x>=\\ ");
        name.push(DnType::OrganizationalUnitName, "#one\t\u{1f512}");
        let wide = DnValue::BmpString("Bø".try_into().unwrap());
        name.push(DnType::LocalityName, wide);
        name.push(
            DnType::CustomDnType(vec![1, 2, 840, 113549, 1, 9, 1]),
            "a@b.c",
        );
        name.push(
            DnType::CustomDnType(vec![0, 9, 2342, 19200300, 100, 1, 1]),
            "uid",
        );
        name.push(DnType::CustomDnType(vec![1, 2, 3, 4, 5]), "nobody knows");
        name.push(DnType::CommonName, "");
        params.distinguished_name = name;
        params.serial_number = Some(SerialNumber::from_slice(&[0x80, 0, 1]));
    });
    let whole = "$ssl_client_escaped_cert|$ssl_client_cert|$ssl_client_raw_cert";
    let http = every_mode("").replacen("$status", &format!("$status {whole}"), 1);
    let [ours, theirs] = shown(&files, &http, &["odd"]);
    assert!(ours[0].contains("SUCCESS"), "{ours:?}");
    assert_eq!(ours, theirs);
}

/// What three ways of asking for a strict server come to.
fn ways(front: &Server, files: &Files) -> Vec<u16> {
    let pair = "--cert @/b.pem --key @/b.key";
    let open = "-i https://open.test/ -k";
    [
        format!("{open} -H Host:strict.test"),
        format!("{open} -H Host:strict.test {pair}"),
        format!("-k -i https://strict.test/ -H Host:other.test {pair}"),
        format!("-k -i https://strict.test/ -H Host:open.test {pair}"),
        format!("-k -i https://strict.test/ {pair}"),
        format!("{open} -H Host:nobody.test"),
    ]
    .iter()
    .map(|arguments| status(&curl(front, files, arguments)))
    .collect()
}

#[test]
fn another_servers_handshake_opens_no_strict_server() {
    let files = Files::with_two();
    let open = server(
        "open.test",
        &format!("{} location / {{ return 200 open; }}", shows("a")),
    );
    let strict = server(
        "strict.test other.test",
        &format!(
            "{} ssl_client_certificate @/ca.pem; ssl_verify_client on;
             location / {{ return 200 strict; }}",
            shows("a")
        ),
    );
    let http = format!("access_log off;\n{open}{strict}");
    for front in [gateway(&files, &http), nginx(&files, &http)] {
        assert_eq!(ways(&front, &files), [421, 421, 421, 200, 200, 200]);
        front.wait_for(
            "error.log",
            "client attempted to request the server name different from the one that was negotiated",
        );
    }
}

#[test]
fn without_a_name_a_certificate_convinces_only_whom_it_was_shown_to() {
    let files = Files::with_two();
    files.alone("alone");
    let server = |name: &str, authority: &str| {
        let more = format!(
            "{} ssl_client_certificate @/{authority}.pem; ssl_verify_client on;
             location / {{ return 200 {name}; }}",
            shows("a")
        );
        server(&format!("{name}.test"), &more)
    };
    let front = gateway(&files, &(server("lax", "alone") + &server("strict", "ca")));
    let ask = |host: &str| {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        openssl(
            &front,
            &files,
            "-noservername -cert @/alone.pem -key @/alone.key",
            &request,
        )
    };
    assert!(ask("lax.test").contains("HTTP/1.1 200 OK"));
    assert!(ask("strict.test").contains("HTTP/1.1 421 "));
}

#[test]
fn a_session_taken_up_again_is_judged_anew() {
    let files = Files::with_two();
    let http = server(
        "a.test",
        &format!(
            "{} ssl_client_certificate @/ca.pem; ssl_verify_client on;
             location / {{ return 200 $ssl_session_reused:$ssl_client_verify; }}",
            shows("a")
        ),
    );
    let front = gateway(&files, &http);
    for version in ["-tls1_2", "-tls1_3"] {
        let pair = "-servername a.test -cert @/b.pem -key @/b.key";
        let first = format!("{version} {pair} -sess_out @/session");
        let said = openssl(&front, &files, &first, LAST);
        assert!(said.contains(".:SUCCESS"), "{said}");
        // The certificate stays with the session, and so does what is thought of it.
        let again = format!("{version} -servername a.test -sess_in @/session");
        let said = openssl(&front, &files, &again, LAST);
        assert!(said.contains("r:SUCCESS"), "{said}");
    }
}

#[test]
fn nobody_is_known_without_tls() {
    let files = Files::with_two();
    let http = "log_format f '$ssl_protocol $ssl_cipher $ssl_curve $ssl_session_reused \
         $ssl_server_name $ssl_alpn_protocol $ssl_client_verify $ssl_client_s_dn $ssl_client_cert \
         $ssl_client_raw_cert [$https] $scheme'; access_log access.log f;
         server { listen @FRONT; location / { return 200 hello; } }\n";
    for mut front in [gateway(&files, http), nginx(&files, http)] {
        front.ask("GET / HTTP/1.0\r\n\r\n");
        front.process.stop();
        assert_eq!(
            front.process.read("access.log"),
            "- - - - - - - - - - [] http\n"
        );
    }
}

#[test]
fn what_was_agreed_on_is_logged_as_nginx_logs_it() {
    let files = Files::with_two();
    let http =
        format!(
        "log_format f '$ssl_protocol $ssl_cipher $ssl_curve $ssl_session_reused $ssl_server_name \
         $ssl_alpn_protocol $ssl_client_verify $ssl_client_s_dn [$https] $scheme';
         access_log access.log f;\n{}",
        server("a.test", &format!("{} location / {{ return 200 hello; }}", shows("a")))
    );
    let logs = [gateway(&files, &http), nginx(&files, &http)].map(|mut front| {
        for arguments in [
            "https://a.test/",
            "--tls-max 1.2 https://a.test/",
            "--tls-max 1.2 --ciphers ECDHE-ECDSA-AES128-GCM-SHA256 https://a.test/",
            "--tls13-ciphers TLS_CHACHA20_POLY1305_SHA256 --curves secp384r1 https://a.test/",
            "--no-alpn --curves prime256v1 -k https://other.test/",
        ] {
            assert_eq!(curl(&front, &files, arguments), "hello", "{arguments}");
        }
        let name = "-noservername -tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305";
        openssl(&front, &files, name, LAST);
        front.process.stop();
        front.process.read("access.log")
    });
    assert_eq!(logs[0], logs[1]);
    assert_eq!(logs[0].lines().count(), 6);
}
