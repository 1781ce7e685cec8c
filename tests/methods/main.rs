//! Every method against the vectors of the NGINX reference, against a naive model of it, and against
//! what has to hold for all of them. A name in brackets is a rule of that reference.

mod any;
mod cap;
mod group;
mod hash;
mod ip_hash;
mod keys;
mod least_conn;
mod least_time;
mod like_nginx;
mod model;
mod picks;
mod random;
mod slow_start;
mod sticky;
