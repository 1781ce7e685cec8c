//! A process that has not chosen its cryptography, which is why this test is alone in one.

use tower_upstream::Upstream;
use tower_upstream::connect::{Tls, TlsConfig, Verify};

#[test]
fn tls_asks_for_a_choice() {
    let message = "TLS needs cryptography, and none was chosen: call rustls's \
                   CryptoProvider::install_default first";
    let error = Tls::from_config(&TlsConfig::new(Verify::Off)).unwrap_err();
    assert_eq!(error.problems(), [message]);
    let text = "server { location / { proxy_pass https://127.0.0.1; } }";
    let error = Upstream::from_nginx(text, "/").unwrap_err();
    assert_eq!(error.problems(), [format!("nginx.conf:1:34: {message}")]);
}
