//! What is left of a run, held against what was acknowledged.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};

/// Whether these are the actions of the pages, each exactly once, and those of one page in order.
/// An action is named `PAGE-COUNT`, counted from 1.
///
/// # Errors
/// If one is missing, there twice, or out of order.
pub fn are_exact<'a>(
    names: impl IntoIterator<Item = &'a str>,
    pages: impl IntoIterator<Item = u64>,
    actions: u64,
) -> anyhow::Result<()> {
    let mut counts: BTreeMap<u64, u64> = pages.into_iter().map(|page| (page, 0)).collect();
    for name in names {
        let (page, count) = name.split_once('-').with_context(|| format!("{name:?} is not of a page"))?;
        let (page, count): (u64, u64) = (page.parse()?, count.parse()?);
        let last = counts.get_mut(&page).with_context(|| format!("{name:?} is not of such a page"))?;
        ensure!(count == *last + 1, "page {page}: {count} comes after {last}");
        *last = count;
    }
    for (page, count) in counts {
        ensure!(count == actions, "page {page}: {count} of {actions} are there");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::are_exact;

    #[test]
    fn each_once_and_in_order_is_exact() {
        assert!(are_exact(["1-1", "3-1", "3-2", "1-2"], [1, 3], 2).is_ok());
    }

    #[test]
    fn what_is_lost_doubled_out_of_order_or_made_up_is_seen() {
        for names in [
            &["1-1", "3-1", "3-2"][..],
            &["1-1", "1-1", "1-2", "3-1", "3-2"],
            &["1-2", "1-1", "3-1", "3-2"],
            &["1-1", "1-2", "3-1", "3-2", "4-1"],
            &["1-1", "1-2", "3-1", "3-2", "3-3"],
            &["1-1", "1-2", "3-1", "3"],
        ] {
            assert!(are_exact(names.iter().copied(), [1, 3], 2).is_err(), "{names:?}");
        }
    }
}
