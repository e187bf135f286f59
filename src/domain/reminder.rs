//! Placeholder until merged.
use super::alert::Severity;
use jiff::Timestamp;
use jiff::civil::Date;
/// Due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// x
    pub rule: String,
    /// x
    pub day: Date,
    /// x
    pub severity: Severity,
    /// x
    pub text: String,
    /// x
    pub until: Timestamp,
}
