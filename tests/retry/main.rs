//! Retries of lone services: how many, when, and of what.

mod budget;
