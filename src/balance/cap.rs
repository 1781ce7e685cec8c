/// How many of a group's peers a failure rule may take out at once: one in any case where there are
/// two or more, never the last, else no more than a share (of the primaries all, while a backup is
/// left); and the share of banned peers past which
/// bans are ignored, because a group that seems gone altogether is better asked than refused. Not in
/// NGINX, where every peer may be banned (NL).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct EjectionCap {
    /// Most peers out at once, in percent of the list, default 50.
    pub percent: u32,
    /// With fewer usable peers than this, in percent of the list, bans are ignored; default 0, never.
    pub panic: u32,
}

impl Default for EjectionCap {
    fn default() -> Self {
        Self {
            percent: 50,
            panic: 0,
        }
    }
}

impl EjectionCap {
    /// Everything wrong with the numbers.
    pub fn problems(&self) -> Vec<String> {
        let named = [("percent", self.percent), ("panic", self.panic)];
        let wrong = named.iter().filter(|(_, value)| *value > 100);
        wrong
            .map(|(name, value)| format!("ejection_cap: {name} {value} is above 100"))
            .collect()
    }

    /// One more may go.
    pub(super) fn allows(&self, ejected: Ejected) -> bool {
        let share = ejected.of.saturating_mul(self.percent.min(100) as usize) / 100;
        let more = ejected.out + 1;
        more < ejected.of && more <= share.max(1)
    }
}

/// How many peers of a list are out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ejected {
    pub(super) out: usize,
    pub(super) of: usize,
}

impl Ejected {
    pub(super) fn left(&self) -> usize {
        self.of - self.out
    }
}
