//! Which resources a list means: `limit`, `bbox`, `position` with `distance`, `href`, `group`, as the reference's
//! provider understands them. Shapes count by their corners: a leg that only crosses the box is not in it.

use serde_json::{Map, Value};

/// The parameters of a list that choose.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Notes carry their position in another place than shapes.
    pub(super) notes: bool,
    pub(super) limit: Option<usize>,
    /// Centre (longitude, latitude) and metres.
    pub(super) near: Option<((f64, f64), f64)>,
    /// Two corners: longitude, latitude, longitude, latitude.
    pub(super) bbox: Option<[f64; 4]>,
    pub(super) href: Option<String>,
    pub(super) group: Option<Value>,
}

impl Filter {
    /// From parameters. `here`: where the own vessel is, for a `distance` without a `position`.
    ///
    /// # Errors
    /// A parameter that is not what it should be, in the reference's words.
    pub(crate) fn from_query(
        kind: &str,
        query: &Map<String, Value>,
        here: Option<(f64, f64)>,
    ) -> Result<Filter, String> {
        let limit = query.get("limit").map(number).transpose()?;
        let bbox = query.get("bbox").map(numbers).transpose()?;
        let bbox = match bbox.as_deref() {
            None => None,
            Some([a, b, c, d]) => Some([*a, *b, *c, *d]),
            Some(other) => {
                return Err(format!("Bounding box contains invalid coordinate value ({other:?})"));
            }
        };
        let distance = query.get("distance").map(number).transpose()?;
        let position = match query.get("position").filter(|value| !value.is_null()) {
            Some(value) => match numbers(value)?.as_slice() {
                [longitude, latitude, ..] => Some((*longitude, *latitude)),
                _ => return Err(format!("Supplied value is not valid! (Array<number>) ({value})")),
            },
            None => here,
        };
        Ok(Filter {
            notes: kind == "notes",
            limit: limit.filter(|limit| *limit >= 1.0).and_then(whole),
            near: position.zip(distance),
            bbox,
            href: query.get("href").and_then(Value::as_str).map(str::to_owned),
            group: query.get("group").cloned(),
        })
    }

    /// Whether the resource is meant.
    pub(crate) fn passes(&self, resource: &Map<String, Value>) -> bool {
        let near = |(centre, distance): ((f64, f64), f64)| {
            self.any_point(resource, |point| metres(point, centre) < distance)
        };
        // A resource that is nowhere is near everything and in no box, as in the reference.
        self.near.is_none_or(|wanted| near(wanted).unwrap_or(true))
            && self.href.as_ref().is_none_or(|wanted| {
                let own =
                    resource.get("href").and_then(Value::as_str).filter(|href| !href.is_empty());
                own.is_some_and(|own| target(own) == target(wanted))
            })
            && self.group.as_ref().is_none_or(|wanted| resource.get("group") == Some(wanted))
            && self.bbox.is_none_or(|bbox| self.is_inside(resource, bbox))
    }

    fn is_inside(&self, resource: &Map<String, Value>, bbox: [f64; 4]) -> bool {
        if self.notes && !truthy(resource.get("position")) {
            let cell = resource.get("geohash").and_then(Value::as_str).map(geohash_centre);
            return cell.is_some_and(|centre| in_box(centre, bbox));
        }
        self.any_point(resource, |point| in_box(point, bbox)).unwrap_or(false)
    }

    /// Whether any of its points is; `None`: it has none that could be looked at.
    fn any_point(
        &self,
        resource: &Map<String, Value>,
        is: impl Fn((f64, f64)) -> bool + Copy,
    ) -> Option<bool> {
        if self.notes
            && let Some(position) = resource.get("position").filter(|value| truthy(Some(value)))
        {
            return Some(point(position).is_some_and(is));
        }
        let geometry = resource.get("feature")?.get("geometry")?;
        let coordinates = geometry.get("coordinates")?;
        let depth = match geometry.get("type")?.as_str()? {
            "Point" => 0,
            "LineString" => 1,
            "MultiLineString" | "Polygon" => 2,
            "MultiPolygon" => 3,
            _ => return None,
        };
        Some(any_at(coordinates, depth, is))
    }
}

