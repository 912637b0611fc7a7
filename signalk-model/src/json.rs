//! JSON as JavaScript prints it: numbers without `.0`, text with the same escapes, compact. The
//! core uses these helpers for its own messages. Reading a whole delta is in `parse`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Appends `text` as a JSON string with quotes, escaped as `JSON.stringify` does.
pub fn write_str(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut clean = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape = ESCAPES[usize::from(byte)];
        if escape == 0 {
            continue;
        }
        out.extend_from_slice(&bytes[clean..at]);
        clean = at + 1;
        if escape == b'u' {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        } else {
            out.extend_from_slice(&[b'\\', escape]);
        }
    }
    out.extend_from_slice(&bytes[clean..]);
    out.push(b'"');
}

/// Appends `"key":`.
pub fn write_key(out: &mut Vec<u8>, key: &str) {
    write_str(out, key);
    out.push(b':');
}

/// Appends a number as JavaScript prints it: `1000`, `1.57`, `1e+21`; `null` when not finite.
pub fn write_f64(out: &mut Vec<u8>, number: f64) {
    if let Some(whole) = whole(number) {
        out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    } else if number.is_finite() {
        out.extend_from_slice(ryu_js::Buffer::new().format_finite(number).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

/// The text of a number as JavaScript prints it.
pub fn number_text(number: f64) -> String {
    let mut out = Vec::with_capacity(24);
    write_f64(&mut out, number);
    String::from_utf8(out).unwrap_or_default()
}

/// Appends any JSON value, compact, keys in their order.
pub fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_f64(out, number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => write_str(out, text),
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_value(out, item);
            }
            out.push(b']');
        }
        Value::Object(members) => write_map(out, members),
    }
}

/// Appends an object, compact, keys in their order.
pub fn write_map(out: &mut Vec<u8>, members: &Map<String, Value>) {
    out.push(b'{');
    for (at, (key, value)) in members.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_key(out, key);
        write_value(out, value);
    }
    out.push(b'}');
}

/// The text of any JSON value, as `JSON.stringify` gives it.
pub fn value_text(value: &Value) -> String {
    let mut out = Vec::with_capacity(64);
    write_value(&mut out, value);
    String::from_utf8(out).unwrap_or_default()
}

/// A JSON number from a JavaScript number: `2.0` and `2` are the same. `Null` when not finite.
pub fn number(number: f64) -> Value {
    match whole(number) {
        Some(whole) => Value::Number(Number::from(whole)),
        None => Number::from_f64(number).map_or(Value::Null, Value::Number),
    }
}

/// Reads JSON as JavaScript would: every number is an `f64`.
///
/// # Errors
/// What the parser said, with line and column.
pub fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = AnyJson.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Whether JavaScript treats `key` as an array index: such keys come first in every object.
pub fn array_index(key: &str) -> Option<u32> {
    let digits = key.as_bytes();
    let plain = match digits {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => digits.len() <= 10 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if plain { key.parse().ok().filter(|&index| index != u32::MAX) } else { None }
}

/// The integer that `number` is, when JavaScript prints it as one and it is exact.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.abs() < EXACT && number.fract() == 0.0 {
        // In range and without fraction, so nothing is lost.
        #[allow(clippy::cast_possible_truncation)]
        Some(number as i64)
    } else {
        None
    }
}

const HEX: [u8; 16] = *b"0123456789abcdef";

/// For each byte: 0 = as it is, `u` = `\u00XX`, else the letter after the backslash.
const ESCAPES: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut at = 0;
    while at < 32 {
        table[at] = b'u';
        at += 1;
    }
    table[8] = b'b';
    table[9] = b't';
    table[10] = b'n';
    table[12] = b'f';
    table[13] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// Reads any JSON into a `serde_json::Value` with JavaScript's numbers.
pub(crate) struct AnyJson;

impl<'de> DeserializeSeed<'de> for AnyJson {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyJson {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(number(as_f64(value)))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(number(unsigned_as_f64(value)))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(number(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(AnyJson)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }
    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Value, A::Error> {
        read_map(members).map(Value::Object)
    }
}

/// Reads the members of an object.
pub(crate) fn read_map<'de, A: MapAccess<'de>>(
    mut members: A,
) -> Result<Map<String, Value>, A::Error> {
    let mut map = Map::new();
    while let Some(key) = members.next_key::<String>()? {
        let value = members.next_value_seed(AnyJson)?;
        map.insert(key, value);
    }
    Ok(map)
}

/// JavaScript has one kind of number: integers beyond 2^53 are rounded.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn as_f64(value: i64) -> f64 {
    value as f64
}

/// As `as_f64`.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn unsigned_as_f64(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_javascript_prints_them() {
        for (number, text) in [
            (1000.0, "1000"),
            (-0.0, "0"),
            (1.57, "1.57"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e21, "1e+21"),
            (1e-7, "1e-7"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (-12.5, "-12.5"),
            (f64::NAN, "null"),
            (f64::INFINITY, "null"),
        ] {
            assert_eq!(number_text(number), text);
        }
    }

    #[test]
    fn text_is_escaped_as_javascript_escapes_it() {
        let mut out = Vec::new();
        write_str(&mut out, "a\"b\\c\n\u{1}\u{7f}°/");
        assert_eq!(String::from_utf8(out).unwrap(), "\"a\\\"b\\\\c\\n\\u0001\u{7f}°/\"");
    }

    #[test]
    fn values_are_read_with_javascript_numbers() {
        let value = parse(br#" {"b":1.0,"a":[1e3,18446744073709551615,null]} "#).unwrap();
        assert_eq!(value_text(&value), r#"{"b":1,"a":[1000,18446744073709552000,null]}"#);
        assert!(parse(b"{} x").is_err());
    }

    #[test]
    fn array_indexes_are_recognised() {
        assert_eq!(array_index("0"), Some(0));
        assert_eq!(array_index("4294967294"), Some(4_294_967_294));
        for key in ["", "01", "-1", "1.5", "4294967295", "99999999999", "a"] {
            assert_eq!(array_index(key), None, "{key}");
        }
    }
}
