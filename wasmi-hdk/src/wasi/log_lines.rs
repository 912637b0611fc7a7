//! Standard error as lines with levels: split, bounded per line and per second.
//!
//! A guest may write gigabytes here; what is kept is bounded by lines per second
//! times bytes per line, and what is dropped is counted and said.

use std::time::Duration;

use crate::log::{Level, LogLine};

/// Bytes kept of a panic message.
const MAX_PANIC: usize = 4 << 10;
/// Lines of a panic message after its first. Rust's own have up to three (`left`, `right`).
const PANIC_LINES: u32 = 8;
/// The limit counts lines in windows of this length.
const WINDOW: Duration = Duration::from_secs(1);

/// The splitter of one guest.
#[derive(Debug)]
pub(super) struct LogLines {
    level: Level,
    lines: Vec<LogLine>,
    half: Vec<u8>,
    /// Bytes of the half line beyond the limit.
    cut: u64,
    max_line: usize,
    max_per_second: u32,
    window_start: Duration,
    window_lines: u32,
    window_dropped: u64,
    dropped: u64,
    panic: Option<String>,
    /// Lines that still belong to a panic message; 0 outside of one.
    panic_lines: u32,
}

impl LogLines {
    pub(super) fn new(max_per_second: u32, max_line: usize) -> Self {
        Self {
            level: Level::Info,
            lines: Vec::new(),
            half: Vec::new(),
            cut: 0,
            max_line,
            max_per_second,
            window_start: Duration::ZERO,
            window_lines: 0,
            window_dropped: 0,
            dropped: 0,
            panic: None,
            panic_lines: 0,
        }
    }

    pub(super) fn set_level(&mut self, level: Level) {
        self.level = level;
    }

    pub(super) fn write(&mut self, bytes: &[u8], now: Duration) {
        if now.saturating_sub(self.window_start) >= WINDOW {
            self.report_dropped();
            self.window_start = now;
            self.window_lines = 0;
        }
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            self.extend(line);
            self.end_line();
            rest = after.get(1..).unwrap_or_default();
        }
        self.extend(rest);
    }

    pub(super) fn take(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.lines)
    }

    pub(super) fn finish(&mut self) {
        if !self.half.is_empty() {
            self.end_line();
        }
        self.report_dropped();
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The guest went on after what looked like a panic.
    pub(super) fn forget_panic(&mut self) {
        self.panic = None;
        self.panic_lines = 0;
    }

    pub(super) fn panic_text(&self) -> Option<String> {
        self.panic.clone()
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = self.max_line.saturating_sub(self.half.len());
        let (kept, over) = bytes.split_at(room.min(bytes.len()));
        self.half.extend_from_slice(kept);
        self.cut = self.cut.saturating_add(u64::try_from(over.len()).unwrap_or(u64::MAX));
    }

    fn end_line(&mut self) {
        let bytes = std::mem::take(&mut self.half);
        let cut = std::mem::take(&mut self.cut);
        let starts_panic = starts_panic(&bytes);
        let keep = self.window_lines < self.max_per_second;
        if !keep && !starts_panic && self.panic_lines == 0 {
            self.drop_line();
            self.reuse(bytes);
            return;
        }
        let text = printable(&bytes);
        let (level, text) = parse_level(&text);
        let level = self.note_panic(starts_panic, level, text).or(level).unwrap_or(self.level);
        if !keep {
            self.drop_line();
        } else if !text.is_empty() {
            self.window_lines += 1;
            let mut text = text.to_owned();
            if cut > 0 {
                text.push_str(&format!("… ({cut} bytes cut)"));
            }
            self.lines.push(LogLine { level, text });
        }
        self.reuse(bytes);
    }

    /// Keeps the room of the last line for the next one.
    fn reuse(&mut self, mut bytes: Vec<u8>) {
        bytes.clear();
        self.half = bytes;
    }

    /// Follows a panic message over its lines, which are errors.
    fn note_panic(&mut self, starts: bool, own: Option<Level>, text: &str) -> Option<Level> {
        if starts {
            self.panic_lines = PANIC_LINES;
            self.panic = Some(text.to_owned());
            return Some(Level::Error);
        }
        // Rust's hint on backtraces ends the message; so does an empty line (Go), or one that
        // somebody logged.
        if own.is_some() || text.is_empty() || text.starts_with("note: ") {
            self.panic_lines = 0;
        }
        let panic = self.panic.as_mut().filter(|_| self.panic_lines > 0)?;
        self.panic_lines -= 1;
        if panic.len() + text.len() < MAX_PANIC {
            let separator = if panic.ends_with(':') { " " } else { "\n" };
            panic.push_str(separator);
            panic.push_str(text);
        }
        Some(Level::Error)
    }

    fn drop_line(&mut self) {
        if self.window_dropped == 0 {
            let text = format!(
                "more than {} log lines in a second: the rest of this second is dropped",
                self.max_per_second
            );
            self.lines.push(LogLine { level: Level::Warn, text });
        }
        self.window_dropped += 1;
        self.dropped += 1;
    }

    fn report_dropped(&mut self) {
        let dropped = std::mem::take(&mut self.window_dropped);
        if dropped > 0 {
            let text = format!(
                "{dropped} log lines dropped (the limit is {} in a second, {} dropped in all)",
                self.max_per_second, self.dropped
            );
            self.lines.push(LogLine { level: Level::Warn, text });
        }
    }
}

