//! What a person types. Parsing only: nothing is opened here, `commands` does the work.

use std::{collections::BTreeSet, net::IpAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::net::spec::InputSpec;

/// A Signal K server for your boat, with plugins that cannot harm it.
#[derive(Debug, Parser)]
#[command(
    name = "signalk-host",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Without a command the server starts: `signalk-host --demo` is `signalk-host serve --demo`.\n\
                  `signalk-host serve --help` shows examples."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the server (this is what happens without a command)
    Serve(Box<ServeArgs>),
    /// Print the version and what this program was built from
    Version,
}

/// The options of `serve`.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    /// Configuration directory; created when missing. A directory of signalk-server works as it is
    #[arg(
        short = 'c',
        long,
        value_name = "DIR",
        env = "SIGNALK_NODE_CONFIG_DIR",
        help_heading = "Server"
    )]
    pub(crate) config: Option<PathBuf>,

    /// Port of the web page, the API and the streams; 0 takes any free one [default: 3000, or `port` of settings.json]
    #[arg(short, long, value_name = "PORT", env = "PORT", help_heading = "Server")]
    pub(crate) port: Option<u16>,

    /// Address to listen on; 0.0.0.0 lets the whole network in
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", help_heading = "Server")]
    pub(crate) listen: IpAddr,

    /// Port of the TCP stream (JSON lines); off without it [signalk-server uses 8375]
    #[arg(long, value_name = "PORT", env = "TCPSTREAMPORT", help_heading = "Server")]
    pub(crate) tcp_stream_port: Option<u16>,

    /// The largest body of a request: bytes, or with kb, mb; those of plugins' endpoints may have 16mb
    #[arg(
        long,
        value_name = "SIZE",
        env = "FILEUPLOADSIZELIMIT",
        default_value = "10mb",
        value_parser = body_limit,
        help_heading = "Server"
    )]
    pub(crate) body_limit: usize,

    /// Sail the built-in demo boat: a simulated yacht with AIS neighbours
    #[arg(long, help_heading = "Data")]
    pub(crate) demo: bool,

    /// Read NMEA 0183 from file:PATH, tcp://HOST:PORT, tcp-listen://ADDRESS:PORT, udp://ADDRESS:PORT or serial:DEVICE;
    /// without ADDRESS on every address; may be repeated
    #[arg(long, value_name = "SOURCE", help_heading = "Data")]
    pub(crate) nmea0183: Vec<InputSpec>,

    /// Listen on this port for NMEA 0183 over TCP, as signalk-server does; the same as --nmea0183 tcp-listen://:PORT
    #[arg(long, value_name = "PORT", env = "NMEA0183PORT", help_heading = "Data")]
    pub(crate) nmea0183_port: Option<u16>,

    /// Serve the MBTiles and PMTiles charts in this folder, besides those in `charts` of the configuration directory;
    /// may be repeated
    #[arg(long, value_name = "DIR", help_heading = "Data")]
    pub(crate) charts: Vec<PathBuf>,

    /// Load the plugin package in this folder, besides those in the configuration directory; may be repeated
    #[arg(long = "plugin", value_name = "DIR", help_heading = "Plugins")]
    pub(crate) plugins: Vec<PathBuf>,

    /// Load the plugins in `node_modules` of this folder, after those of the configuration directory; may be repeated
    /// [default: the program's own folder, if it has a `node_modules`]
    #[arg(long, value_name = "DIR", help_heading = "Plugins")]
    pub(crate) packages: Vec<PathBuf>,

    /// Start no plugin: to repair a configuration
    #[arg(
        long,
        env = "DISABLEPLUGINS",
        value_parser = clap::builder::FalseyValueParser::new(),
        help_heading = "Plugins"
    )]
    pub(crate) no_plugins: bool,

    /// Plugins (ids or package names, with commas between) that run while no options file says otherwise
    #[arg(long, value_name = "IDS", env = "DEFAULTENABLEDPLUGINS", help_heading = "Plugins")]
    pub(crate) enable_plugins: Option<String>,

    /// Memory that a plugin may use, unless its options file says otherwise [default: 256]
    #[arg(
        long,
        value_name = "MIB",
        value_parser = clap::value_parser!(u16).range(1..=4096),
        help_heading = "Plugins"
    )]
    pub(crate) plugin_memory: Option<u16>,

    /// Fuel that a plugin may use per second; ten seconds can be saved up [default: 500000000]
    #[arg(
        long,
        value_name = "FUEL",
        value_parser = clap::value_parser!(u64).range(1_000_000..=1_000_000_000_000),
        help_heading = "Plugins"
    )]
    pub(crate) plugin_fuel_per_second: Option<u64>,

    /// Time that one call of a plugin may compute [default: by the kind of call, 5 or 10; 30 to start]
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u16).range(1..=3600),
        help_heading = "Plugins"
    )]
    pub(crate) plugin_call_seconds: Option<u16>,
}

