//! The only way to the bytes of a guest.
//!
//! Every access names an address and a length that the guest chose, so every access is
//! checked: the sum must not overflow and must end inside the memory. What is read is
//! borrowed for as long as the view lives, and no view lives across a guest call.
//! Growing a memory is not done here; that is the guest's own business.

use std::ops::Range;

/// A view of one guest's linear memory.
#[derive(Debug)]
pub struct GuestMemory<'a> {
    bytes: &'a mut [u8],
}

/// What a guest did wrong with an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GuestFault {
    /// The guest gave an address range that its memory does not have.
    #[error("{len} bytes at {addr:#x} are outside the guest's memory of {size:#x} bytes")]
    OutOfBounds {
        /// First address of the range.
        addr: u32,
        /// Length of the range in bytes.
        len: u64,
        /// Size of the memory in bytes.
        size: u64,
    },
    /// The guest said that some bytes are text, and they are not UTF-8.
    #[error("{len} bytes at {addr:#x} are not UTF-8")]
    Utf8 {
        /// First address of the text.
        addr: u32,
        /// Length of the text in bytes.
        len: u32,
    },
}

/// The address of a `T` in a guest; it says nothing about whether the memory has it.
#[derive(Debug)]
pub struct GuestPtr<T> {
    addr: u32,
    what: std::marker::PhantomData<fn() -> T>,
}

impl<T: GuestValue> GuestPtr<T> {
    /// The pointer that the guest handed over.
    pub fn new(addr: u32) -> Self {
        Self { addr, what: std::marker::PhantomData }
    }

    /// The address as the guest sees it.
    pub fn addr(&self) -> u32 {
        self.addr
    }

    /// Pointer to the element `index` places behind this one.
    ///
    /// # Errors
    ///
    /// When the address leaves 32 bits.
    pub fn element(&self, index: u32) -> Result<Self, GuestFault> {
        let fault =
            GuestFault::OutOfBounds { addr: self.addr, len: u64::from(index) * T::SIZE, size: 0 };
        u64::from(self.addr)
            .checked_add(u64::from(index) * T::SIZE)
            .and_then(|addr| u32::try_from(addr).ok())
            .map(Self::new)
            .ok_or(fault)
    }

    /// Reads the value.
    ///
    /// # Errors
    ///
    /// When the memory does not have it.
    pub fn load(&self, memory: &GuestMemory<'_>) -> Result<T, GuestFault> {
        T::load(memory, self.addr)
    }

    /// Writes the value.
    ///
    /// # Errors
    ///
    /// When the memory does not have it.
    pub fn store(&self, memory: &mut GuestMemory<'_>, value: T) -> Result<(), GuestFault> {
        T::store(memory, self.addr, value)
    }
}

impl<T> Clone for GuestPtr<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for GuestPtr<T> {}

