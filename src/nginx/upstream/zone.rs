use crate::nginx::options::Wrong;
use crate::nginx::{Directive, Problems, units};

/// Eight pages: less cannot hold a group, or the sessions of one.
pub(super) const MIN_ZONE: u64 = 8 * 4096;

/// `zone NAME [SIZE]`. Another upstream may give the size; [`sizes`] looks for it.
pub(super) fn read(d: &Directive) -> Result<(), Wrong> {
    let (name, size) = (d.arg(0), d.arg(1));
    if name.is_empty() {
        return Err((0, "invalid zone name \"\"".into()));
    }
    if d.args.len() < 2 {
        return Ok(());
    }
    match units::size(size) {
        None => Err((1, format!("invalid zone size \"{size}\""))),
        Some(bytes) if bytes < MIN_ZONE => Err((1, format!("zone \"{name}\" is too small"))),
        Some(_) => Ok(()),
    }
}

/// Zones that nobody gives a size, or two different ones.
pub(super) fn sizes(blocks: &[&Directive], problems: &mut Problems) {
    let mut sizes: Vec<(&str, u64)> = Vec::new();
    let zones = || {
        let all = blocks.iter().flat_map(|block| block.children());
        all.filter(|d| d.name() == "zone" && !d.args.is_empty())
    };
    for zone in zones() {
        let Some(size) = zone.args.get(1).and_then(|word| units::size(&word.text)) else {
            continue;
        };
        match sizes.iter().find(|(name, _)| *name == zone.arg(0)) {
            Some((name, first)) if *first != size => problems.push(
                zone.place(1),
                format!(
                    "the size {size} of shared memory zone \"{name}\" \
                     conflicts with already declared size {first}"
                ),
            ),
            Some(_) => {}
            None => sizes.push((zone.arg(0), size)),
        }
    }
    let mut missing: Vec<&str> = Vec::new();
    for zone in zones().filter(|d| d.args.len() == 1) {
        let name = zone.arg(0);
        if !sizes.iter().any(|(sized, _)| *sized == name) && !missing.contains(&name) {
            missing.push(name);
            let message = format!("zero size shared memory zone \"{name}\"");
            problems.push(zone.place(0), message);
        }
    }
}
