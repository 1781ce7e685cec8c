//! What is thought of a client's certificate, in OpenSSL's words.

use webpki::Error;

/// What came of looking at a client's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is none, or nobody asked.
    None,
    /// It convinces.
    Success,
    /// It does not.
    Failed(Reason),
}

/// Why a certificate does not convince.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// OpenSSL's words, as in `$ssl_client_verify`.
    pub words: &'static str,
    /// What the log says.
    pub sentence: &'static str,
    /// It only comes from somewhere unknown, which is fine with `optional_no_ca`.
    pub unknown_issuer: bool,
}

macro_rules! reason {
    ($number:literal, $words:literal) => {
        Reason {
            words: $words,
            sentence: concat!(
                "client SSL certificate verify error: (",
                $number,
                ":",
                $words,
                ")"
            ),
            unknown_issuer: matches!($number, 18..=21),
        }
    };
}

impl Reason {
    /// OpenSSL's word for what webpki found; who issued a certificate that nobody vouches for is
    /// known from the certificate itself.
    pub fn of(error: &Error, self_signed: bool, alone: bool) -> Self {
        match error {
            Error::UnknownIssuer if self_signed && alone => reason!(18, "self-signed certificate"),
            Error::UnknownIssuer if self_signed => {
                reason!(19, "self-signed certificate in certificate chain")
            }
            Error::UnknownIssuer if alone => {
                reason!(21, "unable to verify the first certificate")
            }
            // OpenSSL does not look further than `ssl_verify_depth`, so it has not found one.
            Error::UnknownIssuer | Error::MaximumPathDepthExceeded => {
                reason!(20, "unable to get local issuer certificate")
            }
            Error::InvalidSignatureForPublicKey => reason!(7, "certificate signature failure"),
            Error::CertNotValidYet { .. } => reason!(9, "certificate is not yet valid"),
            Error::CertExpired { .. } => reason!(10, "certificate has expired"),
            Error::CrlExpired { .. } => reason!(12, "CRL has expired"),
            Error::CertRevoked => reason!(23, "certificate revoked"),
            Error::UnknownRevocationStatus => reason!(3, "unable to get certificate CRL"),
            Error::PathLenConstraintViolated => reason!(25, "path length constraint exceeded"),
            Error::RequiredEkuNotFoundContext(_) => reason!(26, "unsuitable certificate purpose"),
            Error::EndEntityUsedAsCa => reason!(79, "invalid CA certificate"),
            Error::NameConstraintViolation => reason!(47, "permitted subtree violation"),
            _ => reason!(1, "unspecified certificate verification error"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unknown_issuer_may_be_overlooked() {
        for (self_signed, alone) in [(true, true), (true, false), (false, true), (false, false)] {
            assert!(Reason::of(&Error::UnknownIssuer, self_signed, alone).unknown_issuer);
        }
        let revoked = Reason::of(&Error::CertRevoked, false, true);
        assert!(!revoked.unknown_issuer);
        assert_eq!(
            revoked.sentence,
            "client SSL certificate verify error: (23:certificate revoked)"
        );
    }
}
