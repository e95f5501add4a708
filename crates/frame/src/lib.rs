//! What a picture is.
