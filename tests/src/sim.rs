//! The simulated run: hands inputs to the core, carries out its effects at once, collects what clients would see.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use signalk_core::{
    Config, ConfigTexts, ConnectionEvent, ConnectionId, Core, Effect, Endpoint, FoundPackage,
    HttpId, HttpRequest, HttpResponse, Input, ModuleFiles, Output, Platform, PluginEffect,
    PluginId, Report, StreamId,
    resources::{ChartFile, StorageDone, StorageTask, StoredFile, TileAnswer},
    webapps::FileAnswer,
};
use wasmi_hdk::vfs::{Fs, MemoryFs};

use crate::{Exchange, World};

/// A server in a fake world.
pub struct Sim {
    core: Core,
    world: Arc<World>,
    now: Duration,
    until: Option<Duration>,
    next_id: u64,
    pub(crate) responses: BTreeMap<HttpId, HttpResponse>,
    pub(crate) exchanges: BTreeMap<HttpId, Exchange>,
    /// Called in each turn of the loop: for tests that count what is held.
    pub probe: fn(),
    streams: BTreeMap<StreamId, Heard>,
    /// Files as last saved, by name.
    pub files: BTreeMap<String, String>,
    /// Resource files, by folder and name.
    pub resources: BTreeMap<(String, String), StoredFile>,
    /// Charts on the simulated disk.
    pub charts: Vec<ChartFile>,
    /// Packages on the simulated disk, by folder, with their modules.
    packages: BTreeMap<String, (FoundPackage, Bytes)>,
    /// What the next saves shall fail with.
    pub disk_error: Option<String>,
    /// The log, `target: text`.
    pub log: Vec<String>,
    /// Connections asked for, in order, with the time.
    pub opened: Vec<(Duration, ConnectionId, Endpoint)>,
    /// What plugins want of the world, in order: who, in which life, what.
    pub wanted: Vec<(PluginId, u64, PluginEffect)>,
    /// Connections that the core wanted closed.
    pub closed_connections: Vec<ConnectionId>,
    /// The core said that it has stopped.
    pub stopped: bool,
    /// Pieces of guest work that were executed.
    pub runs: u64,
}

/// A stream client of the simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client(StreamId);

#[derive(Default)]
struct Heard {
    frames: Vec<String>,
    closed: Option<(u16, String)>,
    rejected: Option<u16>,
    /// How many frames arrived by a shared effect.
    shared: usize,
}

impl Default for Sim {
    fn default() -> Sim {
        Sim::new(ConfigTexts::default())
    }
}

impl Sim {
    /// A server with this configuration directory.
    pub fn new(texts: ConfigTexts) -> Sim {
        Sim::with_config(Config::from_texts(texts))
    }

    /// A server whose own vessel has this MMSI and name.
    pub fn with_vessel(mmsi: &str, name: &str) -> Sim {
        let base = serde_json::json!([{ "context": "vessels.self", "updates": [{ "values": [{ "path": "", "value": { "mmsi": mmsi, "name": name } }] }] }]);
        Sim::new(ConfigTexts { base_deltas: Some(base.to_string()), ..ConfigTexts::default() })
    }

    /// A server with this configuration.
    pub fn with_config(config: Config) -> Sim {
        let world = Arc::new(World::new(1));
        let core = Core::new(config, Arc::clone(&world) as Arc<dyn signalk_core::Platform>);
        let mut sim = Sim {
            core,
            world,
            now: Duration::ZERO,
            until: None,
            next_id: 0,
            responses: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            probe: || (),
            streams: BTreeMap::new(),
            files: BTreeMap::new(),
            resources: BTreeMap::new(),
            charts: Vec::new(),
            packages: BTreeMap::new(),
            disk_error: None,
            log: Vec::new(),
            opened: Vec::new(),
            wanted: Vec::new(),
            closed_connections: Vec::new(),
            stopped: false,
            runs: 0,
        };
        sim.drain();
        sim
    }

    /// The configuration as the core has it now.
    pub fn config(&self) -> &Config {
        self.core.config()
    }

    /// GET.
    pub fn get(&mut self, target: &str) -> HttpResponse {
        self.request("GET", target, &[], "")
    }

    /// GET of JSON that must be there; `Null` when it is not.
    pub fn get_json(&mut self, target: &str) -> serde_json::Value {
        serde_json::from_slice(&self.get(target).body).unwrap_or_default()
    }

    /// Any request; an answer that never comes is status 0.
    pub fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> HttpResponse {
        let id = HttpId(self.number());
        let headers = headers
            .iter()
            .map(|(name, value)| (name.to_lowercase(), (*value).to_owned()))
            .collect();
        let request = HttpRequest {
            method: method.into(),
            target: target.into(),
            headers,
            body: Bytes::from(body.to_owned()),
            peer: None,
        };
        self.input(Input::Http { id, request });
        self.responses.remove(&id).unwrap_or_else(|| HttpResponse::empty(0))
    }

