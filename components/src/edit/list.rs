//! Edits of list items.

use super::{EditCursor, EditError, EditResult, Editable};
use crate::list::{Keyed, List};

impl<T: Keyed + Editable> Editable for List<T> {
    fn edit(&mut self, edit: &mut EditCursor<'_>) -> EditResult {
        let key = edit.key()?;
        let position = self.position_of(&key).ok_or(EditError::NoItem)?;
        let mut item = self.at(position).ok_or(EditError::NoItem)?.clone();
        item.edit(edit)?;
        // The key may depend on the written field. With another key the item would replace another
        // item.
        if item.key() != key {
            return Err(EditError::ReadOnly);
        }
        self.update_at(position, |place| *place = item);
        Ok(())
    }
}
