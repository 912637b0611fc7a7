//! [`Rows`]: deltas that come as rows (`wit/signalk-plugin.wit`, delta-handler). What does not change from one value of
//! a path to the next was said once and stays a ready [`Delta`]; a row puts its value and time in. Under an interpreter
//! that costs a small part of reading a delta in JSON: no names are read, nothing is allocated for numbers and
//! positions.
//!
//! Compact JSON is expected, as the host writes it: no white space. Texts and unusual values are left to `serde_json`.

use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use super::{Delta, PathValue, Update};

/// Numbers above this are not the host's.
const MOST_HEADS: usize = 1 << 16;

/// What the host has said about numbers.
#[derive(Default)]
pub(super) struct Rows {
    deltas: Vec<Delta>,
    time: String,
}

/// `[number,"context","$source","path",isMeta]`.
type Head = (usize, String, Option<String>, String, bool);

impl Rows {
    /// Reads `[[heads],[batches]]` and hands out each row as a delta with its subscription, in order; `None` when
    /// the text is something else: then what came before it was handed out.
    pub(super) fn read(&mut self, text: &str, mut take: impl FnMut(u64, &Delta)) -> Option<()> {
        let mut reader = Reader { text, at: 0 };
        reader.expect(b'[')?;
        if text.as_bytes().get(1..3) == Some(b"[]") {
            reader.at = 3;
        } else {
            reader.json::<Vec<Head>>()?.into_iter().try_for_each(|head| self.learn(head))?;
        }
        reader.expect(b',')?;
        reader.expect(b'[')?;
        while reader.peek()? == b'[' {
            reader.at += 1;
            let subscription = reader.natural()?;
            let mut timed = false;
            while reader.peek()? == b',' {
                reader.at += 1;
                match reader.peek()? {
                    b'"' => {
                        reader.short_text(&mut self.time)?;
                        timed = true;
                    }
                    b'n' => {
                        reader.json::<()>()?;
                        timed = false;
                    }
                    _ => {
                        let number = usize::try_from(reader.natural()?).ok()?;
                        reader.expect(b',')?;
                        let delta = self.deltas.get_mut(number)?;
                        let update = delta.updates.first_mut()?;
                        stamp(&mut update.timestamp, timed.then_some(&*self.time));
                        let entry = update.values.first_mut().or(update.meta.first_mut())?;
                        reader.value(&mut entry.value)?;
                        take(subscription, delta);
                    }
                }
            }
            reader.expect(b']')?;
            if reader.peek()? == b',' {
                reader.at += 1;
            }
        }
        reader.expect(b']')?;
        reader.expect(b']')
    }

    fn learn(&mut self, (number, context, source_ref, path, is_meta): Head) -> Option<()> {
        if number >= MOST_HEADS {
            return None;
        }
        let entry = vec![PathValue { path, value: Value::Null }];
        let (values, meta) = if is_meta { (Vec::new(), entry) } else { (entry, Vec::new()) };
        let update = Update { source_ref, timestamp: None, values, meta };
        if self.deltas.len() <= number {
            self.deltas.resize_with(number + 1, Delta::default);
        }
        *self.deltas.get_mut(number)? = Delta { context: Some(context), updates: vec![update] };
        Some(())
    }
}

fn stamp(place: &mut Option<String>, time: Option<&str>) {
    match (place, time) {
        (Some(place), Some(time)) => {
            place.clear();
            place.push_str(time);
        }
        (place, time) => *place = time.map(str::to_owned),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// A number of ours: short, without sign.
    #[inline]
    fn natural(&mut self) -> Option<u64> {
        let (mut value, start) = (0_u64, self.at);
        while let Some(digit @ 0..=9) = self.peek().map(|byte| byte.wrapping_sub(b'0')) {
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            self.at += 1;
        }
        (1..=19).contains(&(self.at - start)).then_some(value)
    }

    /// Anything, by `serde_json`.
    #[inline(never)]
    fn json<T: DeserializeOwned>(&mut self) -> Option<T> {
        let rest = self.text.get(self.at..)?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<T>();
        let value = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(value)
    }

    /// A text that mostly has no escapes.
    fn short_text(&mut self, into: &mut String) -> Option<()> {
        let rest = self.text.get(self.at + 1..)?;
        let end = rest.bytes().position(|byte| byte == b'"' || byte == b'\\')?;
        if rest.as_bytes().get(end) == Some(&b'"') {
            into.clear();
            into.push_str(rest.get(..end)?);
            self.at += end + 2;
        } else {
            *into = self.json()?;
        }
        Some(())
    }

    /// A value in the place of the one before.
    fn value(&mut self, place: &mut Value) -> Option<()> {
        let start = self.at;
        let quick = match self.peek()? {
            b'{' => self.members(place),
            b'-' | b'0'..=b'9' => self.number().map(|number| *place = Value::Number(number)),
            _ => None,
        };
        if quick.is_none() {
            self.at = start;
            *place = self.json()?;
        }
        Some(())
    }

    /// An object with the members of the one before, in the same order: positions, attitudes.
    fn members(&mut self, place: &mut Value) -> Option<()> {
        let Value::Object(members) = place else { return None };
        let bytes = self.text.as_bytes();
        let mut before = b'{';
        for (key, value) in members {
            self.expect(before)?;
            self.expect(b'"')?;
            let end = self.at + key.len();
            let same = bytes.get(self.at..end)? == key.as_bytes();
            if !same || bytes.get(end..end + 2)? != b"\":" || key.contains(['"', '\\']) {
                return None;
            }
            self.at = end + 2;
            self.value(value)?;
            before = b',';
        }
        if before == b'{' {
            return None;
        }
        self.expect(b'}')
    }

    /// A number of at most 15 digits without exponent: exact, because both the digits and the power of ten are.
    #[inline]
    fn number(&mut self) -> Option<Number> {
        let bytes = self.text.as_bytes();
        let negative = self.peek()? == b'-';
        let start = self.at + usize::from(negative);
        let (mut at, mut mantissa, mut point) = (start, 0_u64, None);
        loop {
            let byte = *bytes.get(at)?;
            match byte.wrapping_sub(b'0') {
                digit @ 0..=9 => mantissa = mantissa.wrapping_mul(10).wrapping_add(digit.into()),
                _ if byte == b'.' && point.is_none() => point = Some(at),
                _ if byte == b',' || byte == b']' || byte == b'}' => break,
                _ => return None,
            }
            at += 1;
        }
        let number = match point {
            _ if at - start > 16 => return None,
            // A minus before zero makes it another kind of number.
            None if negative && mantissa == 0 => return None,
            None if negative => Number::from(0_i64.checked_sub_unsigned(mantissa)?),
            None => Number::from(mantissa),
            Some(point) => {
                let scale = POWERS.get(at - point - 1)?;
                #[allow(clippy::cast_precision_loss, reason = "at most 15 digits: below 2^53")]
                let value = mantissa as f64 / scale;
                Number::from_f64(if negative { -value } else { value })?
            }
        };
        self.at = at;
        Some(number)
    }
}

/// Powers of ten that are exact.
const POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

#[cfg(test)]
mod tests;
