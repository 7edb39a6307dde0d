"""Reading WebAssembly: pure, no engine needed."""
