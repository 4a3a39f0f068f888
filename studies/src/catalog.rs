//! The studies by their names.

use crate::workspace::Prepared;
use pushforward::data::nearest;
use pushforward::settings::{Key, Settings};
use pushforward::{Error, Result};

/// A study.
pub struct Entry {
    pub name: &'static str,
    /// What it shows, in a sentence.
    pub summary: &'static str,
    /// Whether it can be stopped, and goes on where it was when it is made again.
    pub resumes: bool,
    keys: fn() -> Vec<Key>,
    prepare: fn(&[String]) -> Result<Prepared>,
}

fn keys<S: Settings + Default>() -> Vec<Key> {
    S::default().keys()
}

/// Every study.
pub static ALL: [Entry; 8] = [
    Entry {
        name: "anneal",
        summary: "Does annealed training, the proposal of the paper's §4, help? Six losses, trained both ways in pairs of seeds",
        resumes: true,
        keys: keys::<crate::anneal::Settings>,
        prepare: crate::anneal::report::prepare,
    },
    Entry {
        name: "defaults",
        summary: "What single settings of every method are worth, on four tables",
        resumes: true,
        keys: keys::<crate::defaults::Settings>,
        prepare: crate::defaults::report::prepare,
    },
    Entry {
        name: "densities",
        summary: "The densities of §3 on four toy distributions: likelihoods and heat maps",
        resumes: true,
        keys: keys::<crate::comparison::Settings>,
        prepare: crate::densities::report::prepare,
    },
    Entry {
        name: "figure1",
        summary: "Fig. 1: a Gaussian pushed to the uniform distribution by ten Fourier functions",
        resumes: false,
        keys: keys::<crate::figure1::Settings>,
        prepare: crate::figure1::report::prepare,
    },
    Entry {
        name: "flows",
        summary: "The flows of §4 on four toy distributions: trajectories, and quality by number of function evaluations",
        resumes: true,
        keys: keys::<crate::comparison::Settings>,
        prepare: crate::flows::report::prepare,
    },
    Entry {
        name: "saddle",
        summary: "The adversary of footnote 3, whose game has no stable saddle point",
        resumes: false,
        keys: keys::<crate::saddle::Settings>,
        prepare: crate::saddle::report::prepare,
    },
    Entry {
        name: "spectrum",
        summary: "The decay rates of footnote 9, fitted to simulated particles",
        resumes: false,
        keys: keys::<crate::spectrum::Settings>,
        prepare: crate::spectrum::report::prepare,
    },
    Entry {
        name: "statistics",
        summary: "The methods of §2 side by side on four toy distributions",
        resumes: true,
        keys: keys::<crate::comparison::Settings>,
        prepare: crate::statistics::prepare,
    },
];

/// The study of this name.
///
/// # Errors
/// A name that is none, with the nearest and all of them.
pub fn find(name: &str) -> Result<&'static Entry> {
    ALL.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<&str> = ALL.iter().map(|entry| entry.name).collect();
        let hint = nearest(name, names.iter().copied()).map_or(String::new(), |near| format!(" (did you mean `{near}`?)"));
        Error::usage(format!("there is no study `{name}`{hint}; the studies are: {}", names.join(", ")))
    })
}

impl Entry {
    /// The settings that it takes, with their defaults and help.
    pub fn keys(&self) -> Vec<Key> {
        (self.keys)()
    }

    /// The study with these settings, `key=value`; no device is needed yet, so that a mistake is reported at once.
    ///
    /// # Errors
    /// A key that is none, a value out of range.
    pub fn prepare(&self, assignments: &[String]) -> Result<Prepared> {
        (self.prepare)(assignments)
    }
}
