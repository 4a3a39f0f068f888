//! What needs no device: tables, files, toy targets, plots and pages.

mod data;
mod report;
