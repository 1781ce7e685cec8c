use crate::semantics::Semantics;

/// A rule NGINX does not have: with the semantics, never, or always and so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Choice<T> {
    /// On with its defaults under [`Semantics::Strict`], off under
    /// [`Semantics::Nginx`].
    #[default]
    Auto,
    /// Off.
    Off,
    /// On, with these numbers.
    On(T),
}

impl<T: Copy + Default> Choice<T> {
    /// The numbers it comes to.
    pub fn under(self, semantics: Semantics) -> Option<T> {
        match (self, semantics) {
            (Self::On(value), _) => Some(value),
            (Self::Auto, Semantics::Strict) => Some(T::default()),
            (Self::Auto, Semantics::Nginx) | (Self::Off, _) => None,
        }
    }
}
