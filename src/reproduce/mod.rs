//! The paper's figures and claims, made again and measured.

pub mod anneal;
pub mod comparison;
pub mod defaults;
pub mod densities;
pub mod figure1;
pub mod flows;
pub mod saddle;
pub mod spectrum;
pub mod statistics;
