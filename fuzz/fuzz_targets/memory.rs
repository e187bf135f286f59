//! Counts the memory of an input, and ends the process if it is too much: that is a finding like a panic.
//!
//! libFuzzer's own limit checks the whole process once a second; this one is exact, and triggers at the allocation.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// Maximum memory for an input of a megabyte, in bytes.
const MOST: usize = 256 << 20;

static IS_ON: AtomicBool = AtomicBool::new(false);
static TAKEN: AtomicUsize = AtomicUsize::new(0);
static AT_BEGIN: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator with a counter.
pub struct Counted;

/// An input begins.
pub fn begin() {
    AT_BEGIN.store(TAKEN.load(Relaxed), Relaxed);
    IS_ON.store(true, Relaxed);
}

/// It is done.
pub fn end() {
    IS_ON.store(false, Relaxed);
}

fn take(size: usize) {
    let taken = TAKEN.fetch_add(size, Relaxed) + size;
    if IS_ON.load(Relaxed) && taken > AT_BEGIN.load(Relaxed) + MOST {
        IS_ON.store(false, Relaxed);
        panic!("this input takes more than {} MiB of memory", MOST >> 20);
    }
}

// The system's allocator has the same contract as this one.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        TAKEN.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        TAKEN.fetch_sub(layout.size(), Relaxed);
        take(size);
        unsafe { System.realloc(pointer, layout, size) }
    }
}
