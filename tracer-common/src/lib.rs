//! The wire ABI.
#![no_std]
