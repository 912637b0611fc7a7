//! How far may memory and tables grow, and what was refused?

use crate::limits::Limits;

/// Says how far memory and tables may grow, and remembers what it refused.
pub(super) struct Limiter {
    memory_bytes: usize,
    table_elements: usize,
    tables: usize,
    /// One. wasmi 2.0.0 counts an imported one when it is made and again when it is linked.
    memories: usize,
    pub(super) denied: Option<Denied>,
}

#[derive(Clone, Copy)]
pub(super) enum Denied {
    Memory(u64),
    Table(u64),
}

impl Limiter {
    pub(super) fn new(limits: &Limits, imports_memory: bool) -> Self {
        Self {
            memory_bytes: limits.memory_bytes,
            table_elements: limits.table_elements,
            tables: limits.tables,
            memories: if imports_memory { 2 } else { 1 },
            denied: None,
        }
    }
}

impl wasmi::ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, wasmi_core::LimiterError> {
        if desired > self.memory_bytes {
            self.denied = Some(Denied::Memory(u64::try_from(desired).unwrap_or(u64::MAX)));
            return Ok(false);
        }
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool, wasmi_core::LimiterError> {
        if desired > self.table_elements {
            self.denied = Some(Denied::Table(u64::try_from(desired).unwrap_or(u64::MAX)));
            return Ok(false);
        }
        Ok(true)
    }

    /// When `table.grow` runs out of fuel, wasmi 2.0.0 does not keep the place where to go on
    /// (`memory.grow` does): resuming would run other code again. So the call ends here.
    fn table_grow_failed(
        &mut self,
        error: &wasmi::errors::TableError,
    ) -> Result<(), wasmi_core::LimiterError> {
        match error {
            wasmi::errors::TableError::OutOfFuel { .. } => {
                Err(wasmi_core::LimiterError::ResourceLimiterDeniedAllocation)
            }
            _ => Ok(()),
        }
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}
