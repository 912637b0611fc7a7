//! AssemblyScript's objects in guest memory: strings, buffers, arrays.
//!
//! Clause: plugin ABI 2.5. An object is known by the address of its payload;
//! 4 bytes before it stands the payload's size, 8 bytes before it the number of
//! its class. Nothing here calls the guest or trusts what it says: each access
//! is checked, and sizes are bounded.

use wasmi_hdk::{GuestFault, GuestMemory};

/// Bytes of the longest string that crosses: 24 Mi UTF-16 units, a body of 16 MiB in base64 and what is around it.
pub(crate) const LONGEST_STRING: u32 = 48 << 20;

/// Size of an object's payload in bytes.
pub(crate) fn size(memory: &GuestMemory<'_>, object: u32) -> Result<u32, GuestFault> {
    memory.load_u32(before(object, 4)?)
}

/// Number of an object's class.
pub(crate) fn class(memory: &GuestMemory<'_>, object: u32) -> Result<u32, GuestFault> {
    memory.load_u32(before(object, 8)?)
}

fn before(object: u32, bytes: u32) -> Result<u32, GuestFault> {
    let nowhere = GuestFault::OutOfBounds { addr: object, len: 0, size: 0 };
    object.checked_sub(bytes).ok_or(nowhere)
}

/// The payload, all of which must be there, and of which at most `most` bytes are taken.
pub(crate) fn payload<'a>(
    memory: &'a GuestMemory<'_>,
    object: u32,
    most: u32,
) -> Result<&'a [u8], GuestFault> {
    let payload = memory.read(object, size(memory, object)?)?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    Ok(payload.get(..most).unwrap_or(payload))
}

/// The text of a string, whatever its class says; null is the empty text.
pub(crate) fn text(memory: &GuestMemory<'_>, string: u32, most: u32) -> Result<String, GuestFault> {
    if string == 0 {
        return Ok(String::new());
    }
    Ok(decode(payload(memory, string, most)?))
}

/// The elements of an array of objects: at most `most` of them.
pub(crate) fn elements(
    memory: &GuestMemory<'_>,
    array: u32,
    most: u32,
) -> Result<Vec<u32>, GuestFault> {
    if array == 0 {
        return Ok(Vec::new());
    }
    payload(memory, array, 16)?;
    let header = memory.read(array, 16)?;
    let word = |at: usize| {
        header.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_le_bytes)
    };
    let (start, length) = (word(4), word(12).min(most));
    let words = memory.read(start, length.saturating_mul(4))?.chunks_exact(4);
    Ok(words.filter_map(|word| word.try_into().ok()).map(u32::from_le_bytes).collect())
}

/// UTF-16LE to text. What is half of a pair becomes U+FFFD.
pub(crate) fn decode(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok());
    let units = units.map(u16::from_le_bytes);
    let mut text = String::with_capacity(bytes.len() / 2);
    text.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
    text
}

/// How many UTF-16 units a text has.
pub(crate) fn units(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// Writes a text as UTF-16LE; `to` has two bytes for each unit.
pub(crate) fn encode(text: &str, to: &mut [u8]) {
    let pairs = to.chunks_exact_mut(2);
    if text.is_ascii() {
        for (pair, byte) in pairs.zip(text.bytes()) {
            pair.copy_from_slice(&[byte, 0]);
        }
    } else {
        for (pair, unit) in pairs.zip(text.encode_utf16()) {
            pair.copy_from_slice(&unit.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A string object at 8, with this payload.
    fn with_string(units: &[u16]) -> Vec<u8> {
        let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let size = u32::try_from(bytes.len()).unwrap();
        [&2_u32.to_le_bytes()[..], &size.to_le_bytes(), &bytes].concat()
    }

    /// Plugin ABI 15, seed 5.
    #[test]
    fn strings_go_round_and_halves_of_pairs_are_replaced() {
        let long = "\u{e5}".repeat(200_000);
        for text in ["", "a", "\u{1f6a2} at sea", "Åland", long.as_str()] {
            let mut bytes = vec![0; units(text) * 2];
            encode(text, &mut bytes);
            assert_eq!(decode(&bytes), text);
        }
        for (units, text) in [
            (&[0xd83d][..], "\u{fffd}"),
            (&[0x61, 0xdea2, 0x62], "a\u{fffd}b"),
            (&[0xd83d, 0x61], "\u{fffd}a"),
        ] {
            let mut bytes = with_string(units);
            let memory = GuestMemory::new(&mut bytes);
            assert_eq!(self::text(&memory, 8, LONGEST_STRING).unwrap(), text);
            assert_eq!(class(&memory, 8), Ok(2));
        }
    }

    #[test]
    fn an_object_that_is_not_there_is_a_fault() {
        let mut bytes = with_string(&[0x61]);
        let memory = GuestMemory::new(&mut bytes);
        assert_eq!(text(&memory, 0, 10).unwrap(), "");
        for object in [1, 3, 11, 1000, u32::MAX] {
            assert!(text(&memory, object, 10).is_err(), "{object}");
        }
        let mut bytes = [2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x61, 0];
        let memory = GuestMemory::new(&mut bytes);
        assert!(text(&memory, 8, LONGEST_STRING).is_err(), "a size beyond memory");
    }

    #[test]
    fn an_array_is_read_by_its_header() {
        // At 4: buffer, start, bytes, length; at 20 the elements.
        let words = [0_u32, 0, 20, 8, 2, 7, 9];
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let memory = GuestMemory::new(&mut bytes);
        assert_eq!(elements(&memory, 0, 10).unwrap(), [0; 0]);
        assert_eq!(elements(&memory, 4, 10).unwrap(), [7, 9]);
        assert_eq!(elements(&memory, 4, 1).unwrap(), [7]);
        assert!(elements(&memory, 8, 10).is_err(), "two elements that are not there");
    }
}
