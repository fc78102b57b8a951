"""What users of the library test and measure with."""