    /// Opens a stream.
    pub fn open(&mut self, target: &str) -> Client {
        self.open_with(HttpRequest::get(target))
    }

    /// Opens a stream by this upgrade request.
    pub fn open_with(&mut self, request: HttpRequest) -> Client {
        let id = StreamId(self.number());
        self.streams.insert(id, Heard::default());
        self.input(Input::StreamOpened { id, request });
        Client(id)
    }

    /// A client sends a text frame.
    pub fn say(&mut self, client: Client, text: &str) {
        self.input(Input::StreamMessage { id: client.0, text: Bytes::from(text.to_owned()) });
    }

    /// A client goes away.
    pub fn leave(&mut self, client: Client) {
        self.input(Input::StreamClosed { id: client.0, close: None });
    }

    /// The edge reports a client's unsent bytes.
    pub fn queue(&mut self, client: Client, bytes: usize) {
        self.input(Input::StreamQueue { id: client.0, bytes });
    }

    /// The frames since the last call.
    pub fn heard(&mut self, client: Client) -> Vec<String> {
        self.streams
            .get_mut(&client.0)
            .map(|heard| std::mem::take(&mut heard.frames))
            .unwrap_or_default()
    }

    /// How many frames the client got by an effect for many.
    pub fn shared_frames(&self, client: Client) -> usize {
        self.streams.get(&client.0).map_or(0, |heard| heard.shared)
    }

    /// Code and reason, once the server closed it.
    pub fn closed(&self, client: Client) -> Option<(u16, String)> {
        self.streams.get(&client.0).and_then(|heard| heard.closed.clone())
    }

    /// The status, when the server refused it.
    pub fn rejected(&self, client: Client) -> Option<u16> {
        self.streams.get(&client.0).and_then(|heard| heard.rejected)
    }

    /// News of an input connection.
    pub fn connection(&mut self, id: ConnectionId, event: ConnectionEvent) {
        self.input(Input::Connection { id, event });
    }

    /// Puts a plugin package on the simulated disk and lets the server look.
    pub fn install(&mut self, package_json: &str, wasm: &[u8]) {
        let dir = format!("node_modules/{}", self.packages.len());
        let found = FoundPackage { dir: dir.clone(), package_json: package_json.to_owned() };
        self.packages.insert(dir, (found, Bytes::copy_from_slice(wasm)));
        let found = self.packages.values().map(|(found, _)| found.clone()).collect();
        self.input(Input::Packages { found, complaints: Vec::new() });
    }

    /// Any input.
    pub fn input(&mut self, input: Input) {
        self.core.handle_input(self.now, input);
        self.drain();
    }

