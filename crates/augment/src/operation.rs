//! Operations on single images. Each has its options, defaults, checks, words and pixels together in one place.

use bakeoff_random::Stream;

use crate::Pixels;
use crate::colour::Change;
use crate::keys::Keys;
use crate::normalisation::Centre;
use crate::start::Start;

/// What every operation can do.
pub(crate) trait Operation {
    /// As a study file writes it.
    fn kind(&self) -> &'static str;

    /// Tells everything wrong with its numbers.
    fn check(&self, keys: &mut Keys);

    /// One line for the plan and the report, with its numbers.
    fn describe(&self) -> String;

    /// [`Operation::describe`] where it matters how the image began.
    fn describe_after(&self, _start: &Start) -> String {
        self.describe()
    }

    /// The start it makes, where it begins at the photograph; it has no line of its own then.
    fn start(&self, _image: usize) -> Option<Start> {
        None
    }

    /// What it does, with drawn numbers, where that is no more than to change colours.
    fn changes(&self, _stream: &mut Stream) -> Option<Vec<Change>> {
        None
    }

    /// Draws what it needs and changes the image, where it does more than change colours and is no start.
    fn apply(&self, pixels: Pixels, _stream: &mut Stream, _centre: &Centre) -> Pixels {
        pixels
    }
}
