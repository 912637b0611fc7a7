//! When each line of a log is due. A log with times keeps them; one without is a series of bursts, one a second.
//!
//! Understood are `MILLISECONDS;TAG;SENTENCE` (signalk-server's multiplexed logs) and NMEA 0183 tag blocks with a time,
//! `\c:1577836800*hh\SENTENCE`.

use std::time::Duration;

/// A pause in a log is not slept through for longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

const BURST: Duration = Duration::from_secs(1);

/// Reads the lines of one log in order.
#[derive(Debug, Default)]
pub(super) struct Pacer {
    due: Duration,
    /// Of the last line that had one, in milliseconds.
    stamp: Option<u64>,
    /// The sentence that begins each burst: `$IIVHW`.
    first: Option<Vec<u8>>,
}

impl Pacer {
    /// When this line is due, counted from the first one, and what of it is to be sent.
    pub(super) fn line<'a>(&mut self, line: &'a [u8]) -> (Duration, &'a [u8]) {
        if let Some((stamp, sentence)) = stamped(line) {
            let pause = self.stamp.map_or(0, |last| stamp.saturating_sub(last));
            self.stamp = Some(stamp);
            self.due += Duration::from_millis(pause).min(LONGEST_PAUSE);
            return (self.due, sentence);
        }
        if self.stamp.is_none() && self.begins_burst(line) {
            self.due += BURST;
        }
        (self.due, line)
    }

    /// True when the sentence that the log began with comes round again.
    fn begins_burst(&mut self, line: &[u8]) -> bool {
        let comma = line.iter().position(|byte| *byte == b',');
        let Some(name) =
            comma.and_then(|comma| line.get(..comma)).filter(|name| name.starts_with(b"$"))
        else {
            // AIS comes when it comes.
            return false;
        };
        match &self.first {
            Some(first) => first == name,
            None => {
                self.first = Some(name.to_vec());
                false
            }
        }
    }
}

/// Its time in milliseconds, and the rest.
fn stamped(line: &[u8]) -> Option<(u64, &[u8])> {
    if line.starts_with(b"\\") {
        let end = line.iter().skip(1).position(|byte| *byte == b'\\')? + 1;
        let block = std::str::from_utf8(line.get(1..end)?).ok()?;
        let fields = block.split_once('*').map_or(block, |(fields, _)| fields);
        let time: u64 =
            fields.split(',').find_map(|field| field.strip_prefix("c:"))?.parse().ok()?;
        // Seconds, or milliseconds: both are in use.
        let stamp = if time < 100_000_000_000 { time * 1000 } else { time };
        return Some((stamp, line.get(end + 1..)?));
    }
    let mut parts = line.splitn(3, |byte| *byte == b';');
    let (time, _tag, sentence) = (parts.next()?, parts.next()?, parts.next()?);
    let stamp = std::str::from_utf8(time).ok()?.trim().parse().ok()?;
    Some((stamp, sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(lines: &[&str]) -> Vec<f64> {
        let mut pacer = Pacer::default();
        lines.iter().map(|line| pacer.line(line.as_bytes()).0.as_secs_f64()).collect()
    }

    #[test]
    fn a_log_without_times_is_one_burst_a_second() {
        let lines = [
            "!AIVDM,1", "$IIVHW,1", "$IIHDT,1", "$IIHDT,2", "!AIVDM,2", "$IIVHW,2", "$IIHDT,3",
            "$IIVHW,3",
        ];
        assert_eq!(seconds(&lines), [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0]);
    }

    #[test]
    fn a_log_with_times_keeps_them_but_for_long_pauses_and_steps_back() {
        let lines = ["1000;N;$A,1", "1250;N;$A,1", "1250;N;$B,1", "1000;N;$A,2", "9000000;N;$A,3"];
        assert_eq!(seconds(&lines), [0.0, 0.25, 0.25, 0.25, 10.25]);
        assert_eq!(Pacer::default().line(b"1000;N;$A;1").1, b"$A;1");
    }

    #[test]
    fn a_tag_block_is_a_time() {
        let lines =
            ["\\s:x,c:1577836800*00\\$A,1", "\\c:1577836802*00\\$A,1", "\\c:1577836802500*00\\!B"];
        assert_eq!(seconds(&lines), [0.0, 2.0, 2.5]);
        assert_eq!(Pacer::default().line(lines[0].as_bytes()).1, b"$A,1");
    }
}
