//! Decisions: DMN models with FEEL, evaluated under limits.
