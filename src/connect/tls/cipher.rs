/// A cipher suite of TLS 1.2 that rustls has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum CipherSuite {
    /// `ECDHE-ECDSA-AES256-GCM-SHA384`
    #[cfg_attr(feature = "serde", serde(rename = "ECDHE-ECDSA-AES256-GCM-SHA384"))]
    EcdsaAes256,
    /// `ECDHE-ECDSA-AES128-GCM-SHA256`
    #[cfg_attr(feature = "serde", serde(rename = "ECDHE-ECDSA-AES128-GCM-SHA256"))]
    EcdsaAes128,
    /// `ECDHE-ECDSA-CHACHA20-POLY1305`
    #[cfg_attr(feature = "serde", serde(rename = "ECDHE-ECDSA-CHACHA20-POLY1305"))]
    EcdsaChaCha20,
    /// `ECDHE-RSA-AES256-GCM-SHA384`
    #[cfg_attr(feature = "serde", serde(rename = "ECDHE-RSA-AES256-GCM-SHA384"))]
    RsaAes256,
    /// `ECDHE-RSA-AES128-GCM-SHA256`
    #[cfg_attr(feature = "serde", serde(rename = "ECDHE-RSA-AES128-GCM-SHA256"))]
    RsaAes128,
    /// `ECDHE-RSA-CHACHA20-POLY1305`
    #[cfg_attr(feature = "serde", serde(rename = "ECDHE-RSA-CHACHA20-POLY1305"))]
    RsaChaCha20,
}

impl CipherSuite {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::EcdsaAes256,
        Self::EcdsaAes128,
        Self::EcdsaChaCha20,
        Self::RsaAes256,
        Self::RsaAes128,
        Self::RsaChaCha20,
    ];

    /// The name OpenSSL has for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::EcdsaAes256 => "ECDHE-ECDSA-AES256-GCM-SHA384",
            Self::EcdsaAes128 => "ECDHE-ECDSA-AES128-GCM-SHA256",
            Self::EcdsaChaCha20 => "ECDHE-ECDSA-CHACHA20-POLY1305",
            Self::RsaAes256 => "ECDHE-RSA-AES256-GCM-SHA384",
            Self::RsaAes128 => "ECDHE-RSA-AES128-GCM-SHA256",
            Self::RsaChaCha20 => "ECDHE-RSA-CHACHA20-POLY1305",
        }
    }
}
