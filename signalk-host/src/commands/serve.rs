//! `signalk-host serve`: reads the configuration, starts the core and the listeners, and stops all in good order.

use std::{
    io::{self, Write},
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use signalk_core::{
    Config, ConnectionConfig, ConnectionKind, Core, Endpoint, Input, Platform as _, seed_tables,
};
use tokio::{
    net::TcpListener,
    runtime::Handle,
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    task::JoinHandle,
};

use crate::{
    admission::{Edge, StreamLimit},
    bodies::Bodies,
    cli::ServeArgs,
    discovery,
    disk::ConfigDir,
    driver::{CHANNEL, CoreSender, Driver, ToCore},
    files::Files,
    http,
    inbox::{self, Inbox},
    listener,
    logging::{self, LogFilter},
    net::{Connections, spec::InputSpec},
    passwords::Passwords,
    platform::NativePlatform,
    plugin_net::PluginNet,
    pool,
    static_files::StaticFiles,
    storage::Storage,
    tcp_stream,
};

/// For the plugins to stop and the files to be saved.
const STOP: Duration = Duration::from_secs(10);

/// For the clients to take their last frames.
const GOODBYE: Duration = Duration::from_secs(2);

/// Serves until SIGTERM or SIGINT.
pub(crate) fn run(args: ServeArgs) -> Result<()> {
    let log = logging::start();
    // One thread for the core and all sockets. A delta passes no lock, no waking of another thread and no memory of
    // another thread's: with the core on a thread of its own a delta cost up to twice the processor time
    // (benches/README.md).
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime of the server")?;
    let done = runtime.block_on(serve(args, log));
    // A file or a device that hangs keeps its thread, not the process.
    runtime.shutdown_timeout(Duration::from_millis(100));
    done
}

async fn serve(args: ServeArgs, log: LogFilter) -> Result<()> {
    let mut signals = Signals::new()?;
    let dir = ConfigDir::open(args.config.clone())?;
    let mut config = Config::from_texts(dir.read_texts());
    config.plugins_enabled = !args.no_plugins;
    config.plugins_enabled_by_default = args.enabled_by_default();
    config.plugin_limits = args.plugin_limits(config.plugin_limits);
    config.plugin_call_time =
        args.plugin_call_seconds.map(|seconds| Duration::from_secs(seconds.into()));
    config.connections.extend(connections(&args));
    config.chart_folders.extend(chart_folders(&args));

    let listener = bind(args.listen, args.port.unwrap_or(config.http_port), "--port").await?;
    let address = listener.local_addr()?;
    config.http_port = address.port();
    let tcp_stream = match tcp_stream_port(&args, &config) {
        Some(port) => Some(bind(args.listen, port, "--tcp-stream-port").await?),
        None => None,
    };
    config.tcp_port =
        tcp_stream.as_ref().and_then(|listener| Some(listener.local_addr().ok()?.port()));

    let (sender, inbox) = inbox::channel(CHANNEL);
    let mut core = start_core(config, &dir, log, &sender, inbox);
    look_for_plugins(&args, &dir, &sender);
    let (edge, all_streams_ended) =
        Edge::new(sender.clone(), stream_limit()?, Bodies::new(args.body_limit));
    if let Some(listener) = tcp_stream {
        tokio::spawn(tcp_stream::listen(listener, edge.clone()));
    }
    let server = tokio::spawn(listener::serve(listener, http::router(edge)));
    announce(address, &dir);

    unless_it_ends(&mut core, signals.next()).await?;
    tracing::info!("stopping; once more stops at once");
    tokio::select! {
        () = signals.next() => bail!("stopped at once: what plugins had not saved yet is lost"),
        ended = stop(&sender, core, all_streams_ended, server) => ended,
    }
}

fn start_core(
    config: Config,
    dir: &ConfigDir,
    log: LogFilter,
    sender: &CoreSender,
    inbox: Inbox<ToCore>,
) -> JoinHandle<()> {
    let platform = NativePlatform::new();
    // Before there is a server with tables.
    let mut seed = [0; 8];
    platform.fill_random(&mut seed);
    seed_tables(u64::from_le_bytes(seed));
    let runtime = Handle::current();
    let storage = Storage::new(dir.path(), runtime.clone(), sender.clone());
    let driver = Driver {
        core: Core::new(config, Arc::new(platform)),
        platform,
        connections: Connections::new(runtime.clone(), sender.clone()),
        plugin_net: PluginNet::new(runtime.clone(), sender.clone()),
        files: Files::new(dir.clone(), runtime.clone(), sender.clone()),
        storage,
        static_files: StaticFiles::new(runtime.clone()),
        passwords: Passwords::new(runtime, sender.clone()),
        log,
        sender: sender.clone(),
    };
    tokio::spawn(driver.run(inbox))
}

/// Waits for somebody who wants us to stop. Without its core the server would go on taking requests that nobody
/// answers, and whoever starts it again when it ends (systemd) would see it alive.
///
/// # Errors
///
/// The core has ended, which only a panic can do.
async fn unless_it_ends(core: &mut JoinHandle<()>, wanted: impl Future<Output = ()>) -> Result<()> {
    tokio::select! {
        () = wanted => Ok(()),
        ended = core => Err(fallen(ended)),
    }
}

fn fallen(ended: Result<(), tokio::task::JoinError>) -> anyhow::Error {
    let why = match ended.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(()) => "it ended by itself".to_owned(),
        Err(Ok(panic)) => pool::words_of(panic.as_ref()),
        Err(Err(error)) => error.to_string(),
    };
    anyhow::anyhow!(
        "the core of the server has fallen: {why}; the server ends, start it again, and please report this"
    )
}

