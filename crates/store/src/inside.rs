//! Knows what runs on this thread already, so that nothing waits for itself.

use std::cell::RefCell;

thread_local! {
    static INSIDE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Notes, as long as it lives, that this thread works inside something.
pub(crate) struct Inside;

impl Inside {
    pub(crate) fn enter<T>(what: &T) -> Inside {
        INSIDE.with_borrow_mut(|inside| inside.push(address(what)));
        Inside
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.with_borrow_mut(|inside| inside.pop());
    }
}

/// Whether this thread works inside it.
pub(crate) fn is_inside<T>(what: &T) -> bool {
    let address = address(what);
    INSIDE.with_borrow(|inside| inside.contains(&address))
}

fn address<T>(what: &T) -> usize {
    std::ptr::from_ref(what).addr()
}