impl ServeArgs {
    /// The names in `--enable-plugins`; blanks around them and empty ones are no part of it.
    pub(crate) fn enabled_by_default(&self) -> BTreeSet<String> {
        let names = self.enable_plugins.as_deref().unwrap_or_default().split(',').map(str::trim);
        names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    /// What plugins may use: the flags over these defaults.
    pub(crate) fn plugin_limits(&self, defaults: wasmi_hdk::Limits) -> wasmi_hdk::Limits {
        let mut limits = defaults;
        if let Some(mib) = self.plugin_memory {
            limits.memory_bytes = usize::from(mib).saturating_mul(1 << 20);
        }
        if let Some(fuel) = self.plugin_fuel_per_second {
            limits.fuel_per_second = Some(fuel);
            limits.fuel_burst = fuel.saturating_mul(10);
        }
        limits
    }
}

const EXAMPLES: &str = "\
Sources of --nmea0183:
  file:PATH[?pace=real|max]      a log; one burst a second, or by its time stamps; max: as fast as possible
  tcp://HOST:PORT                a gateway or multiplexer; connected again when it breaks
  tcp-listen://[ADDRESS]:PORT    others connect to us; tcp-listen://127.0.0.1:10110 from this machine only,
                                 tcp-listen://:10110 on every address
  udp://[ADDRESS]:PORT           datagrams; udp://:2000 on every address, also broadcasts
  serial:DEVICE[?baud=4800]      for example serial:/dev/ttyUSB0?baud=38400
  Each takes ?id=NAME: the name in `$source` (default nmea0183, nmea0183-2, ...).

Examples:
  signalk-host --demo
  signalk-host serve --nmea0183 file:sailing.log --plugin ./my-plugin
  signalk-host serve --nmea0183 'tcp://192.168.1.20:10110?id=gateway' --listen 0.0.0.0
  signalk-host serve --nmea0183 udp://:10110 --port 3100 --config ./boat

Environment:
  PORT, TCPSTREAMPORT, NMEA0183PORT, SIGNALK_NODE_CONFIG_DIR, DISABLEPLUGINS,
  FILEUPLOADSIZELIMIT             as the options above
  DEFAULTENABLEDPLUGINS           as --enable-plugins
  RUST_LOG                        what is logged, for example debug or signalk_host=debug,plugin=info
  DEBUG                           signalk:* or signalk:wasm:* turns the plugins' debug lines on; signalk:wasm:loader,
                                  runtime, lifecycle and api are what the server says about plugins
  SIGNALK_MAX_STREAMS_PER_IP      streams that one address may open [default: 30, from this machine any number]";

/// Above this a few requests would take the memory of a small computer: JSON in memory is many times its text.
const LARGEST_BODY: usize = 64 << 20;
/// Less would refuse what the pages send.
const SMALLEST_BODY: usize = 1 << 10;

/// As Express reads it: a unit is 1024 of the one before.
fn body_limit(text: &str) -> Result<usize, String> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit: usize = match text.get(digits.len()..).unwrap_or_default().trim() {
        "" | "b" => 1,
        "kb" => 1 << 10,
        "mb" => 1 << 20,
        unit => return Err(format!("`{unit}` is no unit; write bytes, or a number with kb or mb")),
    };
    let number: usize = digits.parse().map_err(|_| format!("`{digits}` is not a whole number"))?;
    let bytes =
        number.checked_mul(unit).filter(|bytes| (SMALLEST_BODY..=LARGEST_BODY).contains(bytes));
    bytes.ok_or_else(|| "it can be 1kb to 64mb".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_is_what_happens_without_a_command() {
        let bare = Cli::try_parse_from(["signalk-host", "--demo", "--port", "0"]).unwrap();
        assert!(bare.command.is_none() && bare.serve.demo && bare.serve.port == Some(0));
        let long = Cli::try_parse_from(["signalk-host", "serve", "--demo"]).unwrap();
        assert!(matches!(long.command, Some(Command::Serve(args)) if args.demo));
    }

    #[test]
    fn w27_plugins_are_enabled_by_a_list_of_names() {
        let list = |words: &[&str]| {
            let words = std::iter::once("signalk-host").chain(words.iter().copied());
            Cli::try_parse_from(words).unwrap().serve.enabled_by_default()
        };
        let wanted = ["@x/two", "one"].map(str::to_owned).into();
        assert_eq!(list(&["--enable-plugins", "one, @x/two,,"]), wanted);
        assert_eq!(list(&["--enable-plugins", ""]), BTreeSet::new());
    }

    #[test]
    fn what_plugins_may_use_is_a_number_within_reason() {
        let given = Cli::try_parse_from(["signalk-host", "--plugin-memory", "64"]).unwrap();
        let limits = given.serve.plugin_limits(wasmi_hdk::Limits::default());
        assert_eq!(limits.memory_bytes, 64 << 20);
        for bad in ["0", "4097", "64MiB"] {
            let error = Cli::try_parse_from(["signalk-host", "--plugin-memory", bad]).unwrap_err();
            assert!(error.to_string().contains("--plugin-memory"), "{error}");
        }
        let flags = ["signalk-host", "--plugin-fuel-per-second", "2000000"];
        let limits = Cli::try_parse_from(flags).unwrap().serve.plugin_limits(limits);
        assert_eq!((limits.fuel_per_second, limits.fuel_burst), (Some(2_000_000), 20_000_000));
        assert_eq!(limits.memory_bytes, 64 << 20);
    }

    #[test]
    fn a_body_limit_is_read_as_the_reference_reads_it() {
        for (text, bytes) in
            [("10mb", 10 << 20), ("512KB", 512 << 10), ("2048", 2048), ("3 mb", 3 << 20)]
        {
            assert_eq!(body_limit(text), Ok(bytes), "{text}");
        }
        for bad in
            ["", "mb", "-1mb", "1gb", "65mb", "10 apples", "100", "1.5mb", "99999999999999999999mb"]
        {
            assert!(body_limit(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_wrong_source_is_refused_with_the_forms_that_exist() {
        let error = Cli::try_parse_from(["signalk-host", "--nmea0183", "ftp://x"]).unwrap_err();
        assert!(error.to_string().contains("tcp://HOST:PORT"), "{error}");
    }
}