/// Beside everything else: a slow disk does not keep the first client waiting.
fn look_for_plugins(args: &ServeArgs, dir: &ConfigDir, sender: &CoreSender) {
    let places = discovery::Places {
        config: dir.path().to_owned(),
        plugins: args.plugins.clone(),
        packages: args.packages.clone(),
        program: discovery::program_folder(),
    };
    let sender = sender.clone();
    tokio::task::spawn_blocking(move || {
        let found = discovery::find(&places);
        let packages = Input::Packages { found: found.packages, complaints: found.complaints };
        let _ = sender.send_now(ToCore::Input(packages), true);
    });
}

/// The core first, which stops plugins, saves, and closes the streams; then the clients' last frames.
async fn stop(
    sender: &CoreSender,
    core: JoinHandle<()>,
    mut all_streams_ended: mpsc::Receiver<()>,
    server: JoinHandle<()>,
) -> Result<()> {
    let in_time = tokio::time::timeout(STOP, async {
        let _ = sender.send(ToCore::Input(Input::Shutdown)).await;
        core.await
    });
    let ended = in_time.await;
    server.abort();
    let _ = tokio::time::timeout(GOODBYE, all_streams_ended.recv()).await;
    match ended {
        Ok(Ok(())) => tracing::info!("stopped"),
        Ok(fell @ Err(_)) => return Err(fallen(fell)),
        Err(_) => {
            bail!("a plugin or the disk did not stop within {} s; ended without it", STOP.as_secs())
        }
    }
    Ok(())
}

async fn bind(address: IpAddr, port: u16, option: &str) -> Result<TcpListener> {
    let bound = TcpListener::bind((address, port)).await;
    bound.with_context(|| match port {
        0 => format!("cannot listen on {address}"),
        _ => format!(
            "cannot listen on port {port} of {address}: another program may use it; stop it, or choose another port with {option}"
        ),
    })
}

