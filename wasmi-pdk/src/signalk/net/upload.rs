//! A request by HTTP whose body is sent in pieces.

use serde::{Deserialize, Serialize};

use super::http::Wire;
use super::{Owned, Request, Response};
use crate::signalk::bytes::Base64;
use crate::{Host, Result};

/// The most bytes that the host takes at once.
const PIECE: usize = 64 << 10;

/// A request whose body has not ended. Dropping it gives the request up: no server takes what was
/// sent for a whole body.
pub struct Upload {
    owned: Owned,
}

#[derive(Serialize)]
struct Begin<'a> {
    #[serde(flatten)]
    request: &'a Request,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
}

#[derive(Deserialize)]
struct Begun {
    request: u64,
}

impl Upload {
    pub(super) async fn begin(host: &Host, request: &Request, length: Option<u64>) -> Result<Self> {
        let begun = host.call::<Begun>("http.open", Begin { request, length }).await?;
        let owned = Owned { host: host.clone(), number: begun.request, close: "http.cancel" };
        Ok(Upload { owned })
    }

    /// Writes a part of the body, of any length; done when the server has taken most of it. When the
    /// server has answered already it goes nowhere.
    ///
    /// # Errors
    /// The request failed, or more than the promised length.
    pub async fn write(&self, data: &[u8]) -> Result<()> {
        for piece in data.chunks(PIECE) {
            self.owned.host.call::<()>("http.send", (self.owned.number, Base64(piece))).await?;
        }
        Ok(())
    }

    /// Ends the body; the whole answer.
    ///
    /// # Errors
    /// As [`Request::send`]; or the body has another length than promised.
    pub async fn finish(self) -> Result<Response> {
        self.owned.host.call::<Wire>("http.finish", (self.owned.number,)).await?.whole()
    }
}
