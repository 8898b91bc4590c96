//! How much memory can still be had.

use std::fs;

/// Bytes that may still be filled without swapping or being killed: of what the kernel calls available, what a control group leaves and
/// what a limit to this process's addresses leaves, the least. `None` where the system does not tell.
#[must_use]
pub fn available_memory() -> Option<u64> {
    let text = |path: &str| fs::read_to_string(path).ok();
    let number = |path: &str| text(path)?.trim().parse::<u64>().ok();
    let system = text("/proc/meminfo").and_then(|text| kibibytes(&text, "MemAvailable:"));
    let group = number("/sys/fs/cgroup/memory.max")
        .zip(number("/sys/fs/cgroup/memory.current"))
        .map(|(most, current)| most.saturating_sub(current));
    let addresses = text("/proc/self/limits")
        .and_then(|text| address_limit(&text))
        .zip(text("/proc/self/status").and_then(|text| kibibytes(&text, "VmSize:")))
        .map(|(most, used)| most.saturating_sub(used));
    system.into_iter().chain(group).chain(addresses).min()
}

/// The value of `name` in one of the kernel's tables, in bytes.
fn kibibytes(table: &str, name: &str) -> Option<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The soft limit of the address space; `None` where there is none.
fn address_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_understood() {
        let text = "MemTotal:       24684168 kB\nMemFree:        14770340 kB\nMemAvailable:   22323804 kB\n";
        assert_eq!(kibibytes(text, "MemAvailable:"), Some(22_323_804 * 1024));
        assert_eq!(kibibytes("MemTotal: 5 kB", "MemAvailable:"), None);
        let limits = "Limit      Soft Limit  Hard Limit  Units\nMax address space         1073741824  unlimited  bytes\n";
        assert_eq!(address_limit(limits), Some(1 << 30));
        assert_eq!(
            address_limit("Max address space         unlimited            unlimited            bytes"),
            None
        );
    }
}
