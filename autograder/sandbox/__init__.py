"""Where student code runs: the warm zygote, what confines its children, and the trusted side's hold on them."""
