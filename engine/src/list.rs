//! Lists, by functions that are smaller than those of the standard library.

/// Keeps the elements of which `is` holds, in their order. One function for each type, where
/// [`Vec::retain`] is one for each call. What is removed moves all that follows: lists are short.
#[inline(never)]
pub(crate) fn retain<T>(list: &mut Vec<T>, is: &mut dyn FnMut(&mut T) -> bool) {
    let mut at = 0;
    while let Some(element) = list.get_mut(at) {
        if is(element) {
            at += 1;
        } else {
            list.remove(at);
        }
    }
}

/// Takes the first element.
#[inline(never)]
pub(crate) fn shift<T>(list: &mut Vec<T>) -> Option<T> {
    if list.is_empty() { None } else { Some(list.remove(0)) }
}
