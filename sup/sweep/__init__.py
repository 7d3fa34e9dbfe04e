"""From runs to stacks to results: planning, going on, failures, memory, the page of a sweep."""
