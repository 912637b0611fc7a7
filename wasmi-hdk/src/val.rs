//! Values and types that cross between host and guest: numbers only.

use std::fmt;

/// A number that a guest passes or gets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Val {
    /// 32-bit integer; addresses are these.
    I32(i32),
    /// 64-bit integer.
    I64(i64),
    /// 32-bit float.
    F32(f32),
    /// 64-bit float.
    F64(f64),
}

/// The type of a [`Val`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// A reference or a vector: never offered by the host, named only in errors.
    Other,
}

/// Parameters and results of a function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FuncType {
    /// Types of the parameters in order.
    pub params: Box<[ValType]>,
    /// Types of the results in order.
    pub results: Box<[ValType]>,
}

impl Val {
    /// The value's type.
    pub fn ty(self) -> ValType {
        match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
        }
    }

    /// The number as the guest's 32-bit integer, if it is one.
    pub fn i32(self) -> Option<i32> {
        if let Val::I32(v) = self { Some(v) } else { None }
    }

    /// The number as an unsigned 32-bit integer (an address, a length), if it is one.
    pub fn u32(self) -> Option<u32> {
        self.i32().map(i32::cast_unsigned)
    }

    /// The number as the guest's 64-bit integer, if it is one.
    pub fn i64(self) -> Option<i64> {
        if let Val::I64(v) = self { Some(v) } else { None }
    }

    /// The number as an unsigned 64-bit integer, if it is one.
    pub fn u64(self) -> Option<u64> {
        self.i64().map(i64::cast_unsigned)
    }

    /// The number as a 64-bit float, if it is one.
    pub fn f64(self) -> Option<f64> {
        if let Val::F64(v) = self { Some(v) } else { None }
    }
}

impl From<i32> for Val {
    fn from(v: i32) -> Self {
        Val::I32(v)
    }
}
impl From<u32> for Val {
    fn from(v: u32) -> Self {
        Val::I32(v.cast_signed())
    }
}
impl From<i64> for Val {
    fn from(v: i64) -> Self {
        Val::I64(v)
    }
}
impl From<u64> for Val {
    fn from(v: u64) -> Self {
        Val::I64(v.cast_signed())
    }
}
impl From<f64> for Val {
    fn from(v: f64) -> Self {
        Val::F64(v)
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValType::I32 => "i32",
            ValType::I64 => "i64",
            ValType::F32 => "f32",
            ValType::F64 => "f64",
            ValType::Other => "ref",
        })
    }
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, types: &[ValType]| {
            f.write_str("(")?;
            for (i, ty) in types.iter().enumerate() {
                if i > 0 {
                    f.write_str(", ")?;
                }
                ty.fmt(f)?;
            }
            f.write_str(")")
        };
        list(f, &self.params)?;
        f.write_str(" -> ")?;
        list(f, &self.results)
    }
}
