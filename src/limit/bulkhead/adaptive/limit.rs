use std::time::Duration;

use super::gradient2::{Gradient2, Gradient2Limit};
use super::round::Sample;
use super::vegas::{Vegas, VegasLimit};

/// How many requests may be served at once.
///
/// A fixed number with a [`Queue`](crate::limit::bulkhead::Queue) in front of it is the place to begin:
/// it needs no tuning but the number. The others find the number, and go with it where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Limit {
    /// So many, at least 1.
    Fixed(usize),
    /// As many as keep the line in the service short.
    Vegas(Vegas),
    /// As many as keep its latency near the usual.
    Gradient2(Gradient2),
}

impl From<usize> for Limit {
    fn from(most: usize) -> Self {
        Self::Fixed(most)
    }
}

impl From<Vegas> for Limit {
    fn from(config: Vegas) -> Self {
        Self::Vegas(config)
    }
}

impl From<Gradient2> for Limit {
    fn from(config: Gradient2) -> Self {
        Self::Gradient2(config)
    }
}

impl Limit {
    /// Everything wrong with the numbers.
    pub fn problems(&self) -> Vec<String> {
        let (name, initial, min, max) = match *self {
            Self::Fixed(0) => return vec!["limit 0: at least 1".into()],
            Self::Fixed(_) => return Vec::new(),
            Self::Vegas(Vegas { initial, min, max }) => ("vegas", initial, min, max),
            Self::Gradient2(Gradient2 { initial, min, max }) => ("gradient2", initial, min, max),
        };
        let mut problems = Vec::new();
        if min == 0 {
            problems.push(format!("{name} min=0: at least 1"));
        }
        if !(min..=max).contains(&initial) {
            problems.push(format!(
                "{name} initial={initial}: from min={min} to max={max}"
            ));
        }
        problems
    }

    /// The limit at its beginning. `seed` is for what is jittered.
    pub fn limiter(&self, seed: u64) -> Limiter {
        Limiter(match *self {
            Self::Fixed(most) => Kind::Fixed(most),
            Self::Vegas(config) => Kind::Vegas(Box::new(VegasLimit::new(config, seed))),
            Self::Gradient2(config) => Kind::Gradient2(Box::new(Gradient2Limit::new(config))),
        })
    }
}

/// A [`Limit`] as it stands, told of every call that ended.
#[derive(Clone, Debug)]
pub struct Limiter(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Fixed(usize),
    Vegas(Box<VegasLimit>),
    Gradient2(Box<Gradient2Limit>),
}

impl Limiter {
    /// How many may be served at once.
    pub fn limit(&self) -> usize {
        match &self.0 {
            Kind::Fixed(most) => *most,
            Kind::Vegas(limit) => limit.limit() as usize,
            Kind::Gradient2(limit) => limit.limit() as usize,
        }
    }

    /// A call ended.
    pub fn ended(&mut self, sample: Sample, now: Duration) {
        match &mut self.0 {
            Kind::Fixed(_) => {}
            Kind::Vegas(limit) => limit.ended(sample, now),
            Kind::Gradient2(limit) => limit.ended(sample, now),
        }
    }

    /// It wants to hear of calls that ended.
    pub(crate) fn learns(&self) -> bool {
        !matches!(self.0, Kind::Fixed(_))
    }
}
