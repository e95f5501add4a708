//! Moves pictures between processes.
