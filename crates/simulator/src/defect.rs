//! Faults of a server that promises too much. With one of them a seed must fail: that is how the simulator is tested
//! itself.

use chat::effect::Effect;
use chat::event::{Event, What};

/// What is wrong with the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Defect {
    /// The log says "committed" and has not kept what was said.
    LogLosesMessages,
    /// Some messages do not reach one shard.
    LosesMessages,
    /// Some messages reach one shard twice.
    RepeatsMessages,
    /// Some messages change places with what came before.
    SwapsMessages,
    /// Some who come into a room are not shown to those who are there.
    HidesNewcomers,
    /// Some who have left a room go on to hear it.
    LetsLeaversListen,
    /// Some refusals are not told.
    SwallowsRefusals,
    /// What is not on disk yet is shown already.
    ShowsTooEarly,
    /// The log says "committed" and has not kept what happened in rooms.
    LogLosesEvents,
    /// After a start it is no longer known which keys were used (parlor/once).
    ForgetsKeys,
}

pub const ALL: [Defect; 10] = [
    Defect::LogLosesMessages,
    Defect::LosesMessages,
    Defect::RepeatsMessages,
    Defect::SwapsMessages,
    Defect::HidesNewcomers,
    Defect::LetsLeaversListen,
    Defect::SwallowsRefusals,
    Defect::ShowsTooEarly,
    Defect::LogLosesEvents,
    Defect::ForgetsKeys,
];

/// Every so many effects of its kind one is spoiled.
const ONE_IN: u64 = 16;

/// Carries a [`Defect`] out on its way to the shards.
#[derive(Debug)]
pub struct Spoiler {
    defect: Defect,
    count: u64,
}

impl Spoiler {
    pub fn new(defect: Defect) -> Spoiler {
        Spoiler { defect, count: 0 }
    }

    /// Queues an effect for a shard, or what the defect makes of it.
    pub fn queue(&mut self, effect: Effect, queue: &mut std::collections::VecDeque<Effect>) {
        if !self.is_meant(&effect) || !self.is_its_turn() {
            return queue.push_back(effect);
        }
        match self.defect {
            Defect::RepeatsMessages => {
                queue.push_back(effect.clone());
                queue.push_back(effect);
            }
            Defect::SwapsMessages => {
                let before = queue.pop_back();
                queue.push_back(effect);
                queue.extend(before);
            }
            _ => {}
        }
    }

    fn is_meant(&self, effect: &Effect) -> bool {
        let event = match effect {
            Effect::ToRoom { event, .. } => Some(event),
            _ => None,
        };
        match self.defect {
            Defect::LosesMessages | Defect::RepeatsMessages | Defect::SwapsMessages => {
                matches!(event, Some(Event::Posted(_)))
            }
            Defect::HidesNewcomers => matches!(
                event,
                Some(Event::Happened(happening)) if matches!(happening.what, What::Joined { .. })
            ),
            Defect::LetsLeaversListen => matches!(effect, Effect::Leave { .. }),
            Defect::SwallowsRefusals => {
                matches!(effect, Effect::Answer { answer: chat::query::Answer::Refused(_), .. })
            }
            Defect::LogLosesMessages | Defect::ShowsTooEarly | Defect::LogLosesEvents | Defect::ForgetsKeys => false,
        }
    }

    fn is_its_turn(&mut self) -> bool {
        self.count += 1;
        self.count.is_multiple_of(ONE_IN)
    }
}
