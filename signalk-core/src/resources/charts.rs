//! Charts as clients see them: of files that the edge found, and of addresses in the options of the reference's charts
//! plugin (`plugin-config-data/charts.json`). Reading the files is the edge's; caching tiles of other servers is not
//! there.

use serde_json::{Map, Value, json};

use super::storage::ChartFile;

/// The id of the provider of chart files, as the reference's charts plugin.
pub(crate) const CHARTS: &str = "charts";

/// Where tiles are served, as the reference's charts plugin serves them.
pub(crate) const TILES: &str = "/signalk/chart-tiles";

/// What is configured about charts.
#[derive(Debug, Default)]
pub(crate) struct ChartOptions {
    /// Folders to look in.
    pub(crate) folders: Vec<String>,
    /// Charts of other servers, in the form of version 2.
    online: Map<String, Value>,
}

impl ChartOptions {
    /// Of the options file's text; also what is left out, in words.
    pub(crate) fn parse(text: Option<&str>) -> (ChartOptions, Vec<String>) {
        let mut complaints = Vec::new();
        let file = text.map(serde_json::from_str::<Value>).transpose().unwrap_or_else(|error| {
            complaints
                .push(format!("plugin-config-data/charts.json: {error}; repair or remove it"));
            None
        });
        let configuration = file.as_ref().and_then(|file| file.get("configuration"));
        let list = |name: &str| {
            configuration
                .and_then(|all| all.get(name))
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
        };
        let mut folders: Vec<String> = Vec::new();
        for folder in
            list("chartPaths").filter_map(Value::as_str).filter(|folder| !folder.is_empty())
        {
            if !folders.iter().any(|known| known == folder) {
                folders.push(folder.to_owned());
            }
        }
        if folders.is_empty() {
            folders.push("charts".to_owned());
        }
        let mut online = Map::new();
        for row in list("onlineChartProviders") {
            match online_chart(row) {
                Ok((id, chart)) => drop(online.insert(id, chart)),
                Err(why) => complaints.push(format!("plugin-config-data/charts.json: {why}")),
            }
        }
        (ChartOptions { folders, online }, complaints)
    }

    /// Whether there are charts without any file.
    pub(crate) fn has_online(&self) -> bool {
        !self.online.is_empty()
    }

    /// Every chart by id; one with an address wins over a file of the same name, as in the reference.
    pub(crate) fn all(&self, files: &[ChartFile]) -> Map<String, Value> {
        let mut all: Map<String, Value> =
            files.iter().map(|file| (file.id.clone(), of_file(file))).collect();
        all.extend(self.online.clone());
        all
    }

    /// In the form that clients of version 1 read.
    pub(crate) fn all_v1(&self, files: &[ChartFile]) -> Map<String, Value> {
        self.all(files).into_iter().map(|(id, chart)| (id, v1(chart))).collect()
    }
}

fn of_file(file: &ChartFile) -> Value {
    let mut chart = Map::new();
    let mut set = |name: &str, value: Value| drop(chart.insert(name.to_owned(), value));
    set("identifier", file.id.as_str().into());
    set("name", file.name.as_str().into());
    set("description", file.description.as_str().into());
    if let Some(bounds) = file.bounds {
        set("bounds", bounds.iter().map(|degrees| signalk_model::json::number(*degrees)).collect());
    }
    set("minzoom", file.min_zoom.into());
    set("maxzoom", file.max_zoom.into());
    set("format", file.format.as_str().into());
    set("type", "tilelayer".into());
    set("scale", signalk_model::json::number(file.scale));
    set("url", format!("{TILES}/{}/{{z}}/{{x}}/{{y}}", encoded(&file.id)).into());
    set("layers", file.layers.clone().into());
    Value::Object(chart)
}

/// Version 1 has other names for address and layers.
fn v1(chart: Value) -> Value {
    let Value::Object(mut chart) = chart else { return chart };
    for (from, to) in [("url", "tilemapUrl"), ("layers", "chartLayers")] {
        if let Some(value) = chart.shift_remove(from) {
            chart.insert(to.to_owned(), value);
        }
    }
    Value::Object(chart)
}

