//! An authority of the tests' own, and the files of whom it vouches for.

use std::fs;
use std::path::Path;
use std::process::Command;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    DistinguishedName, DnType, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
    SerialNumber, date_time_ymd,
};
use tempfile::TempDir;

pub(super) struct Files {
    directory: TempDir,
    pub(super) authority: Authority,
}

/// Somebody who vouches for others.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl Authority {
    fn root(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(authority_params(name), key).unwrap())
    }

    /// An authority that this one vouches for.
    pub(super) fn below(&self, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::signed_by(authority_params(name), key, &self.0).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }
}

impl Files {
    /// `ca.pem`, and nothing else.
    pub(super) fn new() -> Self {
        let files = Self {
            directory: tempfile::tempdir().unwrap(),
            authority: Authority::root("An authority"),
        };
        files.write("ca.pem", &files.authority.pem());
        files
    }

    /// With certificates `a` and `b`, for `a.test` and `b.test`.
    pub(super) fn with_two() -> Self {
        let files = Self::new();
        files.vouch("a", "a.test");
        files.vouch("b", "b.test");
        files
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// `text` with the directory wherever it says `@/`.
    pub(super) fn named(&self, text: &str) -> String {
        text.replace("@/", &format!("{}/", self.path().display()))
    }

    pub(super) fn write(&self, file: &str, text: &str) {
        fs::write(self.path().join(file), text).unwrap();
    }

    /// `FILE.pem` and `FILE.key` for a name.
    pub(super) fn vouch(&self, file: &str, name: &str) {
        self.vouch_as(file, params(name), &self.authority, "");
    }

    /// The same with more to say about it.
    pub(super) fn vouch_with(
        &self,
        file: &str,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) {
        let mut params = params(name);
        change(&mut params);
        self.vouch_as(file, params, &self.authority, "");
    }

    /// The same, behind authorities that come along.
    pub(super) fn vouch_below(&self, file: &str, by: &Authority, others: &[&Authority]) {
        let chain: String = [by].iter().chain(others).map(|a| a.pem()).collect();
        self.vouch_as(file, params("below.test"), by, &chain);
    }

    fn vouch_as(&self, file: &str, params: CertificateParams, by: &Authority, chain: &str) {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &by.0).unwrap();
        self.write(&format!("{file}.pem"), &(certificate.pem() + chain));
        self.write(&format!("{file}.key"), &key.serialize_pem());
    }

    /// An RSA key, which our own tools cannot make.
    pub(super) fn vouch_for_rsa(&self, file: &str, name: &str) {
        let made = Command::new("openssl")
            .args(["genpkey", "-quiet", "-algorithm", "RSA", "-out"])
            .arg(self.path().join(format!("{file}.key")))
            .output();
        assert!(made.unwrap().status.success());
        let pem = fs::read_to_string(self.path().join(format!("{file}.key"))).unwrap();
        let key = KeyPair::from_pem(&pem).unwrap();
        let certificate = params(name).signed_by(&key, &self.authority.0).unwrap();
        self.write(&format!("{file}.pem"), &certificate.pem());
    }

    /// Somebody nobody vouches for.
    pub(super) fn alone(&self, file: &str) {
        let key = KeyPair::generate().unwrap();
        let certificate = params("alone.test").self_signed(&key).unwrap();
        self.write(&format!("{file}.pem"), &certificate.pem());
        self.write(&format!("{file}.key"), &key.serialize_pem());
    }

    /// Somebody else vouches for this one.
    pub(super) fn by_a_stranger(&self, file: &str) {
        let stranger = Authority::root("A stranger");
        self.vouch_as(file, params("stranger.test"), &stranger, "");
    }

    /// `FILE.crl` takes back the certificate with this serial number.
    pub(super) fn revoke(&self, file: &str, serial: u64) {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2100, 1, 1),
            crl_number: SerialNumber::from(1u64),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&self.authority.0).unwrap();
        self.write(&format!("{file}.crl"), &list.pem().unwrap());
    }
}
