//! Which design of the heavy kernels an adapter runs, and why (DESIGN §5).

use wgpu::{AdapterInfo, DeviceType, Features};

/// Which design of the heavy kernels an adapter runs, named by what it shares operands through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Tiles in workgroup memory: GPUs.
    Workgroup,
    /// A workgroup is one subgroup of `width` lanes, and lanes share by broadcast: software adapters with subgroups.
    Subgroup { width: u32 },
    /// Registers alone, without barriers or subgroups: anything else.
    Register,
}

impl Family {
    /// The fastest family of an adapter on which these features are enabled.
    pub(super) fn of(info: &AdapterInfo, features: Features) -> Self {
        let fixed = info.subgroup_min_size == info.subgroup_max_size && info.subgroup_min_size >= 4;
        if info.device_type != DeviceType::Cpu {
            Self::Workgroup
        } else if features.contains(Features::SUBGROUP) && fixed {
            Self::Subgroup { width: info.subgroup_min_size }
        } else {
            Self::Register
        }
    }

    /// `workgroup`, `subgroup` or `register`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Workgroup => "workgroup",
            Self::Subgroup { .. } => "subgroup",
            Self::Register => "register",
        }
    }

    /// Why an adapter runs this family, in one clause.
    pub fn reason(self) -> String {
        match self {
            Self::Workgroup => "a GPU: operands are shared through workgroup memory".into(),
            Self::Subgroup { width } => {
                format!("a software adapter with subgroups of {width} lanes: lanes share operands by broadcast")
            }
            Self::Register => "a software adapter without subgroups of one size: each invocation loads its own operands".into(),
        }
    }
}
