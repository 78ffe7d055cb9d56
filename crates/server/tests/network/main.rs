//! The real programs on several hosts: network namespaces joined by a bridge, made and removed by each test.
//!
//! Where the right to make them is missing each test says so and ends; in CI that is a failure.

mod discovery;
mod hosts;
mod resolution;
mod wire;
