"""Photos as numbers: decoding that trusts no file, what their EXIF says, and what the network sees of them."""