/// A value that has one fixed form in guest memory: little endian, any alignment.
pub trait GuestValue: Sized {
    /// Bytes that the value takes.
    const SIZE: u64;
    /// Reads the value at `addr`.
    ///
    /// # Errors
    ///
    /// When the memory does not have it.
    fn load(memory: &GuestMemory<'_>, addr: u32) -> Result<Self, GuestFault>;
    /// Writes the value at `addr`.
    ///
    /// # Errors
    ///
    /// When the memory does not have it.
    fn store(memory: &mut GuestMemory<'_>, addr: u32, value: Self) -> Result<(), GuestFault>;
}

macro_rules! guest_value {
    ($($ty:ty = $size:literal, $load:ident, $store:ident;)*) => {
        $(impl GuestValue for $ty {
            const SIZE: u64 = $size;
            fn load(memory: &GuestMemory<'_>, addr: u32) -> Result<Self, GuestFault> {
                memory.array::<$size>(addr).map(<$ty>::from_le_bytes)
            }
            fn store(memory: &mut GuestMemory<'_>, addr: u32, value: Self) -> Result<(), GuestFault> {
                memory.write(addr, &value.to_le_bytes())
            }
        })*
        impl GuestMemory<'_> {
            $(
            /// Reads one little-endian value; any alignment.
            ///
            /// # Errors
            ///
            /// When the memory does not have it.
            pub fn $load(&self, addr: u32) -> Result<$ty, GuestFault> {
                <$ty as GuestValue>::load(self, addr)
            }
            /// Writes one little-endian value; any alignment.
            ///
            /// # Errors
            ///
            /// When the memory does not have it.
            pub fn $store(&mut self, addr: u32, value: $ty) -> Result<(), GuestFault> {
                <$ty as GuestValue>::store(self, addr, value)
            }
            )*
        }
    };
}

guest_value! {
    u8 = 1, load_u8, store_u8;
    u16 = 2, load_u16, store_u16;
    u32 = 4, load_u32, store_u32;
    u64 = 8, load_u64, store_u64;
    i32 = 4, load_i32, store_i32;
    i64 = 8, load_i64, store_i64;
    f64 = 8, load_f64, store_f64;
}

impl<'a> GuestMemory<'a> {
    /// A view of `bytes`. An instance without a memory gives an empty one.
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes }
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }

    fn range(&self, addr: u32, len: u64) -> Result<Range<usize>, GuestFault> {
        let fault = GuestFault::OutOfBounds { addr, len, size: self.size() };
        let end = u64::from(addr).checked_add(len).filter(|end| *end <= self.size());
        match (usize::try_from(addr), end.and_then(|end| usize::try_from(end).ok())) {
            (Ok(start), Some(end)) => Ok(start..end),
            _ => Err(fault),
        }
    }

    /// The bytes from `addr` on, `len` of them.
    ///
    /// # Errors
    ///
    /// When the memory does not have all of them.
    pub fn read(&self, addr: u32, len: u32) -> Result<&[u8], GuestFault> {
        let range = self.range(addr, u64::from(len))?;
        Ok(self.bytes.get(range).unwrap_or(&[]))
    }

    /// The bytes from `addr` on, `len` of them, to write into.
    ///
    /// # Errors
    ///
    /// When the memory does not have all of them.
    pub fn slice_mut(&mut self, addr: u32, len: u32) -> Result<&mut [u8], GuestFault> {
        let range = self.range(addr, u64::from(len))?;
        Ok(self.bytes.get_mut(range).unwrap_or(&mut []))
    }

    /// Text of `len` bytes at `addr`.
    ///
    /// # Errors
    ///
    /// When the memory does not have it, or it is not UTF-8.
    pub fn read_str(&self, addr: u32, len: u32) -> Result<&str, GuestFault> {
        std::str::from_utf8(self.read(addr, len)?).map_err(|_| GuestFault::Utf8 { addr, len })
    }

    /// Writes all of `data` at `addr`, or nothing.
    ///
    /// # Errors
    ///
    /// When the memory does not have that room.
    pub fn write(&mut self, addr: u32, data: &[u8]) -> Result<(), GuestFault> {
        let range = self.range(addr, u64::try_from(data.len()).unwrap_or(u64::MAX))?;
        if let Some(to) = self.bytes.get_mut(range) {
            to.copy_from_slice(data);
        }
        Ok(())
    }

    fn array<const N: usize>(&self, addr: u32) -> Result<[u8; N], GuestFault> {
        let len = u64::try_from(N).unwrap_or(u64::MAX);
        let range = self.range(addr, len)?;
        let fault = GuestFault::OutOfBounds { addr, len, size: self.size() };
        self.bytes.get(range).and_then(|bytes| bytes.try_into().ok()).ok_or(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_that_wraps_around_is_a_fault() {
        let mut bytes = [1, 2, 3, 4];
        let mut memory = GuestMemory::new(&mut bytes);
        assert_eq!(memory.read(0, 4), Ok(&[1, 2, 3, 4][..]));
        assert_eq!(memory.read(4, 0), Ok(&[][..]));
        for (addr, len) in [(5, 0), (0, 5), (u32::MAX, 2), (2, u32::MAX)] {
            assert!(memory.read(addr, len).is_err(), "{addr} {len}");
        }
        assert!(memory.load_u64(0).is_err());
        assert!(memory.store_u32(1, 7).is_err());
        assert_eq!(memory.load_u32(0), Ok(0x0403_0201));
    }

    #[test]
    fn a_pointer_counts_elements() {
        let mut bytes = [0; 16];
        let mut memory = GuestMemory::new(&mut bytes);
        let second = GuestPtr::<u32>::new(4).element(1).unwrap();
        second.store(&mut memory, 9).unwrap();
        assert_eq!(memory.load_u32(8), Ok(9));
        assert!(GuestPtr::<u64>::new(8).element(u32::MAX).is_err());
    }
}