/// Text that no terminal takes for a command: control characters are shown, not sent.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches('\r');
    if !text.contains(|c: char| c.is_control() && c != '\t') {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len() + 8), |mut shown, c| {
        if c.is_control() && c != '\t' {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
        shown
    })
}

/// The level at the start of a line: `[info] text`, or `INFO text` as `tracing` prints it.
fn parse_level(line: &str) -> (Option<Level>, &str) {
    let text = line.trim_start();
    let bracket = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let found = match bracket {
        Some((name, rest)) => level_name(name.trim()).map(|level| (level, rest)),
        None => text
            .split_once(' ')
            .filter(|(word, _)| word.bytes().all(|byte| byte.is_ascii_uppercase()))
            .and_then(|(word, rest)| level_name(word).map(|level| (level, rest))),
    };
    match found {
        Some((level, rest)) => (Some(level), rest.trim_start()),
        None => (None, line),
    }
}

fn level_name(name: &str) -> Option<Level> {
    let names = [
        ("trace", Level::Trace),
        ("debug", Level::Debug),
        ("info", Level::Info),
        ("warn", Level::Warn),
        ("warning", Level::Warn),
        ("error", Level::Error),
    ];
    names.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, level)| level)
}

/// As std says it, as Go says it, as wasmi-pdk says it. A line of a lower level speaks of another's.
fn starts_panic(line: &[u8]) -> bool {
    let says = find(line, b"panicked at ")
        || line.starts_with(b"panic: ")
        || line.starts_with(b"[error] panic: ");
    let (level, _) = match std::str::from_utf8(line) {
        Ok(line) if says => parse_level(line),
        _ => return says,
    };
    says && level.is_none_or(|level| level == Level::Error)
}

fn find(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(input: &[&str]) -> Vec<String> {
        let mut log = LogLines::new(3, 12);
        for part in input {
            log.write(part.as_bytes(), Duration::ZERO);
        }
        log.finish();
        log.take().into_iter().map(|line| format!("{}: {}", line.level, line.text)).collect()
    }

    #[test]
    fn a_line_may_come_in_any_pieces() {
        assert_eq!(split(&["[in", "fo] a\n[WARN] b", "\r\nc"]), ["info: a", "warn: b", "info: c"]);
    }

    #[test]
    fn levels_of_tracing_are_known_and_other_brackets_are_text() {
        assert_eq!(
            split(&["DEBUG a\n[x] b\nError c"]),
            ["debug: a", "info: [x] b", "info: Error c"]
        );
    }

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        assert_eq!(split(&["123456789", "0123456789\n"]), ["info: 123456789012… (7 bytes cut)"]);
    }

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(split(&["\x1b[2J\x07\n"]), ["info: \\u{1b}[2J\\u{7}"]);
    }

    #[test]
    fn lines_over_the_limit_are_counted_and_a_new_second_begins_anew() {
        let mut log = LogLines::new(2, 100);
        log.write(b"1\n2\n3\n4\n", Duration::from_millis(100));
        log.write(b"5\n", Duration::from_millis(1200));
        let texts: Vec<_> = log.take().into_iter().map(|line| line.text).collect();
        assert_eq!(
            texts,
            [
                "1",
                "2",
                "more than 2 log lines in a second: the rest of this second is dropped",
                "2 log lines dropped (the limit is 2 in a second, 2 dropped in all)",
                "5"
            ]
        );
        assert_eq!(log.dropped(), 2);
    }

    #[test]
    fn a_line_that_speaks_of_a_panic_is_none() {
        let mut log = LogLines::new(100, 100);
        log.write(b"[info] the crew panicked at dusk\n[info] calm\n", Duration::ZERO);
        assert_eq!(log.panic_text(), None);
        log.write(b"the crew panicked at dusk\n[info] calm\nsea\n", Duration::ZERO);
        assert_eq!(log.panic_text().as_deref(), Some("the crew panicked at dusk"));
        let lines = |log: &mut LogLines| {
            let lines = log.take().into_iter().map(|line| line.level.to_string());
            lines.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(lines(&mut log), "info info error info info");
        log.write("it panicked at noon\n".as_bytes(), Duration::ZERO);
        log.write(&b"and so on\n".repeat(10), Duration::ZERO);
        assert_eq!(lines(&mut log), format!("{}info info", "error ".repeat(9)));
        log.forget_panic();
        assert_eq!(log.panic_text(), None);
    }

    #[test]
    fn a_panic_is_found_even_among_dropped_lines() {
        let mut log = LogLines::new(0, 100);
        log.write(
            b"x\nthread 'main' (1) panicked at src/main.rs:2:5:\nno wind\nnote: run with\n",
            Duration::ZERO,
        );
        assert_eq!(
            log.panic_text().as_deref(),
            Some("thread 'main' (1) panicked at src/main.rs:2:5: no wind")
        );
    }
}
