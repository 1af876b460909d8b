// SPDX-License-Identifier: MIT
//! parking_lot's mutex with C's calling convention; locks/peers/parking_lot.h declares it to C.
//! Each function is one call of the crate, which is inlined here; the call from C is not.

use lock_api::RawMutex as _;
use parking_lot::RawMutex;

const _: () = assert!(std::mem::size_of::<RawMutex>() == 1, "what the header says");

/// # Safety
/// `mutex` is a byte that no thread uses yet.
#[no_mangle]
pub unsafe extern "C" fn parking_lot_init(mutex: *mut RawMutex) {
    mutex.write(RawMutex::INIT);
}

/// # Safety
/// `mutex` was initialised, as for the functions below.
#[no_mangle]
pub unsafe extern "C" fn parking_lot_lock(mutex: *const RawMutex) {
    (*mutex).lock();
}

#[no_mangle]
pub unsafe extern "C" fn parking_lot_try_lock(mutex: *const RawMutex) -> bool {
    (*mutex).try_lock()
}

/// # Safety
/// The calling thread has the mutex.
#[no_mangle]
pub unsafe extern "C" fn parking_lot_unlock(mutex: *const RawMutex) {
    (*mutex).unlock();
}
