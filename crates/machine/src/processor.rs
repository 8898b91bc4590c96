//! The processor: its name, and how many threads it runs at once.

use std::fs;

/// The processor's name as Linux tells it; `unknown` where the system does not.
#[must_use]
pub fn processor_name() -> String {
    name_in(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default())
}

fn name_in(cpuinfo: &str) -> String {
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or("unknown".to_owned(), |(_, name)| name.trim().to_owned())
}

/// Threads that can run at once: the cores that this process may use, within the limits of its control group. At least one.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_first_processors() {
        let text = "processor\t: 0\nmodel name\t: Fast 9000 @ 2 GHz\n\nprocessor\t: 1\nmodel name\t: Slow\n";
        assert_eq!(name_in(text), "Fast 9000 @ 2 GHz");
        assert_eq!(name_in("Hardware : a telephone\n"), "unknown");
        assert!(cores() >= 1);
    }
}
