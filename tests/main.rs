//! All black-box tests, linked once.
