//! Holds steps in order of arrival, in blocks, so that evicted steps give their memory back.

use std::collections::VecDeque;

use crate::model::Step;

/// Steps, the oldest first.
#[derive(Default)]
pub struct Steps {
    blocks: VecDeque<VecDeque<Step>>,
    /// An empty block for reuse.
    spare: VecDeque<Step>,
}

/// Number of steps in a block, which takes on the order of 100 KB.
const BLOCK: usize = 512;

impl Steps {
    /// Adds the newest step.
    pub fn push(&mut self, step: Step) {
        match self.blocks.back_mut().filter(|block| block.len() < BLOCK) {
            Some(block) => block.push_back(step),
            None => {
                let mut block = std::mem::take(&mut self.spare);
                block.reserve_exact(BLOCK);
                block.push_back(step);
                self.blocks.push_back(block);
            }
        }
    }

    /// Removes and returns the oldest step.
    pub fn pop(&mut self) -> Option<Step> {
        let block = self.blocks.front_mut()?;
        let step = block.pop_front();
        if block.is_empty() {
            self.spare = self.blocks.pop_front().unwrap_or_default();
        }
        step
    }

    /// Appends all steps to `steps`, block by block, so that there are never two copies of many.
    pub fn append_to(self, steps: &mut Vec<Step>) {
        steps.reserve_exact(self.blocks.iter().map(VecDeque::len).sum());
        self.blocks.into_iter().for_each(|block| steps.extend(block));
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::step, BLOCK, Steps};

    #[test]
    fn first_in_first_out() {
        let mut steps = Steps::default();
        let ids = 0..(BLOCK as u64 * 2 + 7);
        ids.clone().for_each(|id| steps.push(step(id, 1, false)));
        let taken: Vec<_> = (0..BLOCK + 1).filter_map(|_| steps.pop()).map(|step| step.packet).collect();
        let mut rest = Vec::new();
        steps.append_to(&mut rest);
        assert!(taken.into_iter().chain(rest.into_iter().map(|step| step.packet)).eq(ids));
    }
}
