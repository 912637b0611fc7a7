//! Standard input and output as the connection: the guest's edge. Whether a read may wait is not
//! decided here: a host that runs a reactor answers "try again" (EAGAIN) when there is no input.

use std::io::ErrorKind;

use crate::runtime::{Connection, Read};

/// Standard input and output.
pub(crate) struct Stdio {
    /// How many reads may follow: for a reactor any number; for a command one, when there is input
    /// or nothing else to do but wait.
    pub(crate) reads: u32,
}

impl Connection for Stdio {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> Read {
        match self.reads.checked_sub(1) {
            Some(left) => {
                self.reads = left;
                read_stdin(buffer)
            }
            None => Read::Empty,
        }
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        write_stdout(bytes);
    }
}

#[inline]
fn read_stdin(buffer: &mut [u8]) -> Read {
    match read(buffer) {
        Ok(0) => Read::End,
        Ok(count) => Read::Bytes(count),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Read::Empty
        }
        Err(error) => {
            log::error!("stdin: {error}");
            Read::End
        }
    }
}

#[inline]
fn write_stdout(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match write(bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                log::error!("stdout: {error}");
                return;
            }
        }
    }
}

// The locks and buffers of the standard library cost a guest as much as a whole JSON-RPC message.
#[cfg(target_os = "wasi")]
use crate::exports::{read_stdin as read, write_stdout as write};

#[cfg(not(target_os = "wasi"))]
fn read(buffer: &mut [u8]) -> std::io::Result<usize> {
    std::io::Read::read(&mut std::io::stdin().lock(), buffer)
}

#[cfg(not(target_os = "wasi"))]
fn write(bytes: &[u8]) -> std::io::Result<usize> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    let count = out.write(bytes)?;
    out.flush()?;
    Ok(count)
}
