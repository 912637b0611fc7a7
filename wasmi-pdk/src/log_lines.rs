//! Log records and panics as lines on stderr: `[level] target: text`. One record is one line, so
//! that the host can tell them apart; line breaks inside are written as `\n`.

use std::fmt::{Arguments, Write as _};
use std::io::Write as _;
use std::sync::Once;

/// Installs the logger and the panic hook; once is enough.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // A plugin that brings its own logger keeps it.
        if log::set_logger(&Lines).is_ok() {
            log::set_max_level(log::LevelFilter::Info);
        }
        #[cfg(feature = "tracing")]
        spans::install();
        // Natively this would change how every test panics.
        if cfg!(target_arch = "wasm32") {
            std::panic::set_hook(Box::new(|info| {
                let text = info.payload_as_str().unwrap_or("(no message)");
                match info.location() {
                    Some(at) => write_line("error", "panic", format_args!("{text} ({at})")),
                    None => write_line("error", "panic", format_args!("{text}")),
                }
            }));
        }
    });
}

struct Lines;

impl log::Log for Lines {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            write_line(level_name(record.level()), record.target(), *record.args());
        }
    }

    fn flush(&self) {}
}

fn level_name(level: log::Level) -> &'static str {
    match level {
        log::Level::Error => "error",
        log::Level::Warn => "warn",
        log::Level::Info => "info",
        log::Level::Debug => "debug",
        log::Level::Trace => "trace",
    }
}

/// Writes a line in one go: the host takes each write as it comes.
fn write_line(level: &str, target: &str, text: Arguments<'_>) {
    // Nobody can be told when stderr fails.
    let _ = std::io::stderr().write_all(format_line(level, target, text).as_bytes());
}

fn format_line(level: &str, target: &str, text: Arguments<'_>) -> String {
    let mut line = String::new();
    let _ = write!(line, "[{level}] {target}: {text}");
    if line.contains(['\n', '\r']) {
        line = line.trim_end().replace('\r', "").replace('\n', "\\n");
    }
    line.push('\n');
    line
}

#[cfg(feature = "tracing")]
mod spans {
    //! The same lines for events of `tracing`. Spans are accepted and not written: a plugin's
    //! lines carry the plugin's name already, which the host adds.

    use std::fmt::{Debug, Write as _};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Level, Metadata, Subscriber};

    use super::write_line;

    pub(super) fn install() {
        // A plugin that brings its own subscriber keeps it.
        let _ = tracing::subscriber::set_global_default(Events);
    }

    struct Events;

    impl Subscriber for Events {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            let level = match *metadata.level() {
                Level::ERROR => log::Level::Error,
                Level::WARN => log::Level::Warn,
                Level::INFO => log::Level::Info,
                Level::DEBUG => log::Level::Debug,
                _ => log::Level::Trace,
            };
            level <= log::max_level()
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn event(&self, event: &Event<'_>) {
            let mut text = Text::default();
            event.record(&mut text);
            let metadata = event.metadata();
            let level = match *metadata.level() {
                Level::ERROR => "error",
                Level::WARN => "warn",
                Level::INFO => "info",
                Level::DEBUG => "debug",
                _ => "trace",
            };
            let text = format_args!("{}{}", text.message, text.fields);
            write_line(level, metadata.target(), text);
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    #[derive(Default)]
    struct Text {
        message: String,
        fields: String,
    }

    impl Visit for Text {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            let _ = match field.name() {
                "message" => write!(self.message, "{value:?}"),
                name => write!(self.fields, " {name}={value:?}"),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::format_line;

    #[test]
    fn a_record_is_one_line_and_begins_with_its_level() {
        let line = format_line("warn", "anchor", format_args!("drags:\n{} m\r\n", 12));
        assert_eq!(line, "[warn] anchor: drags:\\n12 m\n");
    }
}
