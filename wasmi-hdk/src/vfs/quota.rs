//! `Quota` and `Meter`: how much a plugin may store, and how much it does.
//!
//! Both backends count with the same meter, so that a plugin meets the same
//! limit on a disk and in memory. Files are counted as directory entries:
//! each costs room whatever it holds.

use crate::wasi::Errno;

/// What one plugin may store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Sum of the lengths of all files, in bytes.
    pub max_bytes: u64,
    /// Files and directories together, the three made folders included.
    pub max_files: u64,
}

impl Default for Quota {
    /// 64 MiB and 4096 files (plugin-abi.md, chapter 9).
    fn default() -> Self {
        Self { max_bytes: 64 << 20, max_files: 4096 }
    }
}

/// What one plugin stores now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Sum of the lengths of all files, in bytes.
    pub bytes: u64,
    /// Files and directories.
    pub files: u64,
    /// How often a write or a new file was refused.
    pub refused: u64,
}

/// Counts against a quota; the backend asks before it stores.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    quota: Quota,
    usage: Usage,
}

impl Meter {
    /// Counts from `usage`, for instance what a folder held before.
    #[must_use]
    pub fn new(quota: Quota, usage: Usage) -> Self {
        Self { quota, usage }
    }

    /// The limits.
    #[must_use]
    pub fn quota(&self) -> Quota {
        self.quota
    }

    /// What is stored.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Asks whether a file may change its length, and counts it.
    ///
    /// # Errors
    /// `ENOSPC` when the file grows beyond the bytes left.
    pub fn resize(&mut self, old: u64, new: u64) -> Result<(), Errno> {
        let others = self.usage.bytes.saturating_sub(old);
        let total = others.saturating_add(new);
        if new > old && total > self.quota.max_bytes {
            self.usage.refused += 1;
            return Err(Errno::Nospc);
        }
        self.usage.bytes = total;
        Ok(())
    }

    /// How many of `wanted` bytes may be added at the end of the store.
    #[must_use]
    pub fn bytes_left(&self) -> u64 {
        self.quota.max_bytes.saturating_sub(self.usage.bytes)
    }

    /// Asks for one more directory entry and counts it.
    ///
    /// # Errors
    /// `EDQUOT` when there are as many as the quota allows.
    pub fn add_file(&mut self) -> Result<(), Errno> {
        if self.usage.files >= self.quota.max_files {
            self.usage.refused += 1;
            return Err(Errno::Dquot);
        }
        self.usage.files += 1;
        Ok(())
    }

    /// One directory entry is gone.
    pub fn remove_file(&mut self) {
        self.usage.files = self.usage.files.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_over_its_quota_may_still_shrink() {
        let quota = Quota { max_bytes: 10, max_files: 1 };
        let mut meter = Meter::new(quota, Usage { bytes: 50, files: 3, refused: 0 });
        assert_eq!(meter.resize(50, 51), Err(Errno::Nospc));
        assert_eq!(meter.add_file(), Err(Errno::Dquot));
        assert_eq!(meter.resize(50, 40), Ok(()));
        assert_eq!(meter.usage(), Usage { bytes: 40, files: 3, refused: 2 });
    }
}
