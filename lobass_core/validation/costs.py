"""What measuring and answering cost, in tokens trained: one rate then forecasts a whole experiment."""

# A forward pass costs a third of a training step.
TRAINING_PASSES = 3
# Writing the answer to a row takes about as long as training on so many times the tokens of its prompt and response: a
# token at a time leaves a machine half idle. 16 answers of SmolLM2 to GSM8K took 90 s on a core that trains 145
# tokens/s, 3.4 times; 17 of the demo's base took 2.5 times.
ANSWER_COST = 3.5
