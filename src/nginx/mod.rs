//! NGINX's configuration language: `nginx.conf` in, plain values out.

mod address;
mod grammar;
mod grammar_table;
mod include;
mod lexer;
mod parser;
mod problems;
mod proxy;
mod template;
mod tree;
pub mod units;
mod upstream;
pub mod values;

pub use address::Address;
pub use grammar::{Client, Contexts, Rule, rule, served};
pub use include::load;
pub use parser::parse;
pub use problems::{Problem, Problems, Severity};
pub use proxy::{ProxyLevel, proxy_directive, set_header};
pub use template::{Template, Variables};
pub use tree::{Directive, Place, Word};
pub use upstream::{upstream_block, upstream_blocks_together};
