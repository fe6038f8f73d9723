//! The number of sockets that the process's file descriptors allow.

/// Descriptors that are left for everything but the sockets of clients: the database, the log, the
/// executor.
const LEFT: std::ops::RangeInclusive<usize> = 32..=256;

/// Returns how many sockets there may be; `None` where the system does not say how many descriptors
/// there are.
pub(super) fn sockets() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let most = soft_limit(&limits)?;
    Some(most.saturating_sub((most / 16).clamp(*LEFT.start(), *LEFT.end())).max(1))
}

/// Reads the soft limit out of a table like Linux's; `None` if there is none.
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
        assert!(sockets().is_some_and(|sockets| sockets > 0));
    }
}
