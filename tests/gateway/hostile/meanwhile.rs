//! How the others fare.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::Siege;

/// How long anybody else may wait, on a machine that is busy with the attack itself.
const BOUND: Duration = Duration::from_secs(2);

/// What somebody who means no harm waited for each answer.
pub(super) struct Meanwhile {
    waits: Vec<Duration>,
}

impl Siege {
    /// Asks for `/calm` again and again while `attack` is under way, at least once.
    pub(super) fn while_served<T: Send>(
        &self,
        attack: impl FnOnce() -> T + Send,
    ) -> (T, Meanwhile) {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let others = scope.spawn(|| {
                let mut waits = Vec::new();
                while waits.is_empty() || !over.load(Relaxed) {
                    let start = Instant::now();
                    self.serves();
                    waits.push(start.elapsed());
                    thread::sleep(Duration::from_millis(5));
                }
                waits
            });
            let came = attack();
            over.store(true, Relaxed);
            let waits = others.join().expect("the others are served");
            (came, Meanwhile { waits })
        })
    }

    /// Bytes resident now.
    pub(super) fn memory_now(&self) -> u64 {
        self.memory_of("VmRSS:")
    }
}

impl Meanwhile {
    /// Says how it was, and asserts that nobody waited too long.
    pub(super) fn assert_bearable(mut self, what: &str, siege: &Siege) {
        self.waits.sort_unstable();
        let worst = self.waits[self.waits.len() - 1];
        let usual = self.waits[self.waits.len() / 2];
        let [before, now, most] =
            [siege.memory, siege.memory_now(), siege.peak_memory()].map(|bytes| bytes / 1024);
        eprintln!(
            "{what}: {} others waited {usual:.1?}, at worst {worst:.1?}; memory {before} kB before, \
             {now} kB now, at most {most} kB",
            self.waits.len()
        );
        assert!(worst < BOUND, "{what}: somebody waited {worst:?}");
    }
}