/// What the command line adds to `settings.json`.
fn connections(args: &ServeArgs) -> Vec<ConnectionConfig> {
    let demo = args.demo.then(|| (Some("demo".to_owned()), Endpoint::Demo { seed: DEMO_SEED }));
    let named = args.nmea0183.iter().cloned().map(|InputSpec { id, endpoint }| (id, endpoint));
    let port = args.nmea0183_port.map(|port| (None, Endpoint::TcpServer { address: None, port }));
    let mut unnamed = 0;
    let mut label = || {
        unnamed += 1;
        if unnamed == 1 { "nmea0183".to_owned() } else { format!("nmea0183-{unnamed}") }
    };
    let all = demo.into_iter().chain(named).chain(port);
    all.map(|(id, endpoint)| ConnectionConfig {
        label: id.unwrap_or_else(&mut label),
        kind: ConnectionKind::Nmea0183,
        endpoint,
        enabled: true,
    })
    .collect()
}

/// Named from where the person stands, not from the configuration directory.
fn chart_folders(args: &ServeArgs) -> impl Iterator<Item = String> {
    let absolute =
        |folder: &PathBuf| std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
    args.charts.iter().map(move |folder| absolute(folder).to_string_lossy().into_owned())
}

/// The same boat each time.
const DEMO_SEED: u64 = 1;

/// `interfaces.tcp` of settings.json turns it on as in the reference; but not where data needs a login, which these
/// clients could not give (server-api.md 6.8).
///
/// DIFFERENCE: without a setting it is off; the reference opens it on every start.
fn tcp_stream_port(args: &ServeArgs, config: &Config) -> Option<u16> {
    if config.security.as_ref().is_some_and(|file| !file.lets_everybody_read()) {
        if args.tcp_stream_port.is_some() {
            tracing::warn!(
                "no TCP stream: with security it is for boats whose data everybody may read (allow_readonly in security.json)"
            );
        }
        return None;
    }
    let setting = config.settings.get("interfaces").and_then(|all| all.get("tcp"));
    let on = setting.and_then(serde_json::Value::as_bool).unwrap_or(false);
    args.tcp_stream_port.or(on.then_some(8375))
}

fn stream_limit() -> Result<StreamLimit> {
    let Ok(text) = std::env::var("SIGNALK_MAX_STREAMS_PER_IP") else {
        return Ok(StreamLimit { remote: 30, local: usize::MAX });
    };
    let limit = text
        .parse()
        .with_context(|| format!("SIGNALK_MAX_STREAMS_PER_IP=`{text}` is not a number"))?;
    Ok(StreamLimit { remote: limit, local: limit })
}

/// On standard output, for people and for programs that started us. Nobody has to read it.
fn announce(address: SocketAddr, dir: &ConfigDir) {
    let shown = if address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    };
    let lines = format!(
        "signalk-host {} is listening on http://{shown}/\n\
         \x20 instruments and plugins  http://{shown}/admin/\n\
         \x20 data                     http://{shown}/signalk/v1/api/vessels/self\n\
         \x20 configuration            {}\n",
        env!("CARGO_PKG_VERSION"),
        dir.path().display()
    );
    let mut out = io::stdout().lock();
    let _ = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
}

/// Somebody wants us to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_core_that_falls_ends_the_server_with_an_error() {
        let mut core = tokio::spawn(async { panic!("planned") });
        let fell = unless_it_ends(&mut core, std::future::pending()).await.unwrap_err();
        let text = fell.to_string();
        assert!(text.contains("planned") && text.contains("start it again"), "{text}");
        let mut core = tokio::spawn(std::future::pending());
        unless_it_ends(&mut core, async {}).await.unwrap();
    }

    #[tokio::test]
    async fn a_core_that_falls_while_it_stops_is_an_error_too() {
        let (sender, _inbox) = inbox::channel(1);
        let (_, streams) = mpsc::channel(1);
        let core = tokio::spawn(async { panic!("planned") });
        let ended = stop(&sender, core, streams, tokio::spawn(async {})).await;
        assert!(ended.unwrap_err().to_string().contains("planned"));
    }
}
