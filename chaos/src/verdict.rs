//! The check of the actions that are recorded after a run.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};

/// Checks that `names` contain each action of the pages once, and those of one page in order. The
/// name of an action is `PAGE-COUNT`, with counts from 1.
///
/// # Errors
/// Fails if an action is missing, repeated, unknown or out of order.
pub fn check_exact<'a>(
    names: impl IntoIterator<Item = &'a str>,
    pages: impl IntoIterator<Item = u64>,
    actions: u64,
) -> anyhow::Result<()> {
    let mut counts: BTreeMap<u64, u64> = pages.into_iter().map(|page| (page, 0)).collect();
    for name in names {
        let (page, count) =
            name.split_once('-').with_context(|| format!("{name:?} is not the name of an action"))?;
        let (page, count): (u64, u64) = (page.parse()?, count.parse()?);
        let last = counts.get_mut(&page).with_context(|| format!("{name:?} is of an unknown page"))?;
        ensure!(count == *last + 1, "page {page}: action {count} follows action {last}");
        *last = count;
    }
    for (page, count) in counts {
        ensure!(count == actions, "page {page}: {count} of {actions} actions are recorded");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_exact;

    #[test]
    fn each_action_once_and_in_order_is_accepted() {
        assert!(check_exact(["1-1", "3-1", "3-2", "1-2"], [1, 3], 2).is_ok());
    }

    #[test]
    fn lost_repeated_reordered_and_unknown_actions_are_errors() {
        for names in [
            &["1-1", "3-1", "3-2"][..],
            &["1-1", "1-1", "1-2", "3-1", "3-2"],
            &["1-2", "1-1", "3-1", "3-2"],
            &["1-1", "1-2", "3-1", "3-2", "4-1"],
            &["1-1", "1-2", "3-1", "3-2", "3-3"],
            &["1-1", "1-2", "3-1", "3"],
        ] {
            assert!(check_exact(names.iter().copied(), [1, 3], 2).is_err(), "{names:?}");
        }
    }
}