fn online_chart(row: &Value) -> Result<(String, Value), String> {
    let text = |name: &str| row.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = text("name").ok_or("an online chart has no name and is left out")?;
    let url = text("url")
        .ok_or_else(|| format!("the online chart `{name}` has no url and is left out"))?;
    if row.get("proxy") == Some(&Value::Bool(true)) {
        return Err(format!(
            "the online chart `{name}` is to be fetched and kept by the server, which is not supported; it is left out"
        ));
    }
    let zoom = |name: &str, other: f64| {
        signalk_model::json::number(
            row.get(name).and_then(Value::as_f64).unwrap_or(other).clamp(1.0, 24.0),
        )
    };
    let id = kebab(name);
    let chart = json!({
        "identifier": id,
        "name": name,
        "description": row.get("description").cloned().unwrap_or_default(),
        "bounds": [-180, -90, 180, 90],
        "minzoom": zoom("minzoom", 1.0),
        "maxzoom": zoom("maxzoom", 15.0),
        "format": text("format").unwrap_or("png"),
        "scale": 250_000,
        "type": text("serverType").unwrap_or("tilelayer"),
        "style": row.get("style").cloned().unwrap_or_default(),
        "url": url,
        "layers": row.get("layers").cloned().unwrap_or_default(),
    });
    Ok((id, chart))
}

/// `Sea Chart (West)` is `sea-chart-west`.
fn kebab(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// A file's name in an address.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte))
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> ChartFile {
        ChartFile {
            id: "my chart".into(),
            name: "My chart".into(),
            description: String::new(),
            bounds: Some([24.0, 60.0, 25.5, 61.0]),
            min_zoom: 3,
            max_zoom: 15,
            format: "png".into(),
            scale: 250_000.0,
            layers: Vec::new(),
            file: None,
        }
    }

    #[test]
    fn a_chart_file_is_described_as_the_charts_plugin_describes_it() {
        let (options, complaints) = ChartOptions::parse(None);
        assert!(complaints.is_empty());
        assert_eq!(options.folders, ["charts"]);
        assert_eq!(
            Value::Object(options.all(&[file()])).to_string(),
            r#"{"my chart":{"identifier":"my chart","name":"My chart","description":"","bounds":[24,60,25.5,61],"minzoom":3,"maxzoom":15,"format":"png","type":"tilelayer","scale":250000,"url":"/signalk/chart-tiles/my%20chart/{z}/{x}/{y}","layers":[]}}"#
        );
        let v1 = Value::Object(options.all_v1(&[file()])).to_string();
        assert!(
            v1.ends_with(
                r#""tilemapUrl":"/signalk/chart-tiles/my%20chart/{z}/{x}/{y}","chartLayers":[]}}"#
            ),
            "{v1}"
        );
    }

    #[test]
    fn folders_and_online_charts_come_from_the_options_of_the_charts_plugin() {
        let text = json!({ "configuration": { "chartPaths": ["/media/charts", "", "more", "more"], "onlineChartProviders": [
            { "name": "Sea Chart (West)", "url": "http://x.example/{z}/{x}/{y}.png", "minzoom": 0, "maxzoom": 30, "format": "png" },
            { "name": "kept", "url": "http://x.example", "proxy": true },
            { "name": "nowhere" },
        ] } });
        let (options, complaints) = ChartOptions::parse(Some(&text.to_string()));
        assert_eq!(options.folders, ["/media/charts", "more"]);
        let all = options.all(&[]);
        assert_eq!(all.keys().collect::<Vec<_>>(), ["sea-chart-west"]);
        assert_eq!(all["sea-chart-west"]["maxzoom"], 24);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].contains("kept") && complaints[1].contains("nowhere"));
        let (_, complaints) = ChartOptions::parse(Some("{"));
        assert!(complaints[0].contains("charts.json"));
    }
}
