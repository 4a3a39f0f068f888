//! The environment variables that Mesa's drivers read when the first device of a process is opened, and what is best there on this machine.

use super::adapter;
use super::family::Family;
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
        && software_driver().is_some_and(|driver| wide_vectors_pay(&driver))
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

/// Whether a driver that says this of itself is faster with vectors of 512 bits, on a processor that has them.
fn wide_vectors_pay(driver: &str) -> bool {
    mesa_version(driver).is_some_and(|(major, _)| major <= 22)
}

/// Whether a software driver that says this of itself takes seconds for kernels that others compile in a tenth of one. Measured: 25.0
/// does; 22.3 and 26.1 do not. Versions between are taken to be like their neighbor that was measured.
pub(super) fn compiles_slowly(driver: &str) -> bool {
    mesa_version(driver).is_some_and(|(major, _)| (23..=25).contains(&major))
}

/// Whether, at eight lanes, a software driver that says this of itself reads another lane's value in one instruction where the lane is known
/// only at run time. Measured: 25.0 and 26.1 do, 22.3 loops over the lanes.
pub(super) fn shuffles_cheaply(driver: &str) -> bool {
    mesa_version(driver).is_some_and(|(major, _)| major >= 23)
}

/// What makes a software driver slower than it need be, and the remedy.
pub(super) fn warning(driver: &str, family: Family) -> Option<String> {
    let too_wide = matches!(family, Family::Subgroup { width } if width > 8);
    match family {
        Family::Register => Some(
            "this software driver offers no subgroups, and kernels run several times slower than on Mesa's: install mesa-vulkan-drivers".into(),
        ),
        Family::Subgroup { width } if width < 8 => {
            Some(format!("vectors of {width} lanes are slower than 8: use a processor with AVX2, or unset LP_NATIVE_VECTOR_WIDTH"))
        }
        _ if too_wide && shuffles_cheaply(driver) => {
            Some("512-bit vectors are 3 to 8 times slower than 256-bit ones from Mesa 24 on: unset LP_NATIVE_VECTOR_WIDTH".into())
        }
        _ if compiles_slowly(driver) => {
            Some("this driver takes 5 to 10 s to compile a method's kernels at the first start; Mesa 26.1 and later take about 1 s".into())
        }
        _ => None,
    }
}

/// Major and minor version of Mesa in a driver's description of itself.
fn mesa_version(driver: &str) -> Option<(u32, u32)> {
    let mut numbers = driver.split_once("Mesa ")?.1.split(['.', '-', ' ']).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_mesa_are_read_from_what_drivers_say() {
        assert_eq!(mesa_version("Mesa 22.3.6 (LLVM 15.0.6)"), Some((22, 3)));
        assert_eq!(mesa_version("llvmpipe Mesa 26.1.0-devel (git-0123456789)"), Some((26, 1)));
        assert_eq!(mesa_version("580.159"), None);
        assert_eq!(mesa_version("Mesa"), None);
    }

    #[test]
    fn slow_drivers_are_warned_of_with_the_remedy() {
        let said = |driver: &str, family| warning(driver, family).unwrap_or_default();
        assert!(said("Mesa 25.0.7 (LLVM 19)", Family::Subgroup { width: 16 }).contains("unset LP_NATIVE_VECTOR_WIDTH"));
        assert!(said("Mesa 25.0.7 (LLVM 19)", Family::Subgroup { width: 8 }).contains("Mesa 26.1"));
        assert!(said("SwiftShader driver-5.0.0", Family::Register).contains("mesa-vulkan-drivers"));
        assert_eq!(said("Mesa 26.1.6 (LLVM 19)", Family::Subgroup { width: 8 }), "");
        assert_eq!(said("Mesa 22.3.6 (LLVM 15)", Family::Subgroup { width: 16 }), "");
    }

    #[test]
    fn shuffles_are_cheap_since_mesa_23() {
        assert!(!shuffles_cheaply("Mesa 22.3.6 (LLVM 15.0.6)") && !shuffles_cheaply("SwiftShader driver-5.0.0"));
        assert!(shuffles_cheaply("Mesa 25.0.7-2 (LLVM 19.1.7)") && shuffles_cheaply("Mesa 26.1.6 (LLVM 19)"));
    }

    #[test]
    fn drivers_between_two_generations_compile_slowly() {
        let slow: Vec<bool> =
            ["22.3.6", "23.1.4", "24.2.8", "25.0.7", "26.1.6"].map(|v| compiles_slowly(&format!("Mesa {v} (LLVM)"))).into();
        assert_eq!(slow, [false, true, true, true, false]);
        assert!(!compiles_slowly("SwiftShader driver-5.0.0"));
    }

    #[test]
    fn only_old_drivers_get_wide_vectors() {
        assert!(wide_vectors_pay("Mesa 22.3.6 (LLVM 15.0.6)"));
        for driver in
            ["Mesa 23.0.0 (LLVM 15)", "Mesa 25.0.7-2 (LLVM 19.1.7)", "Mesa 26.1.6 (LLVM 19)", "SwiftShader driver-5.0.0"]
        {
            assert!(!wide_vectors_pay(driver), "{driver}");
        }
    }
}
