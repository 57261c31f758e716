"""What measuring and answering cost, in tokens trained: one rate then forecasts a whole experiment."""

# A forward pass costs a third of a training step.
TRAINING_PASSES = 3
# Writing the answer to a row takes as long as training on so many times the tokens of its prompt and response: 17
# answers of the demo's base took 2.4 s, at 1,800 tokens/s trained. A batch of few rows leaves a machine half idle.
ANSWER_COST = 2.5
