//! HTTP/2 from clients: what they get is what nginx gives them, and one stream's trouble stays its own.

mod alike;
mod client;
mod ends;
mod forsaken;
mod trailers;
