"""What measuring and answering cost, in tokens trained: one rate then forecasts a whole experiment."""

# A forward pass costs a third of a training step.
TRAINING_PASSES = 3
# Writing the answer to a row takes about as long as training on so many times the tokens of its prompt and response: a
# token at a time leaves a machine half idle. 17 answers of the demo's base took 2.5 times, 12 of SmolLM2 on a busy core
# 7 times or more; larger batches take less.
ANSWER_COST = 5.0
