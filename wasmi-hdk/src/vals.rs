//! A list of numbers that is nearly always short: arguments and results of a call.
//!
//! Up to four are kept in place, so that a call allocates nothing.

use std::fmt;
use std::ops::Deref;

use crate::val::Val;

/// Numbers in order. Reads as a slice.
///
/// ```
/// use wasmi_hdk::{Val, Vals};
/// let vals: Vals = [Val::I32(1), Val::I64(2)].into_iter().collect();
/// assert_eq!(vals.first(), Some(&Val::I32(1)));
/// assert_eq!(vals, [Val::I32(1), Val::I64(2)]);
/// ```
#[derive(Clone)]
pub struct Vals(Kept);

#[derive(Clone)]
enum Kept {
    Few { vals: [Val; FEW], len: u8 },
    Many(Vec<Val>),
}

const FEW: usize = 4;

impl Vals {
    /// None at all.
    pub const NONE: Self = Self(Kept::Few { vals: [Val::I32(0); FEW], len: 0 });

    /// One.
    pub fn one(val: impl Into<Val>) -> Self {
        let mut vals = [Val::I32(0); FEW];
        vals[0] = val.into();
        Self(Kept::Few { vals, len: 1 })
    }

    fn push(&mut self, val: Val) {
        match &mut self.0 {
            Kept::Few { vals, len } => match vals.get_mut(usize::from(*len)) {
                Some(free) => {
                    *free = val;
                    *len += 1;
                }
                None => {
                    let mut many = vals.to_vec();
                    many.push(val);
                    self.0 = Kept::Many(many);
                }
            },
            Kept::Many(vals) => vals.push(val),
        }
    }
}

impl Deref for Vals {
    type Target = [Val];

    fn deref(&self) -> &[Val] {
        match &self.0 {
            Kept::Few { vals, len } => vals.get(..usize::from(*len)).unwrap_or(&[]),
            Kept::Many(vals) => vals,
        }
    }
}

impl FromIterator<Val> for Vals {
    fn from_iter<I: IntoIterator<Item = Val>>(vals: I) -> Self {
        let mut all = Self::NONE;
        vals.into_iter().for_each(|val| all.push(val));
        all
    }
}

impl From<&[Val]> for Vals {
    fn from(vals: &[Val]) -> Self {
        vals.iter().copied().collect()
    }
}

impl<T: AsRef<[Val]>> PartialEq<T> for Vals {
    fn eq(&self, other: &T) -> bool {
        **self == *other.as_ref()
    }
}

impl AsRef<[Val]> for Vals {
    fn as_ref(&self) -> &[Val] {
        self
    }
}

impl fmt::Debug for Vals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_the_same_whether_it_is_short_or_long() {
        for len in 0..20 {
            let plain: Vec<Val> = (0..len).map(Val::I32).collect();
            let vals: Vals = plain.iter().copied().collect();
            assert_eq!(vals, plain);
            assert_eq!(vals.clone(), Vals::from(&*plain));
        }
        assert_eq!(Vals::one(3_i64), [Val::I64(3)]);
        assert_eq!(Vals::NONE, []);
    }
}
