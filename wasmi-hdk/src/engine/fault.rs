//! What does an error of wasmi mean?

use super::EngineFault;
use super::guest::Data;
use super::limiter::Denied;
use super::link::Signal;

pub(super) fn fault(error: &wasmi::Error, data: &Data) -> EngineFault {
    use wasmi::errors::ErrorKind;
    match error.downcast_ref::<Signal>() {
        Some(Signal::Exit(code)) => return EngineFault::Exit(*code),
        Some(Signal::Missing(index)) => return EngineFault::Missing(*index),
        Some(Signal::Trap(text)) => return EngineFault::Trap(text.clone()),
        Some(Signal::Refused(index, text)) => return EngineFault::Refused(*index, text.clone()),
        Some(Signal::WouldWait | Signal::Suspended) => return EngineFault::WouldWait,
        None => {}
    }
    match (data.limiter.denied, error.kind()) {
        (_, ErrorKind::TrapCode(wasmi::TrapCode::StackOverflow)) => EngineFault::Stack,
        (_, ErrorKind::TrapCode(wasmi::TrapCode::OutOfFuel)) => EngineFault::Fuel,
        (_, ErrorKind::TrapCode(wasmi::TrapCode::GrowthOperationLimited)) => EngineFault::Trap(
            "`table.grow` of many elements met the end of a slice, where wasmi 2.0.0 cannot go on; \
             grow by fewer than 8 elements at a time"
                .to_owned(),
        ),
        (_, ErrorKind::Wasm(_) | ErrorKind::Translation(_)) => {
            EngineFault::Invalid(error.to_string())
        }
        // A guest that gets no memory says `unreachable`, or the engine says it.
        (
            Some(Denied::Memory(wanted)),
            ErrorKind::TrapCode(wasmi::TrapCode::UnreachableCodeReached)
            | ErrorKind::Memory(_)
            | ErrorKind::Instantiation(_),
        ) => EngineFault::Memory { wanted },
        (Some(Denied::Table(wanted)), ErrorKind::Table(_) | ErrorKind::Instantiation(_)) => {
            EngineFault::Table { wanted }
        }
        _ => EngineFault::Trap(error.to_string()),
    }
}
