//! The number of sockets that the process's file descriptors allow.

/// The bounds of the number of descriptors reserved for everything except client sockets: the
/// database, the log, the executor.
const RESERVED: std::ops::RangeInclusive<usize> = 32..=256;

/// Returns the maximum number of client sockets; `None` if the system does not report a limit of
/// descriptors.
pub(super) fn max_sockets() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let limit = soft_limit(&limits)?;
    Some(limit.saturating_sub((limit / 16).clamp(*RESERVED.start(), *RESERVED.end())).max(1))
}

/// Parses the soft limit of open files in Linux's table of limits; `None` if the table has none.
fn soft_limit(table: &str) -> Option<usize> {
    let line = table.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_read() {
        let table = "Limit                     Soft Limit           Hard Limit           Units\n\
                     Max processes             63432                63432                processes\n\
                     Max open files            1024                 524288               files\n";
        assert_eq!(soft_limit(table), Some(1024));
        assert_eq!(soft_limit(&table.replace("1024", "unlimited")), None);
        assert_eq!(soft_limit(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_a_limit() {
        assert!(max_sockets().is_some_and(|sockets| sockets > 0));
    }
}
