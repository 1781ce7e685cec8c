//! What is done about attempts that are still waiting: peers that fall silent, hedges, and what both
//! may cost. The engine is the real one, the clock is moved by hand.

mod budget;
mod hedge;
mod sim;
mod slow_fault;
