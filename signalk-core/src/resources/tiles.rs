//! Pieces of chart files over HTTP: tiles, ranges of PMTiles files, and the list in the form of version 1. The bytes
//! come from the edge, beside the core's task; only what surrounds them is decided here.

use serde_json::Value;

use super::{
    Waiting,
    asking::Client,
    storage::{RawFile, StorageDone, StorageTask, TileAnswer},
    turn::failed,
};
use crate::{
    http::HttpResponse,
    io::{Effect, LogLevel, Output},
    range::{Asked, byte_range},
    server::Server,
};

impl Server {
    /// A client wants a tile.
    pub(crate) fn ask_tile(&mut self, client: Client, chart: String, tile: (u8, u32, u32)) {
        let known = client.request.header("if-none-match").map(str::to_owned);
        let gzip = client.request.header("accept-encoding").is_some_and(takes_gzip);
        let task = StorageTask::ReadTile { chart, tile, known, gzip };
        self.storage(task, Waiting::Tile(client));
    }

    /// A client wants a chart file, or ranges of it.
    pub(crate) fn ask_raw_file(&mut self, client: Client, name: String) {
        let folders = self.resources.charts.folders.clone();
        self.storage(StorageTask::FindCharts { folders }, Waiting::RawFile { client, name });
    }

    /// A client of version 1 reads all charts, or one.
    pub(crate) fn ask_charts_v1(&mut self, client: Client, id: Option<String>) {
        let folders = self.resources.charts.folders.clone();
        self.storage(StorageTask::FindCharts { folders }, Waiting::ChartsV1 { client, id });
    }

    /// Names of the chart files that can be read by ranges.
    pub(crate) fn raw_files(&self) -> Value {
        let files = self.resources.files.iter().filter_map(|chart| chart.file.as_ref());
        files.map(|file| file.name.as_str()).collect()
    }

    pub(super) fn respond_tile(&mut self, client: &Client, result: Result<StorageDone, String>) {
        let mut response = match result {
            Ok(StorageDone::Tile(TileAnswer::Tile { etag, content_type, gzip, bytes })) => {
                let mut headers =
                    vec![("content-type".into(), content_type.to_owned()), ("etag".into(), etag)];
                if gzip {
                    headers.push(("content-encoding".into(), "gzip".into()));
                }
                HttpResponse { status: 200, headers, body: bytes }
            }
            Ok(StorageDone::Tile(TileAnswer::Same { etag })) => HttpResponse {
                status: 304,
                headers: vec![("etag".into(), etag)],
                ..HttpResponse::empty(304)
            },
            Ok(_) => HttpResponse::text(404, "Not Found"),
            Err(error) => {
                self.log_line(LogLevel::Warn, "charts".into(), error);
                HttpResponse::text(500, "Internal Server Error")
            }
        };
        if response.status < 400 {
            response.headers.push(("cache-control".into(), CACHE.into()));
            response.headers.push(("vary".into(), "Accept-Encoding".into()));
        }
        self.respond(client.id, &client.request, response);
    }

    pub(super) fn respond_charts_v1(&mut self, client: &Client, id: Option<&str>) {
        let mut all = self.resources.charts.all_v1(&self.resources.files);
        let response = match id {
            None => HttpResponse::json(200, &Value::Object(all)),
            Some(id) => match all.shift_remove(id) {
                Some(chart) => HttpResponse::json(200, &chart),
                None => HttpResponse::html(404, "Not found"),
            },
        };
        self.respond(client.id, &client.request, response);
    }

    pub(super) fn respond_raw_file(&mut self, client: &Client, name: &str) {
        let files = self.resources.files.iter().filter_map(|chart| chart.file.as_ref());
        let Some(file) = files.clone().find(|file| file.name == name).cloned() else {
            return self.respond(client.id, &client.request, HttpResponse::html(404, "Not found"));
        };
        let request = &client.request;
        let mut response = HttpResponse::empty(200);
        response.headers.extend([
            ("content-type".into(), "application/vnd.pmtiles".to_owned()),
            ("etag".into(), file.etag.clone()),
            ("accept-ranges".into(), "bytes".into()),
            // Compressed on the way, a range would not be the range that was asked for.
            ("content-encoding".into(), "identity".into()),
            ("cache-control".into(), "no-cache".into()),
        ]);
        if request
            .header("if-none-match")
            .is_some_and(|known| known.split(',').any(|tag| tag.trim() == file.etag))
        {
            response.status = 304;
            return self.respond(client.id, request, response);
        }
        let asked = request
            .header("range")
            .filter(|_| request.header("if-range").is_none_or(|tag| tag == file.etag));
        let (offset, length) = match asked.map(|range| byte_range(range, file.length)) {
            None | Some(Asked::Ignored) => (0, file.length),
            Some(Asked::Bytes(from, to)) => {
                response.status = 206;
                response
                    .headers
                    .push(("content-range".into(), format!("bytes {from}-{to}/{}", file.length)));
                (from, to - from + 1)
            }
            Some(Asked::Outside) => {
                let mut response = failed(416, "The file ends before this range");
                response.headers.push(("content-range".into(), format!("bytes */{}", file.length)));
                return self.respond(client.id, request, response);
            }
        };
        self.send_file(client, response, file, (offset, length));
    }

    fn send_file(
        &mut self,
        client: &Client,
        mut response: HttpResponse,
        file: RawFile,
        (offset, length): (u64, u64),
    ) {
        self.allow_everybody(&mut response);
        self.outputs.push_back(Output::Effect(Effect::HttpRespondFile {
            id: client.id,
            response,
            file: file.name,
            offset,
            length,
        }));
    }
}

/// `gzip`, or `*`, not forbidden by `;q=0`.
fn takes_gzip(header: &str) -> bool {
    header.split(',').any(|one| {
        let (name, quality) = one.split_once(";q=").unwrap_or((one, "1"));
        matches!(name.trim(), "gzip" | "*")
            && quality.trim().parse::<f64>().is_ok_and(|quality| quality > 0.0)
    })
}

/// DIFFERENCE: the reference lets browsers keep tiles for 90 days without asking, so that a chart that was replaced
/// keeps its old face. Here they ask after an hour, which costs an entity tag.
const CACHE: &str = "public, max-age=3600";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_when_the_client_says_so() {
        assert!(takes_gzip("deflate, gzip;q=0.5, br") && takes_gzip("*"));
        assert!(!takes_gzip("br") && !takes_gzip("gzip;q=0") && !takes_gzip(""));
    }
}
