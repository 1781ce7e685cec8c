use crate::upstream::config::CipherSuite;

/// What rustls has nothing of: leaving it out takes nothing away.
const ABSENT: &[&str] = &[
    "3DES", "ADH", "AECDH", "AESCCM", "AESCCM8", "ARIA", "CAMELLIA", "CBC", "DES", "DH", "DHE",
    "DSS", "EDH", "EXP", "EXPORT", "IDEA", "LOW", "MD5", "MEDIUM", "NULL", "PSK", "RC2", "RC4",
    "SEED", "SHA", "SHA1", "SRP", "SSLv2", "SSLv3", "aDH", "aDSS", "aECDH", "aNULL", "aPSK",
    "eNULL", "kDH", "kDHE", "kECDH", "kEDH", "kPSK", "kRSA", "kSRP",
];

/// Reads an OpenSSL cipher string (`ssl_ciphers`, `proxy_ssl_ciphers`): names and groups of suites,
/// `A+B` for those in both, and `!` or `-` before what is left out. Empty stands for all that rustls
/// has, which is what `DEFAULT` and `HIGH:!aNULL:!MD5` come to.
///
/// # Errors
///
/// A word that OpenSSL may know and rustls has no equivalent for. OpenSSL passes over such words;
/// whoever wrote them wants them.
pub fn ciphers(text: &str) -> Result<Vec<CipherSuite>, String> {
    let (mut chosen, mut never) = (Vec::new(), Vec::new());
    for word in text.split([':', ',', ' ']).filter(|word| !word.is_empty()) {
        if word == "@STRENGTH" {
            continue;
        }
        let (out, name) = match word.split_at_checked(1) {
            Some((out @ ("!" | "-"), name)) => (Some(out), name),
            _ => (None, word),
        };
        let tags: Vec<&str> = name.split('+').collect();
        let absent = tags.iter().any(|tag| ABSENT.contains(tag));
        if absent && out.is_some() {
            continue;
        }
        if absent
            || !tags
                .iter()
                .all(|tag| CipherSuite::ALL.iter().any(|s| is(*s, tag)))
        {
            return Err(unknown(word));
        }
        let all = CipherSuite::ALL.into_iter();
        let meant: Vec<_> = all.filter(|s| tags.iter().all(|tag| is(*s, tag))).collect();
        match out {
            None => {
                for suite in meant {
                    if !chosen.contains(&suite) && !never.contains(&suite) {
                        chosen.push(suite);
                    }
                }
            }
            Some(out) => {
                chosen.retain(|suite| !meant.contains(suite));
                if out == "!" {
                    never.extend(meant);
                }
            }
        }
    }
    match chosen.as_slice() {
        [] => Err(format!("nothing of \"{text}\" has an equivalent in rustls")),
        chosen if chosen == CipherSuite::ALL => Ok(Vec::new()),
        _ => Ok(chosen),
    }
}

fn unknown(word: &str) -> String {
    match word.starts_with("TLS_") {
        true => format!("\"{word}\" is a cipher of TLSv1.3, which are not chosen here"),
        false => format!("cipher \"{word}\" has no equivalent in rustls"),
    }
}

/// Whether a suite has this name, or is in the group of this name.
fn is(suite: CipherSuite, tag: &str) -> bool {
    let name = suite.name();
    if name == tag {
        return true;
    }
    match tag {
        "ALL" | "DEFAULT" | "HIGH" | "TLSv1.2" => true,
        "ECDHE" | "EECDH" | "kECDHE" | "kEECDH" => true,
        "ECDSA" | "aECDSA" => name.contains("-ECDSA-"),
        "aRSA" => name.contains("-RSA-"),
        "AES" => name.contains("-AES"),
        "AES128" | "AES256" => name.contains(tag),
        "AESGCM" => name.contains("-GCM-"),
        "CHACHA20" => name.contains("-CHACHA20-"),
        "SHA256" | "SHA384" => name.ends_with(tag),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<&'static str>, String> {
        ciphers(text).map(|found| found.into_iter().map(CipherSuite::name).collect())
    }

    #[test]
    fn what_is_common_is_what_rustls_has_anyway() {
        for text in [
            "DEFAULT",
            "HIGH:!aNULL:!MD5",
            "ALL:!ADH:!EXPORT:!SSLv2:!RC4:!LOW:@STRENGTH",
            "EECDH:!kRSA, !PSK",
        ] {
            assert_eq!(names(text), Ok(Vec::new()), "{text}");
        }
    }

    #[test]
    fn names_and_groups_choose_in_their_order() {
        assert_eq!(
            names("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"),
            Ok(vec![
                "ECDHE-RSA-AES128-GCM-SHA256",
                "ECDHE-ECDSA-AES256-GCM-SHA384"
            ])
        );
        assert_eq!(
            names("ECDHE+AESGCM:!aRSA"),
            Ok(vec![
                "ECDHE-ECDSA-AES256-GCM-SHA384",
                "ECDHE-ECDSA-AES128-GCM-SHA256"
            ])
        );
        assert_eq!(
            names("HIGH:-CHACHA20:!ECDSA:ECDHE-RSA-CHACHA20-POLY1305:ECDSA"),
            Ok(vec![
                "ECDHE-RSA-AES256-GCM-SHA384",
                "ECDHE-RSA-AES128-GCM-SHA256",
                "ECDHE-RSA-CHACHA20-POLY1305"
            ])
        );
    }

    #[test]
    fn what_rustls_has_not_is_an_error_that_says_so() {
        for (text, message) in [
            (
                "HIGH:DHE-RSA-AES256-GCM-SHA384",
                "cipher \"DHE-RSA-AES256-GCM-SHA384\" has no equivalent in rustls",
            ),
            ("kRSA:HIGH", "cipher \"kRSA\" has no equivalent in rustls"),
            ("é", "cipher \"é\" has no equivalent in rustls"),
            ("HIGH:!FOO", "cipher \"!FOO\" has no equivalent in rustls"),
            (
                "DEFAULT@SECLEVEL=0",
                "cipher \"DEFAULT@SECLEVEL=0\" has no equivalent in rustls",
            ),
            (
                "TLS_AES_128_GCM_SHA256",
                "\"TLS_AES_128_GCM_SHA256\" is a cipher of TLSv1.3, which are not chosen here",
            ),
            (
                "HIGH:!HIGH",
                "nothing of \"HIGH:!HIGH\" has an equivalent in rustls",
            ),
            ("", "nothing of \"\" has an equivalent in rustls"),
        ] {
            assert_eq!(names(text), Err(message.into()));
        }
    }
}