fn any_at(coordinates: &Value, depth: u8, is: impl Fn((f64, f64)) -> bool + Copy) -> bool {
    match depth {
        0 => point(coordinates).is_some_and(is),
        _ => coordinates.as_array().into_iter().flatten().any(|part| any_at(part, depth - 1, is)),
    }
}

/// (longitude, latitude) of `[longitude, latitude]` or `{longitude, latitude}`.
fn point(value: &Value) -> Option<(f64, f64)> {
    match value {
        Value::Array(items) => Some((items.first()?.as_f64()?, items.get(1)?.as_f64()?)),
        _ => Some((value.get("longitude")?.as_f64()?, value.get("latitude")?.as_f64()?)),
    }
}

/// Great circle on a sphere, to the metre, as the reference's geometry library has it.
fn metres(from: (f64, f64), to: (f64, f64)) -> f64 {
    let (from_lon, from_lat) = (from.0.to_radians(), from.1.to_radians());
    let (to_lon, to_lat) = (to.0.to_radians(), to.1.to_radians());
    let cosine = libm::sin(to_lat) * libm::sin(from_lat)
        + libm::cos(to_lat) * libm::cos(from_lat) * libm::cos(from_lon - to_lon);
    libm::round(libm::acos(cosine.clamp(-1.0, 1.0)) * EARTH_RADIUS)
}

/// Even-odd rule over the corners, so that corners in any order mean the same box.
fn in_box((lon, lat): (f64, f64), [lon1, lat1, lon2, lat2]: [f64; 4]) -> bool {
    let corners = [(lon1, lat1), (lon1, lat2), (lon2, lat2), (lon2, lat1), (lon1, lat1)];
    let mut inside = false;
    let mut before = (lon1, lat1);
    for corner in corners {
        let crosses = (corner.0 <= lon && lon < before.0) || (before.0 <= lon && lon < corner.0);
        if crosses
            && lat < (before.1 - corner.1) * (lon - corner.0) / (before.0 - corner.0) + corner.1
        {
            inside = !inside;
        }
        before = corner;
    }
    inside
}

/// The middle of the cell of a geohash: (longitude, latitude).
fn geohash_centre(hash: &str) -> (f64, f64) {
    let (mut lon, mut lat) = ((-180.0, 180.0), (-90.0, 90.0));
    let mut is_lon = true;
    for letter in hash.chars().map(|letter| letter.to_ascii_lowercase()) {
        let code = GEOHASH.find(letter).unwrap_or(0);
        for bit in [16, 8, 4, 2, 1] {
            let range: &mut (f64, f64) = if is_lon { &mut lon } else { &mut lat };
            let middle = f64::midpoint(range.0, range.1);
            if code & bit == 0 {
                range.1 = middle;
            } else {
                range.0 = middle;
            }
            is_lon = !is_lon;
        }
    }
    (f64::midpoint(lon.0, lon.1), f64::midpoint(lat.0, lat.1))
}

/// Type and id of a reference; a bare id means a region.
fn target(href: &str) -> (&str, &str) {
    let mut parts = href.rsplit('/');
    let id = parts.next().unwrap_or_default();
    let kind = parts.next().filter(|_| href.matches('/').count() > 1).unwrap_or("regions");
    (kind, id)
}

fn truthy(value: Option<&Value>) -> bool {
    !matches!(value, None | Some(Value::Null | Value::Bool(false)))
}

fn number(value: &Value) -> Result<f64, String> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number
        .filter(|number| number.is_finite())
        .ok_or_else(|| format!("Supplied value is not a number! ({value})"))
}

fn numbers(value: &Value) -> Result<Vec<f64>, String> {
    let Value::Array(items) = value else {
        return Err(format!("Supplied value is not valid! (Array<number>) ({value})"));
    };
    let wrong = |_| format!("Supplied value is not a number array! (Array<number>) ({value})");
    items.iter().map(number).collect::<Result<_, _>>().map_err(wrong)
}

