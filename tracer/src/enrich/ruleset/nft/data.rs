//! Decodes the contents of a register or of a map's element.

use super::super::attrs::Attrs;

/// `NFTA_DATA_*`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Data {
    Value(Vec<u8>),
    Verdict(Verdict),
}

impl Data {
    /// Decodes the attributes inside of `NFTA_DATA_*`.
    pub(super) fn decode(attrs: Attrs<'_>) -> Self {
        match attrs.get(2) {
            Some(verdict) => Self::Verdict(Verdict::decode(Attrs(verdict))),
            None => Self::Value(attrs.get(1).unwrap_or_default().to_vec()),
        }
    }
}

/// A verdict as a rule encodes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Accept,
    Drop,
    Queue,
    Continue,
    Return,
    Jump(String),
    Goto(String),
    /// A code that is not known here.
    Other(i32),
}

impl Verdict {
    /// Decodes `NFTA_VERDICT_CODE`: `NF_*` (include/uapi/linux/netfilter.h), or `NFT_*` if negative.
    fn decode(attrs: Attrs<'_>) -> Self {
        let chain = || attrs.text(2).unwrap_or_else(|| "…".to_owned());
        match attrs.u32(1).map_or(i32::MIN, u32::cast_signed) {
            0 => Self::Drop,
            1 => Self::Accept,
            code if code >= 0 && code & 0xff == 3 => Self::Queue,
            -1 => Self::Continue,
            -3 => Self::Jump(chain()),
            -4 => Self::Goto(chain()),
            -5 => Self::Return,
            code => Self::Other(code),
        }
    }

    /// Returns the chain in which the walk continues, if the verdict names one.
    pub(super) fn target(&self) -> Option<&str> {
        match self {
            Self::Jump(chain) | Self::Goto(chain) => Some(chain),
            _ => None,
        }
    }

    /// Spells the verdict as `nft` does.
    pub(super) fn nft(&self) -> String {
        match self {
            Self::Accept => "accept".to_owned(),
            Self::Drop => "drop".to_owned(),
            Self::Queue => "queue".to_owned(),
            Self::Continue => "continue".to_owned(),
            Self::Return => "return".to_owned(),
            Self::Jump(chain) => format!("jump {chain}"),
            Self::Goto(chain) => format!("goto {chain}"),
            Self::Other(code) => format!("[verdict {code}]"),
        }
    }
}
