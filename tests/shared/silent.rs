//! A training that says nothing.

use pushforward::train::{Progress, Status};

pub struct Silent;

impl Progress for Silent {
    fn message(&mut self, _: &str) {}
    fn update(&mut self, _: &Status) {}
}