/// A count; nobody has more than this.
fn whole(number: f64) -> Option<usize> {
    format!("{:.0}", number.floor().min(1e9)).parse().ok()
}

const EARTH_RADIUS: f64 = 6_378_137.0;

const GEOHASH: &str = "0123456789bcdefghjkmnpqrstuvwxyz";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filter(kind: &str, query: Value) -> Filter {
        Filter::from_query(kind, query.as_object().unwrap(), Some((24.9, 60.1))).unwrap()
    }

    fn passes(kind: &str, query: Value, resource: Value) -> bool {
        filter(kind, query).passes(resource.as_object().unwrap())
    }

    fn shape(kind: &str, coordinates: Value) -> Value {
        json!({ "feature": { "geometry": { "type": kind, "coordinates": coordinates } } })
    }

    #[test]
    fn a_box_holds_points_corners_of_shapes_and_notes() {
        let bbox = json!({ "bbox": [24, 60, 26, 61] });
        assert!(passes("waypoints", bbox.clone(), shape("Point", json!([24.9, 60.1]))));
        assert!(!passes("waypoints", bbox.clone(), shape("Point", json!([23.9, 60.1]))));
        assert!(passes(
            "waypoints",
            json!({ "bbox": [26, 61, 24, 60] }),
            shape("Point", json!([24.9, 60.1]))
        ));
        assert!(passes("routes", bbox.clone(), shape("LineString", json!([[0, 0], [25, 60.5]]))));
        assert!(!passes(
            "routes",
            bbox.clone(),
            shape("LineString", json!([[20, 60.5], [30, 60.5]]))
        ));
        assert!(passes(
            "regions",
            bbox.clone(),
            shape("MultiPolygon", json!([[[[0, 0], [25, 60.5]]]]))
        ));
        assert!(passes(
            "notes",
            bbox.clone(),
            json!({ "position": { "longitude": 25, "latitude": 60.5 } })
        ));
        assert!(passes("notes", bbox.clone(), json!({ "geohash": "udcb" })));
        assert!(!passes("notes", bbox.clone(), json!({ "href": "/resources/regions/x" })));
        assert!(!passes("tracks", bbox, json!({})));
    }

    #[test]
    fn distance_is_from_the_position_or_from_the_own_vessel() {
        let near = shape("Point", json!([24.901, 60.1]));
        assert!(passes("waypoints", json!({ "distance": 100 }), near.clone()));
        assert!(!passes("waypoints", json!({ "distance": 50 }), near.clone()));
        assert!(!passes("waypoints", json!({ "distance": 100, "position": [0, 0] }), near));
        assert!(passes("waypoints", json!({ "distance": 100 }), json!({ "name": "nowhere" })));
        let (a, b) = ((24.9, 60.1), (25.0, 60.2));
        assert_eq!(metres(a, b), 12435.0);
    }

    #[test]
    fn a_note_is_found_by_what_it_is_about() {
        let note = json!({ "href": "/resources/regions/ac3a3b2d-07e8-4f25-92bc-98e7c92f7f1a" });
        assert!(passes(
            "notes",
            json!({ "href": "ac3a3b2d-07e8-4f25-92bc-98e7c92f7f1a" }),
            note.clone()
        ));
        assert!(!passes(
            "notes",
            json!({ "href": "/resources/waypoints/ac3a3b2d-07e8-4f25-92bc-98e7c92f7f1a" }),
            note
        ));
        assert!(!passes("notes", json!({ "href": "x" }), json!({})));
    }

    #[test]
    fn parameters_that_are_none_are_refused() {
        let refused = |query: Value| {
            Filter::from_query("tracks", query.as_object().unwrap(), None).unwrap_err()
        };
        assert!(refused(json!({ "limit": "many" })).contains("not a number"));
        assert!(refused(json!({ "bbox": [1, 2, 3] })).contains("Bounding box"));
        assert!(refused(json!({ "position": "here" })).contains("Array<number>"));
    }
}
