//! The memory of the module: a third of the size of the standard library's allocator, which is made
//! for every platform there is.
//!
//! Blocks come in sizes of a power of two, or of one and a half. What is freed goes to a list of
//! its size and is taken from there again; new blocks are cut from the end of the memory, which
//! grows. Nothing is ever joined: a page asks for the same sizes over and over, and the worst case
//! is bounded by the most it had of each size.

#![expect(
    unsafe_code,
    reason = "an allocator hands out raw memory; it saves 1.5 kB of the 40 that a page may cost"
)]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr::null_mut;

/// Two for each power of two of the address space.
const SIZES: usize = 64;
/// WebAssembly's unit of memory.
const PAGE: usize = 65_536;

struct Memory {
    /// The first free block of each size; each free block begins with the address of the next.
    free: [Cell<*mut u8>; SIZES],
    /// What is not cut into blocks yet.
    next: Cell<usize>,
    end: Cell<usize>,
}

// SAFETY: a WebAssembly module without shared memory has one thread.
unsafe impl Sync for Memory {}

#[global_allocator]
static MEMORY: Memory =
    Memory { free: [const { Cell::new(null_mut()) }; SIZES], next: Cell::new(0), end: Cell::new(0) };

/// The list that a size belongs to, and the size of all blocks in it: the next one of 16, 24, 32,
/// 48, 64, 96 and so on.
fn class(size: usize) -> (usize, usize) {
    let top = (size.max(16) - 1).ilog2() as usize;
    let (whole, half) = (2 << top, 3 << (top - 1));
    if size <= half { (2 * top, half) } else { (2 * top + 1, whole) }
}

// SAFETY: blocks are at least as large as asked for, lie in memory that was grown and is given to
// nobody else, and begin at multiples of 8, as all sizes are; what has to begin at others, as
// nothing here does, is not given memory.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (list, size) = class(layout.size());
        if layout.align() > 8 {
            return null_mut();
        }
        let Some(list) = self.free.get(list) else { return null_mut() };
        let block = list.get();
        if !block.is_null() {
            // SAFETY: a free block begins with the address of the next one.
            list.set(unsafe { block.cast::<*mut u8>().read() });
            return block;
        }
        let start = self.next.get();
        if self.end.get() - start < size {
            let pages = size.div_ceil(PAGE);
            let grown = core::arch::wasm32::memory_grow(0, pages);
            if grown == usize::MAX {
                return null_mut();
            }
            // What somebody else grew in between is not ours, and what was left before is too small
            // to matter.
            if grown * PAGE != self.end.get() {
                self.next.set(grown * PAGE);
            }
            self.end.set((grown + pages) * PAGE);
        }
        let start = self.next.get();
        self.next.set(start + size);
        start as *mut u8
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(list) = self.free.get(class(layout.size()).0) {
            // SAFETY: the block is ours again, and at least 16 bytes long.
            unsafe { block.cast::<*mut u8>().write(list.get()) };
            list.set(block);
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if class(layout.size()) == class(size) {
            return block;
        }
        // SAFETY: the caller vouches for the block and for the new size.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                new.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}
