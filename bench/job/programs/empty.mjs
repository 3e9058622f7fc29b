/** Nothing: what any program in a file costs. */
