//! Pins the server and the load generator to cores of their own.
//!
//! Unpinned, the kernel sometimes puts both on one core, and latencies then describe the scheduler.

use std::sync::OnceLock;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The part of a measurement that a thread belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// The load generator, on the first core that this process may use.
    Load,
    /// A measured server, on the last one.
    Server,
}

/// Pins the current thread. The threads and processes that it starts afterwards inherit the core.
/// Does nothing if this process may use only one core.
///
/// # Errors
/// Fails if the kernel refuses.
pub(crate) fn pin(part: Part) -> anyhow::Result<()> {
    /// The first and the last core that this process may use, as they are before the first call.
    static CORES: OnceLock<(usize, usize)> = OnceLock::new();

    let (first, last) = match CORES.get() {
        Some(cores) => *cores,
        None => {
            let allowed = sched_getaffinity(None)?;
            let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
            let first = cores.next().unwrap_or_default();
            *CORES.get_or_init(|| (first, cores.next_back().unwrap_or(first)))
        }
    };
    if first == last {
        return Ok(());
    }
    let mut core = CpuSet::new();
    core.set(match part {
        Part::Load => first,
        Part::Server => last,
    });
    Ok(sched_setaffinity(None, &core)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_have_cores_of_their_own() {
        let allowed = sched_getaffinity(None).unwrap().count();
        let mut cores = Vec::new();
        for part in [Part::Load, Part::Server, Part::Load] {
            pin(part).unwrap();
            let set = sched_getaffinity(None).unwrap();
            cores.push((0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect::<Vec<_>>());
        }
        assert_eq!(cores[0], cores[2]);
        assert_eq!(cores[0] != cores[1], allowed > 1);
        assert!(cores.iter().all(|set| set.len() == 1), "{cores:?}");
    }
}
