//! Which contexts a subscription means: by name, by distance, all or none (server-api.md 3.3).

use std::hash::{Hash, Hasher};

use crate::names::Context;
use crate::pattern::Pattern;

/// Which contexts a row means.
#[derive(Debug, Clone, PartialEq)]
pub enum ContextSelector {
    /// Every context.
    All,
    /// Contexts by name; `vessels.self` and `self` mean this vessel too.
    Named(Pattern),
    /// Contexts whose last `navigation.position` lies within `radius` metres.
    Around {
        /// In metres.
        radius: f64,
        /// In degrees, positive to north.
        latitude: f64,
        /// In degrees, positive to east.
        longitude: f64,
    },
    /// None: the message did not say where.
    Nothing,
}

/// Positions come from JSON: none of their numbers is NaN.
impl Eq for ContextSelector {}

impl Hash for ContextSelector {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::All | Self::Nothing => {}
            Self::Named(pattern) => pattern.hash(state),
            Self::Around { radius, latitude, longitude } => {
                // Both zeros are the same number.
                [radius, latitude, longitude].map(|number| (number + 0.0).to_bits()).hash(state);
            }
        }
    }
}

impl ContextSelector {
    /// By name, as in a message.
    pub fn named(text: &str) -> Self {
        match text {
            "*" => Self::All,
            text => Self::Named(Pattern::new(text)),
        }
    }

    /// Whether the selector means `context`; `position` is asked where a distance decides.
    pub fn matches(
        &self,
        context: &Context,
        self_context: &Context,
        position: impl FnOnce() -> Option<(f64, f64)>,
    ) -> bool {
        match self {
            Self::Around { radius, latitude, longitude } => {
                position().is_some_and(|there| distance((*latitude, *longitude), there) <= *radius)
            }
            _ => self.matches_name(context, self_context),
        }
    }

    /// As `matches`, where the name alone decides.
    pub(crate) fn matches_name(&self, context: &Context, self_context: &Context) -> bool {
        match self {
            Self::All => true,
            Self::Named(pattern) => {
                pattern.matches(context)
                    || (context == self_context
                        && matches!(pattern.as_str(), "vessels.self" | "self"))
            }
            Self::Around { .. } | Self::Nothing => false,
        }
    }
}

/// Metres between two positions in degrees, on a sphere.
fn distance(from: (f64, f64), to: (f64, f64)) -> f64 {
    const EARTH_RADIUS: f64 = 6_371_008.8;
    let (lat1, lat2) = (from.0.to_radians(), to.0.to_radians());
    let half_lat = ((lat2 - lat1) / 2.0).sin();
    let half_lon = ((to.1 - from.1).to_radians() / 2.0).sin();
    let h = half_lat * half_lat + lat1.cos() * lat2.cos() * half_lon * half_lon;
    2.0 * EARTH_RADIUS * h.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn self_is_this_vessel_and_a_circle_is_on_the_earth() {
        let own = Context::from("vessels.urn:a");
        let other = Context::from("vessels.urn:b");
        let nowhere = || None;
        for text in ["self", "vessels.self", "vessels.*", "*", "vessels.urn:a"] {
            assert!(ContextSelector::named(text).matches(&own, &own, nowhere), "{text}");
        }
        assert!(!ContextSelector::named("vessels.self").matches(&other, &own, nowhere));
        let around = ContextSelector::Around { radius: 2000.0, latitude: 60.0, longitude: 25.0 };
        assert!(around.matches(&other, &own, || Some((60.01, 25.0))));
        assert!(!around.matches(&other, &own, || Some((60.02, 25.0))));
        assert!(!around.matches(&other, &own, nowhere));
    }
}
