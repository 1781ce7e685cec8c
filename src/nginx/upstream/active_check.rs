use crate::nginx::Directive;
use crate::nginx::options::{Wrong, count, invalid, percent, time};
use crate::upstream::config::{HealthCheck, HttpProbe, Probe, ProbeMethod};

/// `active_check [tcp | uri=PATH] [status=N-M,...] [method=GET|HEAD] [host=NAME] [interval=TIME]
/// [unsure=TIME] [timeout=TIME] [jitter=N%] [rise=N] [fall=N] [port=N] [mandatory]`; a later word of
/// the same name overrides.
pub(super) fn read(d: &Directive) -> Result<HealthCheck, Wrong> {
    let mut check = HealthCheck::default();
    let mut http = HttpProbe::default();
    let (mut tcp, mut asks) = (false, None);
    for (index, word) in d.args.iter().enumerate() {
        let read = match word.text.split_once('=') {
            None if word.text == "tcp" => {
                tcp = true;
                Some(())
            }
            None if word.text == "mandatory" => {
                check.mandatory = true;
                Some(())
            }
            None => None,
            Some((name @ ("uri" | "status" | "method" | "host"), value)) => {
                asks = Some(index);
                request(&mut http, name, value)
            }
            Some((name, value)) => pace(&mut check, name, value),
        };
        read.ok_or_else(|| invalid(d, index))?;
    }
    check.probe = match (tcp, asks) {
        (true, None) => Probe::Tcp,
        (true, Some(index)) => {
            let word = d.arg(index);
            return Err((index, format!("\"{word}\" asks nothing of \"tcp\"")));
        }
        (false, _) => Probe::Http(http),
    };
    match check.problems().into_iter().next() {
        Some(problem) => Err((0, problem)),
        None => Ok(check),
    }
}

fn request(probe: &mut HttpProbe, name: &str, value: &str) -> Option<()> {
    match name {
        "uri" => probe.path = value.to_owned(),
        "status" => probe.status = value.parse().ok()?,
        "host" => probe.host = Some(value.to_owned()),
        _ => {
            probe.method = match value {
                "GET" => ProbeMethod::Get,
                "HEAD" => ProbeMethod::Head,
                _ => return None,
            }
        }
    }
    Some(())
}

fn pace(check: &mut HealthCheck, name: &str, value: &str) -> Option<()> {
    match name {
        "interval" => check.interval = time(value)?,
        "unsure" => check.unsure = time(value)?,
        "timeout" => check.timeout = time(value)?,
        "jitter" => check.jitter = percent(value)?,
        "rise" => check.rise = count(value)?,
        "fall" => check.fall = count(value)?,
        "port" => check.port = Some(u16::try_from(count(value)?).ok()?),
        _ => return None,
    }
    Some(())
}
