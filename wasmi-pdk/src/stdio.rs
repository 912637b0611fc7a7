//! Standard input and output as the connection: the guest's edge. Whether a read may wait is not
//! decided here: a host that runs a reactor answers "try again" (EAGAIN) when there is no input.

use std::io::{ErrorKind, Read as _, Write as _, stdin, stdout};

use crate::runtime::{Connection, Read};

/// Reads whatever the host has, as often as asked.
pub(crate) struct Polled;

impl Connection for Polled {
    fn read(&mut self, buffer: &mut [u8]) -> Read {
        read_stdin(buffer)
    }

    fn write(&mut self, bytes: &[u8]) {
        write_stdout(bytes);
    }
}

/// Reads once when it is known that there is input, or when there is nothing else to do but wait.
#[derive(Default)]
pub(crate) struct Waiting {
    pub(crate) may_read: bool,
}

impl Connection for Waiting {
    fn read(&mut self, buffer: &mut [u8]) -> Read {
        if std::mem::take(&mut self.may_read) { read_stdin(buffer) } else { Read::Empty }
    }

    fn write(&mut self, bytes: &[u8]) {
        write_stdout(bytes);
    }
}

fn read_stdin(buffer: &mut [u8]) -> Read {
    match stdin().lock().read(buffer) {
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

fn write_stdout(bytes: &[u8]) {
    let mut out = stdout().lock();
    if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
        log::error!("stdout: {error}");
    }
}
