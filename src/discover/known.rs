/// What a stream of changes has told so far, in the order in which it became known.
#[derive(Clone, Debug)]
pub(super) struct Known<K, T>(Vec<(K, T)>);

impl<K: Eq, T> Known<K, T> {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    /// In the place of the one of that key, or behind all others.
    pub(super) fn insert(&mut self, key: K, value: T) {
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = value,
            None => self.0.push((key, value)),
        }
    }

    /// False if there was none.
    pub(super) fn remove(&mut self, key: &K) -> bool {
        let at = self.0.iter().position(|(known, _)| known == key);
        at.map(|at| self.0.remove(at)).is_some()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_replaced_keeps_the_place() {
        let mut known = Known::new();
        for (key, value) in [('a', 1), ('b', 2), ('c', 3), ('b', 4)] {
            known.insert(key, value);
        }
        assert!(known.values().eq(&[1, 4, 3]));
        assert!(known.remove(&'a') && !known.remove(&'a'));
        known.insert('a', 5);
        assert!(known.values().eq(&[4, 3, 5]));
    }
}
