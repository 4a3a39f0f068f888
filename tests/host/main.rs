//! What needs no device: tables, files, toy targets, plots and pages.

mod data;
mod metrics;
mod report;
