"""What a running house tells whoever looks after it: metrics, traces, and a journal. None of it names a person."""
