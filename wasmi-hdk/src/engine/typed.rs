//! Which host functions have a short way in?
//!
//! A function that wasmi knows the types of takes its arguments from the guest's stack; one
//! that it does not know gets them in a vector, made for every call. Here are the shapes of
//! the WASI calls that plugins make all the time, and of the common `env.sk_*`. Any other
//! shape works too, the longer way.

use wasmi::ValType::{I32, I64};

use super::guest::Data;
use super::link::{Caller, Way};
use crate::val::Val;

macro_rules! number {
    (I32) => {
        i32
    };
    (I64) => {
        i64
    };
}

// The types were compared before: there is one result, of this type, or none.
macro_rules! result {
    ($answer:ident) => {{
        let _ = $answer;
        Ok::<(), wasmi::Error>(())
    }};
    ($answer:ident $result:ident) => {
        match $answer.first() {
            Some(Val::$result(value)) => Ok::<_, wasmi::Error>(*value),
            _ => Ok(0),
        }
    };
}

macro_rules! shapes {
    ($($($arg:ident: $ty:ident),* => $($result:ident)?;)*) => {
        /// The function, or the way back when its shape is none of these.
        pub(super) fn function(
            store: &mut wasmi::Store<Data>,
            ty: &wasmi::FuncType,
            way: Way,
        ) -> Result<wasmi::Func, Way> {
            Ok(match (ty.params(), ty.results()) {
                $(([$($ty),*], [$($result)?]) => wasmi::Func::wrap(
                    store,
                    move |caller: Caller<'_>, $($arg: number!($ty)),*| {
                        let answer = way.call(caller, &[$(Val::$ty($arg)),*])?;
                        result!(answer $($result)?)
                    },
                ),)*
                _ => return Err(way),
            })
        }
    };
}

shapes! {
    => ;
    => I32;
    a: I32 => ;
    a: I32 => I32;
    a: I32, b: I32 => ;
    a: I32, b: I32 => I32;
    a: I32, b: I32, c: I32 => I32;
    // `fd_read`, `fd_write`, `poll_oneoff`
    a: I32, b: I32, c: I32, d: I32 => I32;
    a: I32, b: I32, c: I32, d: I32, e: I32 => I32;
    a: I32, b: I32, c: I32, d: I32, e: I32, f: I32 => I32;
    // `clock_time_get`
    a: I32, b: I64, c: I32 => I32;
}
