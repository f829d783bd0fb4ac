//! Scenarios as readable documents: how they are parsed and what they expect. Pure; the runner in
//! `bin/scenarios` does the rest.
