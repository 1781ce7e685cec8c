/// How the body of a request is taken in before and during attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum RequestBuffering {
    /// Read everything before a peer is chosen; more than `max` bytes is refused with 413.
    On {
        /// Bytes a body may have (`client_max_body_size`).
        max: usize,
    },
    /// Forward as it arrives; only a body that is already complete can be sent again (NU-12).
    Off,
    /// Forward as it arrives and remember up to `limit` bytes to send them again.
    Replay {
        /// Bytes remembered; past it a started request is not repeated.
        limit: usize,
    },
}

impl Default for RequestBuffering {
    fn default() -> Self {
        Self::Replay { limit: 64 * 1024 }
    }
}
