"""What `sigma-t1020 check` does with rules that were loaded, and with the queries made of them."""
