//! Numbers between a canonical function and the type that a guest declared.
//!
//! Clause: plugin ABI 4.1. JavaScript hosts accept any arity and any number
//! type; existing plugins rely on it, so this host adapts instead of refusing.

use wasmi_hdk::{FuncType, Val, ValType};

/// The arguments of a host call, read as 32-bit integers.
pub(crate) struct Args<'a>(pub(crate) &'a [Val]);

impl Args<'_> {
    /// Argument `index`; a missing one is 0.
    pub(crate) fn i32(&self, index: usize) -> i32 {
        self.0.get(index).map_or(0, |value| to_i32(*value))
    }

    /// Argument `index` as a number; a missing one is not a number, as in JavaScript.
    pub(crate) fn f64(&self, index: usize) -> f64 {
        match self.0.get(index) {
            None => f64::NAN,
            Some(Val::F64(value)) => *value,
            Some(Val::F32(value)) => (*value).into(),
            Some(value) => to_i32(*value).into(),
        }
    }

    /// Argument `index` as an address, length or size.
    pub(crate) fn u32(&self, index: usize) -> u32 {
        self.i32(index).cast_unsigned()
    }
}

/// A result in the type that the guest declared: 0 where it wants one and there
/// is none, nothing where it wants none.
pub(crate) fn results(ty: &FuncType, value: i32) -> Vec<Val> {
    let zero = std::iter::repeat(0);
    ty.results.iter().zip(std::iter::once(value).chain(zero)).map(|(ty, v)| to(*ty, v)).collect()
}

/// As [`results`], of a number.
pub(crate) fn result_f64(ty: &FuncType, value: f64) -> Vec<Val> {
    let (first, rest) = match &*ty.results {
        [] => return Vec::new(),
        [first, rest @ ..] => (first, rest),
    };
    let first = match first {
        ValType::F64 => Val::F64(value),
        #[allow(clippy::cast_possible_truncation, reason = "what a JavaScript host does too")]
        ValType::F32 => Val::F32(value as f32),
        // `as` stops at the ends of the range.
        #[allow(clippy::cast_possible_truncation, reason = "whole milliseconds fit")]
        ValType::I64 => Val::I64(value as i64),
        _ => Val::I32(to_int32(value)),
    };
    std::iter::once(first).chain(rest.iter().map(|ty| to(*ty, 0))).collect()
}

/// Arguments for an export of the guest, in the types that it declares.
pub(crate) fn arguments(ty: &FuncType, values: &[i32]) -> Vec<Val> {
    let values = values.iter().copied().chain(std::iter::repeat(0));
    ty.params.iter().zip(values).map(|(ty, value)| to(*ty, value)).collect()
}

/// The first result of an export; 0 when it has none.
pub(crate) fn first(values: &[Val]) -> i32 {
    values.first().map_or(0, |value| to_i32(*value))
}

fn to(ty: ValType, value: i32) -> Val {
    match ty {
        ValType::I64 => Val::I64(value.into()),
        ValType::F64 => Val::F64(value.into()),
        #[allow(clippy::cast_precision_loss, reason = "what a JavaScript host does too")]
        ValType::F32 => Val::F32(value as f32),
        _ => Val::I32(value),
    }
}

fn to_i32(value: Val) -> i32 {
    match value {
        Val::I32(value) => value,
        Val::I64(value) => wrap(value),
        Val::F32(value) => to_int32(value.into()),
        Val::F64(value) => to_int32(value),
    }
}

/// The low 32 bits.
fn wrap(value: i64) -> i32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

/// ECMAScript `ToInt32`: toward zero, modulo 2^32, NaN and infinities are 0.
pub(crate) fn to_int32(value: f64) -> i32 {
    if !value.is_finite() {
        return 0;
    }
    let modulo = value.trunc().rem_euclid(4_294_967_296.0);
    #[allow(clippy::cast_possible_truncation, reason = "0 <= modulo < 2^32")]
    wrap(modulo as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ty(params: &[ValType], results: &[ValType]) -> FuncType {
        FuncType { params: params.into(), results: results.into() }
    }

    #[test]
    fn numbers_wrap_as_in_javascript() {
        for (value, expected) in [
            (Val::I64(0x1_0000_0005), 5),
            (Val::I64(-1), -1),
            (Val::F64(3.9), 3),
            (Val::F64(-3.9), -3),
            (Val::F64(f64::NAN), 0),
            (Val::F64(f64::INFINITY), 0),
            (Val::F64(4_294_967_297.0), 1),
            (Val::F64(2_147_483_648.0), i32::MIN),
            (Val::F32(-1.5), -1),
        ] {
            assert_eq!(Args(&[value]).i32(0), expected, "{value:?}");
        }
        assert_eq!(Args(&[]).i32(3), 0);
    }

    #[test]
    fn results_follow_the_declared_type() {
        assert_eq!(results(&ty(&[], &[]), 7), []);
        assert_eq!(results(&ty(&[], &[ValType::I32]), 7), [Val::I32(7)]);
        assert_eq!(results(&ty(&[], &[ValType::I64]), -1), [Val::I64(-1)]);
        assert_eq!(results(&ty(&[], &[ValType::F64]), 7), [Val::F64(7.0)]);
    }

    #[test]
    fn arguments_fill_up_with_zero_and_leave_out_what_is_not_wanted() {
        assert_eq!(arguments(&ty(&[ValType::I64], &[]), &[-2, 3]), [Val::I64(-2)]);
        let two = ty(&[ValType::I32, ValType::I32], &[]);
        assert_eq!(arguments(&two, &[5]), [Val::I32(5), Val::I32(0)]);
    }
}
