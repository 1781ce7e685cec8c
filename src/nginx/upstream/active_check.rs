use crate::classify::Codes;
use crate::nginx::options::{Wrong, count, invalid, percent, time};
use crate::nginx::{Directive, units};
use crate::upstream::config::{GrpcProbe, HealthCheck, HttpProbe, Probe, ProbeMethod};

/// `active_check [tcp | type=http|tcp|grpc] [uri=PATH] [status=N-M,...] [method=GET|HEAD]
/// [grpc_service=NAME] [grpc_status=N] [host=NAME] [interval=TIME] [unsure=TIME] [timeout=TIME]
/// [jitter=N%] [rise=N] [fall=N] [port=N] [mandatory]`; a later word of the same name overrides.
pub(super) fn read(d: &Directive) -> Result<HealthCheck, Wrong> {
    let mut check = HealthCheck::default();
    let (mut http, mut grpc) = (HttpProbe::default(), GrpcProbe::default());
    let mut kind = Kind::Http;
    // Words that ask something, and of which kinds.
    let mut asks: Vec<(usize, &[Kind])> = Vec::new();
    for (index, word) in d.args.iter().enumerate() {
        let read = match word.text.split_once('=') {
            None if word.text == "tcp" => {
                kind = Kind::Tcp;
                Some(())
            }
            None if word.text == "mandatory" => {
                check.mandatory = true;
                Some(())
            }
            None => None,
            Some(("type", value)) => Kind::of(value).map(|of| kind = of),
            Some((name @ ("uri" | "status" | "method"), value)) => {
                asks.push((index, &[Kind::Http]));
                request(&mut http, name, value)
            }
            Some((name @ ("grpc_service" | "grpc_status"), value)) => {
                asks.push((index, &[Kind::Grpc]));
                call(&mut grpc, name, value)
            }
            Some(("host", value)) => {
                asks.push((index, &[Kind::Http, Kind::Grpc]));
                http.host = Some(value.to_owned());
                grpc.host = Some(value.to_owned());
                Some(())
            }
            Some((name, value)) => pace(&mut check, name, value),
        };
        read.ok_or_else(|| invalid(d, index))?;
    }
    if let Some((index, _)) = asks.iter().find(|(_, kinds)| !kinds.contains(&kind)) {
        let (word, kind) = (d.arg(*index), kind.name());
        return Err((*index, format!("\"{word}\" asks nothing of \"{kind}\"")));
    }
    check.probe = match kind {
        Kind::Http => Probe::Http(http),
        Kind::Tcp => Probe::Tcp,
        Kind::Grpc => Probe::Grpc(grpc),
    };
    match check.problems().into_iter().next() {
        Some(problem) => Err((0, problem)),
        None => Ok(check),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Http,
    Tcp,
    Grpc,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        let all = [Self::Http, Self::Tcp, Self::Grpc];
        all.into_iter().find(|kind| kind.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::Grpc => "grpc",
        }
    }
}

fn request(probe: &mut HttpProbe, name: &str, value: &str) -> Option<()> {
    match name {
        "uri" => probe.path = value.to_owned(),
        "status" => probe.status = value.parse().ok()?,
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

fn call(probe: &mut GrpcProbe, name: &str, value: &str) -> Option<()> {
    match name {
        "grpc_service" => probe.service = value.to_owned(),
        _ => {
            let number = units::number(value).and_then(|number| u8::try_from(number).ok());
            probe.status = Codes::of(number.filter(|number| *number <= 16)?);
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