    /// The clock jumps, from deadline to deadline.
    pub fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        while let Some(deadline) = self.until.filter(|deadline| *deadline <= end) {
            self.jump(deadline.max(self.now));
        }
        self.jump(end);
    }

    /// The machine sleeps: the clock jumps and nothing happens meanwhile.
    pub fn sleep(&mut self, by: Duration) {
        self.jump(self.now + by);
    }

    /// Monotonic time.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// The core's next deadline.
    pub fn deadline(&self) -> Option<Duration> {
        self.until
    }

    fn jump(&mut self, to: Duration) {
        self.now = to;
        self.world.set(to);
        self.input(Input::Tick);
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// The loop rule.
    fn drain(&mut self) {
        loop {
            (self.probe)();
            match self.core.poll_output(self.now) {
                Output::Effect(effect) => self.carry_out(effect),
                Output::Run { plugin, run } => {
                    let ran = run.execute();
                    (self.probe)();
                    self.runs += 1;
                    // Guest work takes time: else a guest that computes for ever would meet no deadline.
                    self.now += RUN_TAKES;
                    self.world.set(self.now);
                    self.core.handle_input(self.now, Input::Ran { plugin, ran });
                }
                Output::Wait { until } => {
                    self.until = until;
                    return;
                }
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::HttpRespond { id, response } => {
                self.responses.insert(id, response);
            }
            Effect::StreamSend { id, frame } => self.hear(id, &frame, false),
            Effect::StreamSendMany { ids, frame } => {
                ids.iter().for_each(|id| self.hear(*id, &frame, true))
            }
            Effect::StreamAccept { .. } => {}
            Effect::StreamSendBinary { ids, frame } => {
                ids.iter().for_each(|id| self.hear(*id, &frame, true))
            }
            Effect::StreamClose { id, code, reason } => {
                self.streams.entry(id).or_default().closed = Some((code, reason));
            }
            Effect::StreamReject { id, response } => {
                self.streams.entry(id).or_default().rejected = Some(response.status);
            }
            Effect::OpenConnection { id, endpoint } => self.opened.push((self.now, id, endpoint)),
            Effect::SaveFile { ticket, name, bytes, before } => {
                let disk = self.files.get(&name).map(String::as_bytes);
                let foreign = before.zip(disk).and_then(|(before, disk)| {
                    signalk_core::keep_foreign_changes(&before, &bytes, disk)
                });
                let result = self.disk_error.clone().map_or(Ok(foreign.clone()), Err);
                if result.is_ok() {
                    let ours = || String::from_utf8_lossy(&bytes).into_owned();
                    self.files.insert(name, foreign.unwrap_or_else(ours));
                }
                self.core.handle_input(self.now, Input::Report(Report::Saved { ticket, result }));
            }
            Effect::ReadPackage { plugin, dir } => {
                let missing = || format!("the simulated disk has no folder {dir}");
                let result = self.packages.get(&dir).map(|(found, _)| found.package_json.clone());
                let result = result.ok_or_else(missing);
                let options = self.files.get(&format!("plugin-config-data/{plugin}.json"));
                let report = Report::Package { plugin, result, options: options.cloned() };
                self.core.handle_input(self.now, Input::Report(report));
            }
            Effect::ReadModule { plugin, dir, fs, .. } => {
                let result = match self.packages.get(&dir) {
                    Some((_, wasm)) => {
                        let fs =
                            fs.map(|quota| Box::new(MemoryFs::with_quota(quota)) as Box<dyn Fs>);
                        Ok(ModuleFiles::new(wasm.clone(), fs))
                    }
                    None => Err(format!("the simulated disk has no folder {dir}")),
                };
                self.core.handle_input(self.now, Input::Report(Report::Module { plugin, result }));
            }
            Effect::Log { target, text, .. } => self.log.push(format!("{target}: {text}")),
            Effect::PluginEnded { .. } => {}
            Effect::Plugin { plugin, life, effect, .. } => self.wanted.push((plugin, life, effect)),
            Effect::Storage { ticket, task } => {
                let result = match &self.disk_error {
                    Some(error) => Err(error.clone()),
                    None => Ok(self.store(task)),
                };
                self.core.handle_input(self.now, Input::Report(Report::Storage { ticket, result }));
            }
            Effect::CheckPassword { ticket, check } => {
                let is_right = check.execute();
                let report = Report::PasswordChecked { ticket, is_right };
                self.core.handle_input(self.now, Input::Report(report));
            }
            Effect::HttpRespondFile { id, response, .. } => {
                self.responses.insert(id, response);
            }
            Effect::HttpRespondStatic { id, file } => {
                // The simulated disk has no pages.
                let response = match file.answer(signalk_core::webapps::Found::Missing) {
                    FileAnswer::Whole(response) => response,
                    FileAnswer::Piece { head, .. } => head,
                };
                self.responses.insert(id, response);
            }
            Effect::HttpReadWhole { .. }
            | Effect::HttpRead { .. }
            | Effect::HttpRespondStream { .. }
            | Effect::HttpWrite { .. }
            | Effect::HttpEnd { .. } => self.move_body(effect),
            Effect::CloseConnection { id } => self.closed_connections.push(id),
            Effect::Stopped => self.stopped = true,
        }
    }

    fn store(&mut self, task: StorageTask) -> StorageDone {
        match task {
            StorageTask::ScanFolder { folder, mut scan } => {
                let inside = self.resources.iter().filter(|((name, _), _)| *name == folder);
                for ((_, name), file) in inside {
                    if !scan.push(name, file.modified_ms, &file.bytes) {
                        break;
                    }
                }
                StorageDone::Scanned(scan)
            }
            StorageTask::ReadFile { folder, name } => {
                StorageDone::Read(self.resources.get(&(folder, name)).cloned())
            }
            StorageTask::WriteFile { folder, name, bytes } => {
                let modified_ms = i64::try_from(self.world.wall_clock().as_millis()).unwrap_or(0);
                self.resources.insert((folder, name), StoredFile { modified_ms, bytes });
                StorageDone::Written
            }
            StorageTask::DeleteFile { folder, name } => {
                StorageDone::Deleted(self.resources.remove(&(folder, name)).is_some())
            }
            StorageTask::FindCharts { .. } => StorageDone::Charts(self.charts.clone()),
            StorageTask::ReadTile { .. } => StorageDone::Tile(TileAnswer::Missing),
        }
    }

    fn hear(&mut self, id: StreamId, frame: &Bytes, shared: bool) {
        let heard = self.streams.entry(id).or_default();
        heard.shared += usize::from(shared);
        heard.frames.push(String::from_utf8_lossy(frame).into_owned());
    }
}

/// What a piece of guest work takes in virtual time.
const RUN_TAKES: Duration = Duration::from_millis(10);
