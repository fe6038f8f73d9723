//! Items that a page writes into.

use super::{Keyed, List};
use crate::edit::{Edit, EditError, Editable, Edited};

impl<T: Keyed + Editable> Editable for List<T> {
    fn edit(&mut self, edit: &mut Edit<'_>) -> Edited {
        let key = edit.key()?;
        let position = self.index.find_for_change(&self.items, &key).ok_or(EditError::NoItem)?;
        let mut item = self.at(position).ok_or(EditError::NoItem)?.clone();
        item.edit(edit)?;
        // The key may follow from what was written. With another one the item would take the place of another item.
        if item.key() != key {
            return Err(EditError::ReadOnly);
        }
        self.update_at(position, |place| *place = item);
        Ok(())
    }
}
