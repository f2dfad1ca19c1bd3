//! Real databases, and spoilt ones.

mod corpus;
