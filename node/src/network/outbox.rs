//! Frames that wait until there is somebody to send them to.

use std::collections::VecDeque;

/// Bounded in number and bytes; the oldest give way.
#[derive(Debug)]
pub(super) struct Outbox {
    frames: VecDeque<Vec<u8>>,
    bytes: usize,
    max_frames: usize,
    max_bytes: usize,
}

impl Outbox {
    pub(super) fn new(max_frames: usize, max_bytes: usize) -> Self {
        Outbox {
            frames: VecDeque::new(),
            bytes: 0,
            max_frames,
            max_bytes,
        }
    }

    /// Adds a frame. Returns how many others were dropped for it.
    pub(super) fn push(&mut self, frame: Vec<u8>) -> u64 {
        self.bytes += frame.len();
        self.frames.push_back(frame);
        let mut dropped = 0;
        while self.frames.len() > self.max_frames || self.bytes > self.max_bytes {
            let Some(oldest) = self.frames.pop_front() else {
                break;
            };
            self.bytes -= oldest.len();
            dropped += 1;
        }
        dropped
    }

    /// How many frames wait, and how many bytes they have.
    pub(super) fn waiting(&self) -> (usize, usize) {
        (self.frames.len(), self.bytes)
    }

    /// Takes the oldest frame.
    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.len();
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_give_way() {
        let mut outbox = Outbox::new(3, 10);
        assert_eq!(outbox.push(vec![1; 4]), 0);
        assert_eq!(outbox.push(vec![2; 4]), 0);
        assert_eq!(outbox.push(vec![3; 4]), 1, "by bytes");
        assert_eq!(outbox.push(vec![4; 1]), 0);
        assert_eq!(outbox.push(vec![5; 1]), 1, "by number");
        let left: Vec<u8> = std::iter::from_fn(|| outbox.pop()).map(|f| f[0]).collect();
        assert_eq!(left, [3, 4, 5]);
        assert_eq!(outbox.waiting(), (0, 0));
    }
}
