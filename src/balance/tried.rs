/// Which peers of a list a request has asked: a bit each, on the heap only past 64.
#[derive(Clone, Debug, Default)]
pub(super) struct Tried {
    first: u64,
    rest: Vec<u64>,
}

impl Tried {
    pub(super) fn contains(&self, index: usize) -> bool {
        let bits = match index / 64 {
            0 => self.first,
            word => self.rest.get(word - 1).copied().unwrap_or(0),
        };
        bits >> (index % 64) & 1 == 1
    }

    pub(super) fn insert(&mut self, index: usize) {
        match index / 64 {
            0 => self.first |= 1 << index,
            word => {
                if self.rest.len() < word {
                    self.rest.resize(word, 0);
                }
                self.rest[word - 1] |= 1 << (index % 64);
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.first = 0;
        self.rest.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_is_its_own() {
        let mut tried = Tried::default();
        for index in [0, 63, 64, 127, 128, 500] {
            assert!(!tried.contains(index));
            tried.insert(index);
            assert!(tried.contains(index));
            assert!(!tried.contains(index + 1));
        }
        tried.clear();
        assert!((0..600).all(|index| !tried.contains(index)));
    }
}
