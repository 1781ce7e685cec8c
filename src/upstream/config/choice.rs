/// A rule NGINX does not have: with the semantics, never, or always and so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Choice<T> {
    /// On with its defaults under [`Semantics::Strict`](crate::Semantics::Strict), off under
    /// [`Semantics::Nginx`](crate::Semantics::Nginx).
    #[default]
    Auto,
    /// Off.
    Off,
    /// On, with these numbers.
    On(T),
}

impl<T: Copy + Default> Choice<T> {
    /// The numbers it comes to.
    pub fn under(self, semantics: crate::Semantics) -> Option<T> {
        match (self, semantics) {
            (Self::On(value), _) => Some(value),
            (Self::Auto, crate::Semantics::Strict) => Some(T::default()),
            (Self::Auto, crate::Semantics::Nginx) | (Self::Off, _) => None,
        }
    }
}
