/// Which rules decide where NGINX's own behaviour is hazardous.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Semantics {
    /// NGINX to the last pick, hazards included.
    #[default]
    Nginx,
    /// NGINX with its recorded hazards repaired; the guide's parity page lists each difference.
    Strict,
}
