//! `Guest`: a library module and its one instance, born on its first trip; short nested calls.

use wasmi_hdk::{CallError, Instance, InstanceConfig, Interface, Module, Val};

use super::adapt::{arguments, first};
use crate::Crash;

/// Fuel of one `allocate`, `deallocate`, `__new` or `__pin`: it cannot be interrupted, so its
/// price is counted afterwards, in the trip's budget and the guest's purse.
const ALLOCATION_FUEL: u64 = 10_000_000;

/// A guest that is called by its exports.
pub(crate) struct Guest {
    interface: Interface,
    life: Life,
}

enum Life {
    /// The module is given back with the birth: its data segments are in the guest's memory then.
    Unborn(Box<(Module, InstanceConfig)>),
    Living(Box<Instance>),
    /// It could not be born.
    Still,
}

impl Guest {
    pub(crate) fn new(module: &Module, config: InstanceConfig) -> Guest {
        let unborn = Box::new((module.clone(), config));
        Guest { interface: module.interface().clone(), life: Life::Unborn(unborn) }
    }

    /// What the module wants and offers.
    pub(crate) fn interface(&self) -> &Interface {
        &self.interface
    }

    /// Makes the instance if there is none yet.
    pub(crate) fn be_born(&mut self) -> Result<(), Crash> {
        if let Life::Unborn(_) = self.life
            && let Life::Unborn(unborn) = std::mem::replace(&mut self.life, Life::Still)
        {
            let (module, config) = *unborn;
            self.life = Life::Living(Box::new(Instance::new(&module, config)?));
        }
        Ok(())
    }

    /// The living guest.
    pub(crate) fn instance(&mut self) -> Option<&mut Instance> {
        match &mut self.life {
            Life::Living(instance) => Some(instance),
            _ => None,
        }
    }

    /// Begins a call, which then runs in slices.
    pub(crate) fn enter(&mut self, export: &str, args: &[Val]) -> Result<(), Crash> {
        match &mut self.life {
            Life::Living(instance) => Ok(instance.begin(export, args)?),
            _ => Ok(()),
        }
    }

    /// A short call between others, or while another one rests.
    pub(crate) fn nested(&mut self, export: &str, values: &[i32]) -> Result<i32, Crash> {
        let no_export = || CallError::NoExport {
            plugin: self.interface.name().to_owned(),
            export: export.to_owned(),
        };
        let args: Vec<Val> =
            arguments(self.interface.export_type(export).ok_or_else(no_export)?, values);
        match &mut self.life {
            Life::Living(instance) => {
                Ok(first(&instance.call_now(export, &args, ALLOCATION_FUEL)?))
            }
            _ => Ok(0),
        }
    }

    /// Writes into memory that the guest gave for it.
    pub(crate) fn fill(&mut self, giver: &str, addr: u32, bytes: &[u8]) -> Result<(), Crash> {
        let Some(instance) = self.instance() else { return Ok(()) };
        instance.memory().write(addr, bytes).map_err(|fault| {
            let size = bytes.len();
            Crash::Text(format!("`{giver}({size})` gave memory that is not there: {fault}"))
        })
    }

    /// The shared state of its host functions, also before it is born.
    pub(crate) fn state<T: 'static>(&mut self) -> Option<&mut T> {
        match &mut self.life {
            Life::Living(instance) => instance.state(),
            Life::Unborn(unborn) => unborn.1.state.downcast_mut(),
            Life::Still => None,
        }
    }

    /// All fuel that it has used.
    pub(crate) fn fuel_used(&self) -> u64 {
        match &self.life {
            Life::Living(instance) => instance.fuel_used(),
            _ => 0,
        }
    }

    /// What becomes of a guest that has no room for what the host wants to hand over.
    pub(crate) fn no_memory(&mut self, call: &'static str, bytes: u32) -> Crash {
        let plugin = self.interface.name().to_owned();
        let (used, limit) = self.instance().map_or((0, 0), |instance| {
            let limit = u64::try_from(instance.limits().memory_bytes).unwrap_or(u64::MAX);
            (instance.stats().memory_bytes, limit)
        });
        Crash::NoMemory { plugin, call, bytes, used, limit }
    }
}
