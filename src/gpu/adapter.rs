//! Choosing an adapter: discrete before integrated before software, or the one whose name is given.

use super::family::Family;
use super::mesa;
use crate::{Error, Result};
use serde::Serialize;
use wgpu::{Backends, DeviceType, Instance, InstanceDescriptor};

/// What `pushforward adapters` shows of one adapter.
#[derive(Clone, Debug, Serialize)]
pub struct AdapterSummary {
    pub name: String,
    /// `discrete`, `integrated`, `virtual`, `software` or `other`.
    pub kind: &'static str,
    pub backend: String,
    pub driver: String,
    pub subgroup_min_size: u32,
    pub subgroup_max_size: u32,
    pub max_buffer_bytes: u64,
    pub max_storage_binding_bytes: u64,
    pub workgroup_memory_bytes: u32,
    pub features: Vec<&'static str>,
    /// Which design of the heavy kernels it runs, and why.
    pub kernel_family: &'static str,
    pub kernel_family_reason: String,
    /// What makes it slower than it need be, and the remedy.
    pub warning: Option<String>,
    /// Whether `--adapter auto` takes this one.
    pub default: bool,
}

pub(super) fn instance(backends: Backends) -> Instance {
    let mut descriptor = InstanceDescriptor::new_without_display_handle_from_env();
    descriptor.backends &= backends;
    descriptor.flags = wgpu::InstanceFlags::empty().with_env();
    Instance::new(descriptor)
}

fn kind(device_type: DeviceType) -> &'static str {
    match device_type {
        DeviceType::DiscreteGpu => "discrete",
        DeviceType::IntegratedGpu => "integrated",
        DeviceType::VirtualGpu => "virtual",
        DeviceType::Cpu => "software",
        DeviceType::Other => "other",
    }
}

/// Lower is preferred: discrete, integrated, virtual, unknown, software; OpenGL after the native interfaces.
fn rank(adapter: &wgpu::Adapter) -> u32 {
    let info = adapter.get_info();
    let device = match info.device_type {
        DeviceType::DiscreteGpu => 0,
        DeviceType::IntegratedGpu => 1,
        DeviceType::VirtualGpu => 2,
        DeviceType::Other => 3,
        DeviceType::Cpu => 4,
    };
    2 * device + u32::from(info.backend == wgpu::Backend::Gl)
}

fn able(adapter: &wgpu::Adapter) -> bool {
    adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS)
}

/// Every adapter that can compute, best first. OpenGL is asked only where nothing native answers: its libraries take time
/// to start and print warnings of their own.
fn ranked() -> Vec<wgpu::Adapter> {
    for backends in [Backends::VULKAN | Backends::METAL | Backends::DX12, Backends::GL] {
        let mut found = pollster::block_on(instance(backends).enumerate_adapters(backends));
        found.retain(able);
        found.sort_by_key(rank);
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

const NO_ADAPTER: &str = "no graphics adapter was found: install your GPU's Vulkan driver, or the software adapter \
    (Debian and Ubuntu: apt-get install mesa-vulkan-drivers libvulkan1; Fedora: dnf install mesa-vulkan-drivers)";

/// Every adapter that can compute, best first.
pub fn adapters() -> Result<Vec<AdapterSummary>> {
    let found = ranked();
    if found.is_empty() {
        return Err(Error::Adapter(NO_ADAPTER.into()));
    }
    let chosen = choose("auto").ok().map(|a| a.get_info());
    Ok(found.iter().map(|adapter| summary(adapter, chosen.as_ref() == Some(&adapter.get_info()))).collect())
}

pub(super) fn summary(adapter: &wgpu::Adapter, default: bool) -> AdapterSummary {
    let (info, limits, has) = (adapter.get_info(), adapter.limits(), adapter.features());
    let features = [
        (wgpu::Features::SUBGROUP, "subgroups"),
        (wgpu::Features::SHADER_F16, "f16"),
        (wgpu::Features::TIMESTAMP_QUERY, "timestamps"),
        (wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES, "timestamps inside passes"),
        (wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX, "cooperative matrices"),
    ];
    let family = Family::of(&info, has);
    let driver = format!("{} {}", info.driver, info.driver_info).trim().to_string();
    AdapterSummary {
        kernel_family: family.name(),
        kernel_family_reason: family.reason(),
        warning: (info.device_type == DeviceType::Cpu).then(|| mesa::warning(&driver, family)).flatten(),
        kind: kind(info.device_type),
        backend: info.backend.to_string(),
        driver,
        subgroup_min_size: info.subgroup_min_size,
        subgroup_max_size: info.subgroup_max_size,
        max_buffer_bytes: limits.max_buffer_size,
        max_storage_binding_bytes: limits.max_storage_buffer_binding_size,
        workgroup_memory_bytes: limits.max_compute_workgroup_storage_size,
        features: features.iter().filter(|(f, _)| has.contains(*f)).map(|(_, name)| *name).collect(),
        name: info.name,
        default,
    }
}

/// The adapter for `auto`, `software`, or a part of a name; `WGPU_ADAPTER_NAME` narrows `auto`.
pub(super) fn choose(wish: &str) -> Result<wgpu::Adapter> {
    let found = ranked();
    if found.is_empty() {
        return Err(Error::Adapter(NO_ADAPTER.into()));
    }
    let names: Vec<String> = found.iter().map(|a| a.get_info().name).collect();
    let by_name = |part: &str| {
        let part = part.to_lowercase();
        found.iter().find(|a| a.get_info().name.to_lowercase().contains(&part)).cloned()
    };
    let from_env = std::env::var("WGPU_ADAPTER_NAME").ok().filter(|name| !name.is_empty());
    let missing = |what: String| Error::Adapter(format!("{what}; this machine has: {}", names.join(", ")));
    match (wish, from_env) {
        ("auto", Some(name)) => by_name(&name).ok_or_else(|| missing(format!("WGPU_ADAPTER_NAME={name} matches no adapter"))),
        ("auto", None) => Ok(found[0].clone()),
        ("software", _) => found
            .iter()
            .find(|a| a.get_info().device_type == DeviceType::Cpu)
            .cloned()
            .ok_or_else(|| missing("there is no software adapter (install mesa-vulkan-drivers)".into())),
        (name, _) => by_name(name).ok_or_else(|| missing(format!("no adapter's name contains `{name}`"))),
    }
}
