//! What the parity suite is made of.

pub(crate) mod answer;
pub(crate) mod backend;
pub(crate) mod client;
pub(crate) mod differs;
pub(crate) mod drive;
pub(crate) mod frames;
pub(crate) mod gateway;
pub(crate) mod generate;
pub(crate) mod generate_method;
pub(crate) mod h2;
pub(crate) mod limits;
pub(crate) mod malformed;
pub(crate) mod matrix;
pub(crate) mod nginx;
pub(crate) mod outcome;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod random;
pub(crate) mod request;
pub(crate) mod run;
pub(crate) mod scenario;
pub(crate) mod script;
pub(crate) mod side;
pub(crate) mod text;
