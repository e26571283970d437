"""`python -m payorch.cli`: the payorch command where its script is not on the path."""

from payorch.cli import main

main(prog_name="payorch")
