//! Members that change while requests are under way, over real servers.

mod engine;
mod fleet;
mod past;
mod storm;
