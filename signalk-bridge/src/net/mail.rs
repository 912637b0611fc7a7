//! Reports that wait while the guest is away on a run.
//!
//! TCP is bounded by the edge's window, who comes to listeners by the room there,
//! HTTP by the requests; only datagrams come unasked. They have the bounds of a socket's queue and of all queues: the
//! oldest go, counted.

use std::collections::{BTreeMap, VecDeque};

use super::MOST_QUEUED;
use super::udp::{MOST, MOST_BYTES};
use crate::effect::{Report, SocketId};

/// Reports in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    reports: VecDeque<Report>,
    /// Datagrams and bytes by socket.
    waiting: BTreeMap<SocketId, (usize, usize)>,
    /// Bytes of all datagrams.
    bytes: usize,
}

impl Mail {
    pub(crate) fn push(&mut self, report: Report) {
        let Report::Datagrams { socket, datagrams, .. } = &report else {
            return self.reports.push_back(report);
        };
        let id = *socket;
        let (count, bytes) = self.waiting.entry(id).or_default();
        let more = datagrams.iter().map(|datagram| datagram.data.len()).sum::<usize>();
        *count += datagrams.len();
        *bytes += more;
        self.bytes += more;
        let is_over = *count > MOST || *bytes > MOST_BYTES || self.bytes > MOST_QUEUED;
        self.reports.push_back(report);
        if is_over {
            self.drop_oldest(id);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Report> {
        let report = self.reports.pop_front()?;
        if self.reports.is_empty() {
            self.waiting.clear();
            self.bytes = 0;
        } else if let Report::Datagrams { socket, datagrams, .. } = &report
            && let Some((count, bytes)) = self.waiting.get_mut(socket)
        {
            let less = datagrams.iter().map(|datagram| datagram.data.len()).sum::<usize>();
            *count -= datagrams.len();
            *bytes -= less;
            self.bytes -= less;
        }
        Some(report)
    }

    fn drop_oldest(&mut self, id: SocketId) {
        let Some((count, bytes)) = self.waiting.get_mut(&id) else { return };
        for report in &mut self.reports {
            let Report::Datagrams { socket, datagrams, dropped } = report else { continue };
            if *socket != id {
                continue;
            }
            let mut go = 0;
            for datagram in datagrams.iter() {
                if *count <= MOST && *bytes <= MOST_BYTES && self.bytes <= MOST_QUEUED {
                    break;
                }
                let len = datagram.data.len();
                (*count, *bytes, self.bytes) = (*count - 1, *bytes - len, self.bytes - len);
                go += 1;
            }
            datagrams.drain(..go);
            *dropped += u64::try_from(go).unwrap_or(u64::MAX);
        }
        // What is left of them is only a number: the first one carries all.
        let mut lost = 0;
        self.reports.retain_mut(|report| match report {
            Report::Datagrams { socket, datagrams, dropped } if *socket == id => {
                lost += std::mem::take(dropped);
                !datagrams.is_empty()
            }
            _ => true,
        });
        let left = self.reports.iter_mut().find_map(|report| match report {
            Report::Datagrams { socket, dropped, .. } if *socket == id => Some(dropped),
            _ => None,
        });
        match left {
            Some(dropped) => *dropped = lost,
            None if lost > 0 => {
                let datagrams = Vec::new();
                self.reports.push_back(Report::Datagrams { socket: id, datagrams, dropped: lost });
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::Datagram;
    use bytes::Bytes;

    fn report(socket: u32, numbers: std::ops::Range<u32>) -> Report {
        let one = |number: u32| Datagram {
            from: "10.0.0.1:1".parse().unwrap(),
            data: Bytes::copy_from_slice(&number.to_le_bytes()),
        };
        let datagrams = numbers.map(one).collect();
        Report::Datagrams { socket: SocketId(socket), datagrams, dropped: 0 }
    }

    #[test]
    fn all_sockets_together_have_a_bound() {
        let mut mail = Mail::default();
        let data = Bytes::from(vec![0; 60_000]);
        let mut all = 0;
        for socket in 0..64 {
            let one = || Datagram { from: "10.0.0.1:1".parse().unwrap(), data: data.clone() };
            let datagrams: Vec<Datagram> = (0..130).map(|_| one()).collect();
            all += u64::try_from(datagrams.len()).unwrap();
            mail.push(Report::Datagrams { socket: SocketId(socket), datagrams, dropped: 0 });
        }
        let (mut bytes, mut kept, mut lost) = (0, 0, 0);
        while let Some(report) = mail.pop() {
            let Report::Datagrams { datagrams, dropped, .. } = report else { break };
            bytes += datagrams.iter().map(|datagram| datagram.data.len()).sum::<usize>();
            kept += u64::try_from(datagrams.len()).unwrap();
            lost += dropped;
        }
        assert!(bytes <= 64 << 20, "{bytes}");
        assert_eq!(kept + lost, all);
    }

    #[test]
    fn the_oldest_datagrams_of_a_socket_go_and_no_others() {
        let mut mail = Mail::default();
        mail.push(report(2, 0..10));
        for batch in 0..20 {
            mail.push(report(1, batch * 100..batch * 100 + 100));
        }
        mail.push(Report::SocketTrouble { socket: SocketId(1), unsent: 0, text: "x".into() });
        assert_eq!(mail.pop(), Some(report(2, 0..10)));
        let mut got = 0;
        let mut lost = 0;
        while let Some(report) = mail.pop() {
            let Report::Datagrams { datagrams, dropped, .. } = report else { break };
            got += datagrams.len();
            lost += dropped;
        }
        assert_eq!((got, lost), (1000, 1000));
        assert!(mail.pop().is_none() && mail.waiting.is_empty());
    }
}
