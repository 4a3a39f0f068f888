//! A method with its settings as one struct: `FlowMatching { coupling: Coupling::Sinkhorn, ..Default::default() }`.
//!
//! Each struct has the settings of that method alone. What methods share (learning rate, network, how flows are sampled) is set by
//! [`Trainer`](crate::train::Trainer).

use super::{Entry, find};
use crate::{Result, settings};

/// A method with its settings: what [`Trainer::new`](crate::train::Trainer::new) takes.
pub trait Choice {
    /// The method.
    fn entry(&self) -> Result<&'static Entry>;

    /// Its own settings, by the keys that `config.toml` has.
    fn settings(&self) -> Result<toml::Table>;
}

macro_rules! choices {
    ($($module:ident => $name:ident),+ $(,)?) => {
        $(
            pub use super::$module::Settings as $name;

            impl Choice for $name {
                fn entry(&self) -> Result<&'static Entry> {
                    find(super::$module::ENTRY.name)
                }

                fn settings(&self) -> Result<toml::Table> {
                    settings::table_of(self)
                }
            }
        )+

        /// Every choice with its default settings.
        #[cfg(test)]
        fn all() -> Vec<Box<dyn Choice>> {
            vec![$(Box::new(super::$module::Settings::default())),+]
        }
    };
}

choices! {
    mmd => Mmd,
    energy => Energy,
    characteristic => Characteristic,
    gan => Gan,
    wgan => Wgan,
    fgan => FGan,
    kantorovich => Kantorovich,
    sinkhorn => Sinkhorn,
    stein => Stein,
    drift => Drift,
    realnvp => RealNvp,
    spline => Spline,
    maf => Maf,
    cnf => Cnf,
    vae => Vae,
    iwae => Iwae,
    ebm => Ebm,
    score => Score,
    diffusion => Diffusion,
    flow_matching => FlowMatching,
    interpolant => Interpolant,
    rectified_flow => RectifiedFlow,
    distill => Distill,
    flow_map => FlowMap,
    imm => Imm,
    distributional => DistributionalDiffusion,
    anneal => Anneal,
}

#[cfg(test)]
mod tests {
    use super::super::REGISTRY;
    use super::*;

    #[test]
    fn every_method_has_a_struct_whose_defaults_are_its_own() {
        let all = all();
        let names: Vec<&str> = all.iter().map(|choice| choice.entry().unwrap().name).collect();
        let registered: Vec<&str> = REGISTRY.iter().map(|entry| entry.name).collect();
        assert_eq!(names, registered);
        for choice in &all {
            let (entry, own) = (choice.entry().unwrap(), choice.settings().unwrap());
            for key in entry.keys() {
                if let Some(value) = own.get(key.name) {
                    assert_eq!(value.to_string(), key.default, "{} of {}", key.name, entry.name);
                }
            }
        }
    }
}
