//! What one subscriber may have, and what it is told of what it may not.

use crate::subscription::MAX_ROWS;

/// Most rows of one subscriber that must be tried on every new path, or asked for every value: with stars, and by
/// distance.
pub(super) const MAX_COSTLY: usize = 200;
/// Most contexts for which one subscriber is told new paths: each costs a lookup for each value, and a list of all
/// paths.
pub(super) const MAX_ANNOUNCERS: usize = 4;

/// What of a message was not taken, because the receiver has too much already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use]
pub struct Refused {
    /// Rows.
    pub rows: usize,
    /// The wish to be told new paths.
    pub announcement: bool,
}

impl Refused {
    /// What to tell the receiver, with the bounds and the remedy; none when everything was taken.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let rows = (self.rows > 0).then(|| {
            format!(
                "{} rows were not added: a client may have {MAX_ROWS}, {MAX_COSTLY} of them with \
                 stars or by distance; unsubscribe from others first",
                self.rows
            )
        });
        let announcement = self.announcement.then(|| {
            format!(
                "announceNewPaths ignored: a client may have it for {MAX_ANNOUNCERS} contexts; \
                 unsubscribe first"
            )
        });
        rows.into_iter().chain(announcement)
    }
}
