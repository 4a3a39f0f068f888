//! The environment variables that Mesa's drivers read when the first device of a process is opened, and what is best there on this machine.

use super::{adapter, mesa};
use wgpu::{Backends, DeviceType};

/// Hands `set` the name and value of every environment variable that a program should set before it opens its first device and
/// before it starts threads. What the user has set stays. The library itself sets no variable: to do so is safe only where no
/// other thread reads the environment, and only the program knows that.
///
/// ```
/// // SAFETY: this process has no other thread yet.
/// pushforward::gpu::prepare_environment(|name, value| unsafe { std::env::set_var(name, value) });
/// ```
///
/// - `NODEVICE_SELECT`: Mesa's device-selection layer asks the display server which GPU it uses; a program without windows has no
///   use for the answer.
/// - `LP_NATIVE_VECTOR_WIDTH`: the bits of a vector of Mesa's software adapter, 256 unless set. Measured on an AMD EPYC with AVX-512:
///   512 bits are faster in nearly everything on Mesa 22, and 3 to 8 times slower from Mesa 24 on, where an operation between lanes is
///   one instruction at exactly 8 lanes and a loop over the lanes at 16. On Intel's processors 512 bits are slower on every version.
pub fn prepare_environment(mut set: impl FnMut(&str, &str)) {
    if !cfg!(target_os = "linux") {
        return;
    }
    let unset = |name: &str| std::env::var_os(name).is_none();
    if unset("NODEVICE_SELECT") {
        set("NODEVICE_SELECT", "1");
    }
    if unset("LP_NATIVE_VECTOR_WIDTH")
        && wide_vectors_may_pay()
        && software_driver().is_some_and(|driver| mesa::wide_vectors_pay(&driver))
    {
        set("LP_NATIVE_VECTOR_WIDTH", "512");
    }
}

/// Hands `set` what a program should set besides ([`prepare_environment`]) that computes on several devices at once, each in a thread of its own: Mesa's software
/// adapter then computes in the thread that asks, instead of in a pool. What the user has set stays.
pub fn prepare_side_by_side(mut set: impl FnMut(&str, &str)) {
    if cfg!(target_os = "linux") && std::env::var_os("LP_NUM_THREADS").is_none() {
        set("LP_NUM_THREADS", "0");
    }
}

/// The driver's description of itself, such as `Mesa 22.3.6 (LLVM 15.0.6)`, of the Vulkan software adapter.
fn software_driver() -> Option<String> {
    let adapters = pollster::block_on(adapter::instance(Backends::VULKAN).enumerate_adapters(Backends::VULKAN));
    adapters.iter().map(wgpu::Adapter::get_info).find(|info| info.device_type == DeviceType::Cpu).map(|info| info.driver_info)
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn wide_vectors_may_pay() -> bool {
    let words = std::arch::x86_64::__cpuid(0);
    let maker = [words.ebx, words.edx, words.ecx].map(u32::to_le_bytes);
    std::is_x86_feature_detected!("avx512f") && maker.as_flattened() == b"AuthenticAMD"
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
fn wide_vectors_may_pay() -> bool {
    false
}
