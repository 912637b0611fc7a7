//! How is what came kept until the guest reads it? Lines by their ends and within bounds, bytes as they came.

use bytes::BytesMut;

use super::{LONGEST_LINE, MOST, Tcp};

impl Tcp {
    /// Ends are `\n` and `\r\n`; empty lines are dropped.
    pub(super) fn split(&mut self, data: &[u8]) {
        for part in data.split_inclusive(|byte| *byte == b'\n') {
            let (body, ended) = match part.strip_suffix(b"\n") {
                Some(body) => (body, true),
                None => (part, false),
            };
            let mut body = body;
            while self.partial.len() + body.len() > LONGEST_LINE {
                let (head, rest) = body.split_at(LONGEST_LINE - self.partial.len());
                self.partial.extend_from_slice(head);
                let line = std::mem::take(&mut self.partial);
                self.keep_line(line);
                body = rest;
            }
            self.partial.extend_from_slice(body);
            if ended {
                let line = std::mem::take(&mut self.partial);
                self.push(line);
            }
        }
    }

    pub(super) fn push(&mut self, mut line: Vec<u8>) {
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if !line.is_empty() {
            self.keep_line(line);
        }
    }

    pub(super) fn keep_line(&mut self, line: Vec<u8>) {
        self.line_bytes += line.len();
        self.lines.push_back(line);
    }

    /// A piece as it came; when there are many, the last one becomes longer.
    pub(super) fn keep_raw(&mut self, data: &[u8]) {
        self.raw_bytes += data.len();
        let is_full = self.raw.len() >= MOST;
        match self.raw.back_mut().filter(|_| is_full) {
            Some(last) => last.extend_from_slice(data),
            None => self.raw.push_back(BytesMut::from(data)),
        }
    }

    /// Drops the oldest lines over the bounds; how many.
    pub(in crate::net) fn cut_to(&mut self, bytes: usize) -> u64 {
        let mut lost = 0;
        while self.lines.len() > MOST || self.line_bytes > bytes {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.line_bytes -= oldest.len();
            lost += 1;
        }
        lost
    }
}
