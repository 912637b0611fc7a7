//! The Signal K data model as plain values.
