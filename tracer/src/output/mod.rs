//! Results for people and programs: one format, one file. Computes no facts.
