//! How the characters of a text are written.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the characters of a text are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[serde(rename = "UTF-8")]
    Utf8,
    /// UTF-16, the low byte first.
    #[serde(rename = "UTF-16 LE")]
    Utf16Le,
    /// UTF-16, the high byte first.
    #[serde(rename = "UTF-16 BE")]
    Utf16Be,
    /// What spreadsheets write in Western Europe and America.
    #[serde(rename = "Windows-1252")]
    Windows1252,
    /// What spreadsheets write in Korea, a superset of EUC-KR.
    #[serde(rename = "CP949")]
    Cp949,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16 LE",
            Self::Utf16Be => "UTF-16 BE",
            Self::Windows1252 => "Windows-1252",
            Self::Cp949 => "Korean CP949",
        })
    }
}
