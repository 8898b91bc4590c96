//! What a machine is: its instruction sets, cores, memory and name; code that is compiled for every instruction set; memory in huge pages.
//!
//! ```
//! use bakeoff_machine::{Buffer, Isa, vectorised};
//!
//! vectorised! {
//!     /// Twice every number.
//!     fn double(numbers: &mut [f32]) {
//!         numbers.iter_mut().for_each(|number| *number *= 2.0);
//!     }
//! }
//!
//! let mut numbers = Buffer::zeroed(1 << 20);
//! numbers[7] = 21.0;
//! double(&mut numbers);
//! assert_eq!(numbers[7], 42.0);
//! println!("{}, {} cores, {}", bakeoff_machine::processor_name(), bakeoff_machine::cores(), Isa::detect().name());
//! ```

#![warn(clippy::print_stderr)]

mod buffer;
mod isa;
mod memory;
mod processor;

pub use buffer::Buffer;
pub use isa::Isa;
pub use memory::available_memory;
pub use processor::{cores, processor_name};
