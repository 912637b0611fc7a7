//! What an instance carries beside the engine's own things: WASI, the embedder's data, what
//! the guest waits for.

use std::any::Any;
use std::sync::Arc;

use crate::fuel;
use crate::guest_memory::GuestMemory;
use crate::platform::Platform;
use crate::val::Val;
use crate::vals::Vals;
use crate::wasi::{WasiCall, WasiResult, WasiState, WasiWait};

pub(crate) struct GuestState {
    pub(crate) wasi: WasiState,
    pub(crate) platform: Arc<dyn Platform>,
    pub(crate) user: Box<dyn Any + Send>,
    pub(crate) pending: Option<Pending>,
    /// True during a nested call, which may not wait.
    pub(crate) nested: bool,
    pub(crate) host_calls: u64,
    charge: u64,
    debt: u64,
    owed_in_total: u64,
}

/// What a suspended call waits for.
pub(crate) enum Pending {
    Wasi { call: &'static WasiCall, args: Vals, wait: WasiWait },
    Host { import: usize, payload: Option<Box<dyn Any + Send>>, values: Option<Vals> },
}

impl GuestState {
    pub(crate) fn new(
        wasi: WasiState,
        platform: Arc<dyn Platform>,
        user: Box<dyn Any + Send>,
    ) -> Self {
        Self {
            wasi,
            platform,
            user,
            pending: None,
            nested: false,
            host_calls: 0,
            charge: 0,
            debt: 0,
            owed_in_total: 0,
        }
    }

    pub(crate) fn call_wasi(
        &mut self,
        call: &WasiCall,
        bytes: &mut [u8],
        args: &[Val],
    ) -> WasiResult {
        let mut memory = GuestMemory::new(bytes);
        let result = (call.run)(&mut self.wasi, &mut memory, &*self.platform, args);
        let work = self.wasi.take_charge();
        self.charge(fuel::HOST_CALL.saturating_add(work));
        result
    }

    pub(crate) fn charge(&mut self, fuel: u64) {
        self.charge = self.charge.saturating_add(fuel);
    }

    pub(crate) fn take_charge(&mut self) -> u64 {
        std::mem::take(&mut self.charge)
    }

    /// Fuel for host work that the slice did not have.
    pub(crate) fn owe(&mut self, fuel: u64) {
        self.debt = self.debt.saturating_add(fuel);
        self.owed_in_total = self.owed_in_total.saturating_add(fuel);
    }

    /// Pays what is owed out of `fuel`; answers what is left of it.
    pub(crate) fn pay_debt(&mut self, fuel: u64) -> u64 {
        let paid = self.debt.min(fuel);
        self.debt -= paid;
        fuel - paid
    }

    /// All fuel that was ever owed: it was used, although no slice saw it.
    pub(crate) fn owed_in_total(&self) -> u64 {
        self.owed_in_total
    }
}
