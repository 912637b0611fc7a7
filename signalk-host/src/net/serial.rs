//! NMEA 0183 from a serial line: 8 data bits, no parity, one stop bit, no flow control, as the standard says.

use bytes::BytesMut;
use signalk_core::ConnectionEvent;
use tokio::io::AsyncReadExt;
use tokio_serial::SerialPortBuilderExt;

use super::{PIECE, Way, failed};

pub(super) async fn read(way: &Way, device: &str, baud: u32) -> ConnectionEvent {
    let name = format!("serial:{device}");
    let mut port = match tokio_serial::new(device, baud).open_native_async() {
        Ok(port) => port,
        Err(error) => return failed(&name, &error.into()),
    };
    way.event(ConnectionEvent::Opened).await;
    let mut buffer = BytesMut::with_capacity(PIECE);
    loop {
        buffer.reserve(PIECE);
        match port.read_buf(&mut buffer).await {
            Ok(0) => return ConnectionEvent::Closed { reason: format!("{name}: unplugged") },
            Ok(_) => way.bytes(buffer.split().freeze()).await,
            Err(error) => return failed(&name, &error),
        }
    }
}
