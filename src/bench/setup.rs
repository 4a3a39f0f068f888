//! What a measurement was made with: adapter, driver, processor and program.

use crate::gpu::Gpu;
use serde::{Deserialize, Serialize};

/// What a measurement was made with. Two measurements with equal setups differ by noise alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// The adapter's name.
    pub adapter: String,
    /// The driver's name and version.
    pub driver: String,
    /// The graphics interface: `vulkan`, `metal`, `dx12` or `gl`.
    pub backend: String,
    /// Which design of the heavy kernels ran.
    pub kernel_family: String,
    /// Bits of a vector register, 32 × subgroup size: of software adapters whose subgroup size is fixed.
    pub vector_bits: Option<u32>,
    /// Threads of a software adapter: `LP_NUM_THREADS` where it is set (0: the calling thread), or the cores that this process may use.
    pub threads: Option<u32>,
    /// The processor's model name, where the system tells it.
    pub cpu: Option<String>,
    /// The version of this crate.
    pub version: String,
    /// `PUSHFORWARD_COMMIT` of the environment in which this crate was built.
    pub commit: Option<String>,
}

impl Setup {
    /// The setup of this program on this device.
    pub fn of(gpu: &Gpu) -> Self {
        let summary = gpu.summary();
        let fixed = summary.subgroup_min_size == summary.subgroup_max_size && summary.subgroup_min_size > 0;
        Self {
            adapter: summary.name.clone(),
            driver: summary.driver.clone(),
            backend: summary.backend.clone(),
            kernel_family: gpu.family().name().into(),
            vector_bits: (gpu.is_software() && fixed).then_some(32 * summary.subgroup_min_size),
            threads: gpu.is_software().then(threads).flatten(),
            cpu: cpu(),
            version: env!("CARGO_PKG_VERSION").into(),
            commit: option_env!("PUSHFORWARD_COMMIT").filter(|commit| !commit.is_empty()).map(String::from),
        }
    }

    /// Every field's name in a record and its value, in the order in which a comparison shows them.
    pub fn fields(&self) -> [(&'static str, Option<String>); 9] {
        [
            ("adapter", Some(self.adapter.clone())),
            ("driver", Some(self.driver.clone())),
            ("backend", Some(self.backend.clone())),
            ("kernel_family", Some(self.kernel_family.clone())),
            ("vector_bits", self.vector_bits.map(|bits| bits.to_string())),
            ("threads", self.threads.map(|threads| threads.to_string())),
            ("cpu", self.cpu.clone()),
            ("version", Some(self.version.clone())),
            ("commit", self.commit.clone()),
        ]
    }
}

fn threads() -> Option<u32> {
    let asked = std::env::var("LP_NUM_THREADS").ok().and_then(|text| text.trim().parse().ok());
    asked.or_else(|| std::thread::available_parallelism().ok().and_then(|count| u32::try_from(count.get()).ok()))
}

fn cpu() -> Option<String> {
    model_name(&std::fs::read_to_string("/proc/cpuinfo").ok()?)
}

/// The first `model name` of the text of `/proc/cpuinfo`.
fn model_name(text: &str) -> Option<String> {
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    let mut names = fields.filter(|(key, _)| key.trim() == "model name").map(|(_, name)| name.trim());
    names.find(|name| !name.is_empty()).map(String::from)
}

#[cfg(test)]
mod tests {
    use super::model_name;

    #[test]
    fn the_processor_is_named_where_the_system_tells_it() {
        let intel = "processor\t: 0\nmodel\t\t: 106\nmodel name\t: Intel(R) Xeon(R) @ 2.60GHz\n\nprocessor\t: 1\n";
        assert_eq!(model_name(intel).as_deref(), Some("Intel(R) Xeon(R) @ 2.60GHz"));
        assert_eq!(model_name("processor\t: 0\nBogoMIPS\t: 50.00\n"), None);
        assert_eq!(model_name("model name\t: \n"), None);
    }
}
