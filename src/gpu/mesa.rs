//! What is known of the versions of Mesa's software adapter, by the driver's description of itself, such as `Mesa 22.3.6 (LLVM 15.0.6)`.

use super::family::Family;

/// Whether a driver that says this of itself is faster with vectors of 512 bits, on a processor that has them.
pub(super) fn wide_vectors_pay(driver: &str) -> bool {
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
