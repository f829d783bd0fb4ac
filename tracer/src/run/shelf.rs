//! Steps in the order in which they came, in pieces: what is taken away gives its memory back.

use std::collections::VecDeque;

use crate::model::Step;

/// Steps, the oldest first.
#[derive(Default)]
pub struct Shelf {
    pieces: VecDeque<VecDeque<Step>>,
    /// An empty piece, for the next that is needed.
    spare: VecDeque<Step>,
}

/// Steps in a piece: some hundred kilobytes.
const PIECE: usize = 512;

impl Shelf {
    /// Adds the newest.
    pub fn push(&mut self, step: Step) {
        match self.pieces.back_mut().filter(|piece| piece.len() < PIECE) {
            Some(piece) => piece.push_back(step),
            None => {
                let mut piece = std::mem::take(&mut self.spare);
                piece.reserve_exact(PIECE);
                piece.push_back(step);
                self.pieces.push_back(piece);
            }
        }
    }

    /// Takes the oldest away.
    pub fn pop(&mut self) -> Option<Step> {
        let piece = self.pieces.front_mut()?;
        let step = piece.pop_front();
        if piece.is_empty() {
            self.spare = self.pieces.pop_front().unwrap_or_default();
        }
        step
    }

    /// All of them in one, piece by piece: there are never two copies of many.
    pub fn append_to(self, steps: &mut Vec<Step>) {
        steps.reserve_exact(self.pieces.iter().map(VecDeque::len).sum());
        self.pieces.into_iter().for_each(|piece| steps.extend(piece));
    }
}

#[cfg(test)]
mod tests {
    use super::{PIECE, Shelf};
    use crate::run::kept::tests::step;

    #[test]
    fn first_in_first_out() {
        let mut shelf = Shelf::default();
        let ids = 0..(PIECE as u64 * 2 + 7);
        ids.clone().for_each(|id| shelf.push(step(id, 1, false)));
        let taken: Vec<_> = (0..PIECE + 1).filter_map(|_| shelf.pop()).map(|step| step.packet).collect();
        let mut rest = Vec::new();
        shelf.append_to(&mut rest);
        assert!(taken.into_iter().chain(rest.into_iter().map(|step| step.packet)).eq(ids));
    }
}
