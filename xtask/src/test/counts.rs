//! How many tests passed and failed.

/// Numbers of passed and failed tests.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Number of tests that passed.
    pub passed: u64,
    /// Number of tests that failed.
    pub failed: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl Counts {
    /// One failure.
    pub const FAILURE: Self = Self { passed: 0, failed: 1 };

    /// Parses `N passed` and `N failed` in a closing line.
    pub fn parse(line: &str) -> Option<Self> {
        let before = |what: &str| -> Option<u64> { line.split_once(what)?.0.rsplit(' ').next()?.parse().ok() };
        Some(Self { passed: before(" passed")?, failed: before(" failed")? })
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn counts_in_closing_lines() {
        let cargo = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured";
        assert_eq!(Counts::parse(cargo), Some(Counts { passed: 12, failed: 3 }));
        assert_eq!(Counts::parse("8 passed, 0 failed"), Some(Counts { passed: 8, failed: 0 }));
        assert_eq!(Counts::parse("nothing here"), None);
    }
}
