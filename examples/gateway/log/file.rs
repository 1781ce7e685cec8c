//! A log file: lines gather while the thread is busy and are written before it rests.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Lines past this many bytes are written at once.
const ENOUGH: usize = 64 * 1024;

/// A worker's hold on one log file. What is still unwritten when it is dropped is written then.
#[derive(Debug)]
pub struct File {
    lines: Mutex<Lines>,
    /// Told when lines are waiting.
    waiting: Arc<Notify>,
}

#[derive(Debug)]
struct Lines {
    file: fs::File,
    unwritten: Vec<u8>,
}

impl File {
    /// Opens `path` to append to it. `waiting` is told when there is something to [`flush`](Self::flush).
    pub fn open(path: &Path, waiting: Arc<Notify>) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        let unwritten = Vec::new();
        Ok(Self {
            lines: Mutex::new(Lines { file, unwritten }),
            waiting,
        })
    }

    /// Adds a line, its end included.
    pub fn add(&self, line: &[u8]) {
        let mut lines = self.lock();
        let first = lines.unwritten.is_empty();
        lines.unwritten.extend_from_slice(line);
        if lines.unwritten.len() > ENOUGH {
            lines.write();
        } else if first {
            self.waiting.notify_one();
        }
    }

    /// Writes what has gathered.
    pub fn flush(&self) {
        self.lock().write();
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn write(&mut self) {
        if !self.unwritten.is_empty() {
            // A full disk must not stop the traffic; the lines are lost.
            let _ = self.file.write_all(&self.unwritten);
            self.unwritten.clear();
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.flush();
    }
}
