//! The module's allocator. Its code is a third of the size of the standard library's allocator,
//! which supports every platform.
//!
//! Block sizes are a power of two, or one and a half times that. A freed block goes to the list of
//! its size and is reused from there. New blocks are cut from the end of the memory, which grows.
//! Blocks are never joined: a page requests the same sizes repeatedly, and the worst case is
//! bounded by the peak number of blocks of each size.

#![expect(
    unsafe_code,
    reason = "an allocator hands out raw memory; it saves 1.5 kB of the 40 that a page may cost"
)]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr::null_mut;

/// Number of block sizes: two for each power of two of the address space.
const SIZES: usize = 64;
/// WebAssembly's unit of memory, in bytes.
const PAGE: usize = 65_536;

struct Memory {
    /// The first free block of each size; each free block begins with the address of the next.
    free: [Cell<*mut u8>; SIZES],
    /// The range `next..end` is not cut into blocks yet.
    next: Cell<usize>,
    end: Cell<usize>,
}

// SAFETY: a WebAssembly module without shared memory has one thread.
unsafe impl Sync for Memory {}

#[global_allocator]
static MEMORY: Memory =
    Memory { free: [const { Cell::new(null_mut()) }; SIZES], next: Cell::new(0), end: Cell::new(0) };

/// Returns the index of a size's list, and the size of all blocks in it, in bytes: the next one of
/// 16, 24, 32, 48, 64, 96 and so on.
fn class(size: usize) -> (usize, usize) {
    let top = (size.max(16) - 1).ilog2() as usize;
    let (whole, half) = (2 << top, 3 << (top - 1));
    if size <= half { (2 * top, half) } else { (2 * top + 1, whole) }
}

// SAFETY: blocks are at least as large as requested, lie in memory grown here, and have one owner.
// They begin at multiples of 8, because all sizes are multiples of 8. Larger alignments, which this
// module does not use, get no memory.
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
            // Memory that other code grew in between does not belong to this allocator. The rest of
            // the old range is small enough to drop.
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
            // SAFETY: the allocator owns the block again; it is at least 16 bytes long.
            unsafe { block.cast::<*mut u8>().write(list.get()) };
            list.set(block);
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if class(layout.size()) == class(size) {
            return block;
        }
        // SAFETY: the caller guarantees that the block and the new size are valid.
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
