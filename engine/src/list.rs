//! List functions with smaller code than those of the standard library.

/// Keeps the elements for which `is` returns true, in their order. Compiled once for each type;
/// [`Vec::retain`] is compiled once for each call. A removal moves all elements that follow: lists
/// are short.
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

/// Removes and returns the first element.
#[inline(never)]
pub(crate) fn shift<T>(list: &mut Vec<T>) -> Option<T> {
    if list.is_empty() { None } else { Some(list.remove(0)) }
}
